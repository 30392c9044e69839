"""A fuzzer of all that reads files: a result, or one sentence on what is wrong, in bounded memory and time.

By default it tries the same files in each run; `FASTBP_FUZZ=100000 pytest -s tests/test_fuzz_files.py` tries so many
new ones in each test.
"""

import io
import re
import sys
import warnings

import numpy as np
import pytest
from damaged import folders, idx, npz, tables
from damaged_models import KINDS, model, model_files
from fuzzing import COUNTS, examples, limited, raised
from hypothesis import given
from hypothesis import strategies as st

import fastbp
from fastbp import cli
from fastbp.files import datasets, models

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # Hypothesis's, of a large file
MOST = 10_000_000  # bytes that a file may unpack to
options = st.sampled_from(
    [
        [],
        [],
        [],
        ["--header"],
        ["--no-header"],
        ["--target", "a"],
        ["--target", "0"],
        ["--target", "-1"],
        ["--target", "é"],
    ]
)
targets = st.sampled_from([None, None, None, "a", 0, -1, 5, "", "١"])
task = st.sampled_from([[], [], ["--task", "classification"], ["--task", "regression"]])
data_files = st.one_of(*[tables()] * 4, *[npz()] * 3, idx(4, 3, 1), idx(4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder that the process stands in, and little more memory."""
    path = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        for kind in KINDS:
            (path / f"{kind}.model").write_bytes(model(kind))
        run("train", "--epochs", "1", "--quiet")  # what is compiled once takes memory of its own
        before = {entry.name for entry in path.iterdir()}
        with limited():
            yield path
        assert {entry.name for entry in path.iterdir()} - before <= {"data", "model", "saved", "mnist"}


def run(*arguments, stdin=b""):
    """Run the command with streams that are as strict as a terminal's; return status, lines of stdout and stderr."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with warnings.catch_warnings():
            warnings.simplefilter("always", RuntimeWarning)  # of outputs that are not finite: a line on stderr
            status = cli.main([*arguments])
    texts = []
    for stream in out, err:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode().removesuffix("\n").split("\n"))
    COUNTS["files"] += 1
    COUNTS[f"{arguments[0]} {status}"] += 1
    return status, *texts


def check(status, out, err):
    """Check what the command said, in lines of one sentence each."""
    assert status in (0, 2), err
    for line in err if err != [""] else []:
        assert line.startswith("fastbp: ") and len(line) > 12 and line.isprintable(), line
    if status == 2:
        assert out == [""] or out[0].startswith("data: ")
        assert err != [""] and not re.search(r"Traceback|0x[0-9a-f]{9}|<built-in|object at", err[-1]), err
        assert len(err[-1]) < 2500, err[-1]


@examples(100)
@given(contents=model_files())
def test_models(folder, contents):
    path = folder / "model"
    for content in contents:
        path.write_bytes(content)
        COUNTS["files"] += 1
        try:
            found = fastbp.load(path)
        except (ValueError, OSError) as error:
            raised(error)
            assert str(error).startswith(f"{path}: ") and len(str(error)) < 3000, error
        else:
            COUNTS["loaded"] += 1
            check_loaded(found, path)
    check(*run("predict", "model", "-", stdin=b"0,0,0\n1,2,3\n"))


def check_loaded(model, path):
    """Check that what was loaded can be used and saved again."""
    repr(model), model.summary(), model.get_config()
    path.write_bytes(b"".join(models._packed(model)))
    again = fastbp.load(path)
    assert again.get_config() == model.get_config()
    assert again.get_state()["parameters"].tobytes() == model.get_state()["parameters"].tobytes()
    X = np.arange(4.0 * model.layer_sizes[0]).reshape(4, -1)
    with np.errstate(all="ignore"):
        try:
            assert len(model.predict(X)) == 4
        except ValueError as error:
            assert "X must hold finite numbers" in str(error)
        except RuntimeWarning as warning:
            assert "rows are not finite, the first of row" in str(warning)
    y = np.arange(4) % 2 if model.network.classifies else np.arange(4.0)
    y = y if model.network.of_classes else np.repeat(y[:, None], model.layer_sizes[-1], axis=1)
    try:
        model.fit(X, y, epochs=1, batch_size=2, verbose=0)
    except (ValueError, fastbp.DivergenceError) as error:
        raised(error)
    except UserWarning as warning:
        assert "input_scale" in str(warning)
    else:
        assert all(np.isfinite(array).all() for layer in model.parameters for array in layer)


@examples(300)
@given(
    contents=data_files, target=targets, header=st.sampled_from([None, None, True, False]), columns=st.integers(1, 4)
)
def test_data_sets(folder, contents, target, header, columns):
    path = folder / "data"
    for content in contents:
        path.write_bytes(content)
        read(lambda: check_data(datasets.read(path, target, header=header, max_bytes=MOST)), path)
        names = [None, None, ["a", "b", "c", "d"][:columns]][len(content) % 3]
        X = read(lambda: datasets.read_inputs(path, columns, names, target, header=header, max_bytes=MOST), path)  # noqa: B023
        assert X is None or (X.shape[1] == columns and X.dtype.kind in "buif" and np.isfinite(X).all())


def read(function, path):
    """Return what a function returns, or None where it raises a ValueError that names the file."""
    COUNTS["files"] += 1
    try:
        found = function()
    except ValueError as error:
        raised(error)
        assert str(error).startswith(f"{path}") and len(str(error)) < 3000, error
        return None
    COUNTS["read"] += 1
    return found


def check_data(found):
    assert found.X.ndim == 2 and np.isfinite(found.X).all() and found.y.shape == (len(found.X),)
    assert found.y.dtype == (np.int64 if found.class_names else np.float64) and np.isfinite(found.y).all()
    if found.class_names:
        assert len(set(found.class_names)) == len(found.class_names)
        assert found.y.min() >= 0 and found.y.max() < len(found.class_names)
    if found.feature_names is not None:
        assert len(set(found.feature_names)) == found.X.shape[1]


@examples(100)
@given(contents=data_files, extra=options, task=task)
def test_the_command_trains(folder, contents, extra, task):
    saved = folder / "saved"
    for content in contents[::5]:
        (folder / "data").write_bytes(content)
        saved.unlink(missing_ok=True)
        words = ["--data", "data", "--max-bytes", str(MOST), *extra, *task, "--hidden", "none", "--epochs", "1"]
        status, out, err = run("train", *words, "--save", "saved", "--quiet")
        check(status, out, err)
        assert saved.exists() == (status == 0)
        if status == 0:
            assert out[0].startswith("test ") and len(out) == 3
            check(*run("predict", "saved", "data", "--max-bytes", str(MOST)))


@examples(100)
@given(contents=data_files, extra=options, kind=st.sampled_from(sorted(KINDS)))
def test_the_command_predicts(folder, contents, extra, kind):
    for content in contents[::5]:
        (folder / "data").write_bytes(content)
        source = ["data", "-"][len(content) % 2]
        status, out, err = run("predict", f"{kind}.model", source, "--max-bytes", str(MOST), *extra, stdin=content)
        check(status, out, err)
        if status == 0:
            assert all(re.fullmatch(r"[^\t]+\t[01]\.\d{6}|-?[\d.e+-]+", line) for line in out), out


@examples(40)
@given(contents=folders())
def test_folders_of_images(folder, contents):
    path = folder / "mnist"
    for files in contents:
        path.mkdir(exist_ok=True)
        for name in path.iterdir():
            name.unlink()
        for name, content in files.items():
            (path / name).write_bytes(content)
        read(lambda: check_data(datasets.read(path, max_bytes=MOST)), path)
    check(*run("train", "--data", "mnist", "--hidden", "none", "--epochs", "1", "--max-bytes", str(MOST)))
