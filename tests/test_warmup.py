"""What is compiled ahead is all that training and predicting need, also where nothing can be written."""

import json
import re
import shutil

import pytest

import fastbp
from fastbp import cli
from fastbp.execution import warmup as warming
from fastbp.kernels.compiler import jit

NO_LIBRARY = {"FASTBP_LIBRARY": "off"}
WARMUP = "import sys; from fastbp.cli import main; sys.exit(main())"

# trains and predicts, and prints how many functions were compiled; with "read-only" no file there can be written
USE = '''
import errno, json, os, pickle, sys, warnings
import numba.core.event
import numpy as np

folder, kind, dtypes, optimizers, warm = json.loads(sys.argv[1])

def refuse(event, arguments):
    """Be a disk that can only be read."""
    if event == "open":
        path, writes = arguments[0], arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    else:
        path, writes = arguments[0], event in ("os.mkdir", "os.rename", "os.remove", "os.utime", "os.rmdir")
    if writes and os.fspath(path).startswith(folder):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

if kind == "read-only":
    sys.addaudithook(lambda event, arguments: refuse(event, arguments) if event[:3] in ("os.", "ope") else None)

import fastbp
from fastbp.execution import fast_plan, helpers

fast_plan.CALL_FLOP, ran, launch = 1, set(), helpers.launch  # several workers for little work, too

def record(work, *arguments):
    ran.add(work)
    return launch(work, *arguments)

helpers.launch = record
random = np.random.default_rng(0)
y = random.integers(0, 10, 300)
warnings.filterwarnings("ignore", "training failed")
with numba.core.event.install_recorder("numba:compile") as recorder:
    if warm:
        fastbp.warmup(dtypes=dtypes, optimizers=optimizers)
    for dtype in dtypes:
        momentum = [fastbp.optimizers.SGD(momentum=0.9, nesterov=nesterov) for nesterov in (False, True)]
        for optimizer in optimizers + momentum * ("sgd" in optimizers):
            for n_threads in 1, None:
                model = fastbp.Model([784, 500, 10], optimizer=optimizer, dtype=dtype, seed=0, n_threads=n_threads)
                X = random.integers(0, 255, (300, 784), dtype=np.uint8)
                for kind in "uint8", "float32", "float64", "int16":
                    X = X.astype(kind)
                    X.flags.writeable = kind != "float32"
                    model.fit(X, y, epochs=1, validation_data=(X, y), verbose=0)
                    model.evaluate(X, y), model.gradients(X, y)
                    model.predict(X), model.predict(X[:1]), model.predict(X[:1].astype("float32"))
                    model.predict(X[:3]), model.predict(np.asfortranarray(X[:3]))
        for n_threads in 1, None:  # in row blocks, and by replicas
            model = fastbp.Model([37, 61, 10], optimizer=optimizers[0], dtype=dtype, seed=0, n_threads=n_threads)
            model.fit(X[:, :37], y, epochs=2, batch_size=300, verbose=0)
            pickle.loads(pickle.dumps(model)).fit(X[:, :37], y, shuffle=False, verbose=0)
            fastbp.find_learning_rate(model, X[:, :37], y)
    for settings in {"activation": "gelu"}, {"loss": "huber"}, {"clip_norm": 1, "dropout": 0.5}, {"layer_norm": True}:
        model = fastbp.Model([2, 3, 10], dtype=dtype, seed=0, optimizer=optimizers[0], **settings)
        targets = np.zeros((300, 10)) if "loss" in settings else y
        model.fit(X[:, :2], targets, epochs=1, verbose=0), model.gradients(X[:, :2], targets)
assert ran == {"train", "train_replicas", "predict", "row_worker"}, ran
print(len(recorder.buffer), fastbp.execution.threads.most())
'''


@pytest.fixture(scope="module")
def use(tmp_path_factory, run_python):
    """Return a function that runs USE; it returns how many functions were compiled."""

    def use(folder, kind="", dtypes=("float32",), optimizers=("sgd", "adam"), warm=False, **variables):
        wanted = json.dumps([str(folder), kind, dtypes, optimizers, warm])
        variables = {"NUMBA_NUM_THREADS": "3", "NUMBA_CACHE_DIR": str(folder)} | NO_LIBRARY | variables
        compiled, threads = run_python("-W", "error", "-c", USE, wanted, **variables).stdout.split()[-2:]
        assert threads == variables["NUMBA_NUM_THREADS"]
        return int(compiled)

    return use


@pytest.fixture(scope="module")
def warm(run_python, tmp_path_factory):
    """A cache folder after `fastbp warmup` on one thread, and what that printed."""
    folder = tmp_path_factory.mktemp("warm") / "of kernels"
    more = "--optimizers", "sgd,adam", "--activations", "relu,gelu", "--losses", "huber", "--layer-norm"
    done = run_python(
        "-W", "error", "-c", WARMUP, "warmup", *more, NUMBA_CACHE_DIR=str(folder), NUMBA_NUM_THREADS="1", **NO_LIBRARY
    )
    assert done.stderr == ""
    return folder, done.stdout


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.kernel")}


@pytest.mark.slow
def test_the_command_says_what_it_compiled_how_long_that_took_and_where_it_is(warm, monkeypatch):
    folder, told = warm
    *lines, last = told.splitlines()
    found = [re.fullmatch(r"float32 (\w+): (.+), \d+\.\d seconds", text) for text in lines]
    kernels = {match[1]: match[2].split(", ") for match in found}
    assert list(kernels) == ["sgd", "adam", "relu", "gelu", "huber", "layer_norm"]
    assert {"train", "launch", "linear_forward", "update_nesterov", "gather_uint8"} <= set(kernels["sgd"])
    assert sorted(kernels["adam"]) == ["update_adam", "update_csr_adam"] and kernels["huber"] == [
        "loss_huber",
        "output_row_identity",
        "predict_identity",
    ]
    assert sorted(path.name.split(".")[-4] for path in files(folder)) == sorted(sum(kernels.values(), []))
    monkeypatch.setattr(jit, "library", lambda: None)
    assert last == f"JIT cache: {folder / 'fastbp' / jit.source_key.__wrapped__()}"


@pytest.mark.slow
def test_a_later_process_compiles_nothing(warm, use):
    before = files(warm[0])
    assert use(warm[0]) == 0
    assert files(warm[0]) == before


@pytest.mark.slow
def test_a_later_process_that_can_only_read_compiles_nothing(warm, use):
    assert use(warm[0], "read-only") == 0
    assert use(warm[0], "read-only", warm=True) == 0


@pytest.mark.slow
def test_what_is_missing_is_compiled_when_it_is_used(warm, use, tmp_path):
    folder = shutil.copytree(warm[0], tmp_path / "copy")
    for path in folder.rglob("tasks.update_kernels.update_momentum.*"):
        path.unlink()
    assert use(folder) > 0
    assert files(folder).keys() == {folder / path.relative_to(warm[0]) for path in files(warm[0])}


@pytest.mark.slow
def test_a_warmup_whose_work_would_be_lost_fails(run_python, tmp_path, warm, use):
    (tmp_path / "file").write_text("")
    below = str(tmp_path / "file" / "below")
    done = run_python("-W", "ignore", "-c", WARMUP, "warmup", check=False, NUMBA_CACHE_DIR=below, **NO_LIBRARY)
    assert done.returncode == 2 and "NUMBA_CACHE_DIR" in done.stderr and done.stdout == ""
    with pytest.raises(AssertionError, match="OSError: fastbp could not keep a compiled kernel"):
        use(warm[0], "read-only", dtypes=["float64"], warm=True)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("--dtypes float16", "'float16'"),
        ("--dtypes float32,", "dtype"),
        ("--optimizers sgd,lbfgs", "'lbfgs'"),
        ("--activations swoosh", "'swoosh'"),
        ("--losses huber,sum", "'sum'"),
        ("--for train --dtypes nonsense", "--dtypes can't be given with --for train"),
        ("--for mlp-classifier --losses huber", "--losses can't be given with --for mlp-classifier"),
        ("--for train --layer-norm", "--layer-norm can't be given with --for train"),
    ],
)
def test_names_that_are_not_known(capsys, arguments, word):
    assert cli.main(["warmup", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and word in err and err.count("\n") == 1


@pytest.fixture
def without_library(warm, monkeypatch):
    """Let this process have no library, and the cache folder of `warm`."""
    (folder,) = (warm[0] / "fastbp").iterdir()
    monkeypatch.setattr(jit, "cache_folder", lambda: folder)
    monkeypatch.setattr(warming, "library", lambda: None)


@pytest.mark.slow
def test_a_second_warmup_finds_all_there(capsys, without_library):
    fastbp.warmup(dtypes="float32", optimizers="adam", verbose=0)
    assert capsys.readouterr().out == ""
    assert fastbp.warmup(dtypes=["float32"], optimizers=["adam"]) == []
    *lines, _ = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(re.fullmatch(r"float32 \w+: all in the cache, \d+\.\d seconds", line) for line in lines)


@pytest.mark.slow
def test_objects_stand_for_their_settings(capsys, without_library):
    objects = {"optimizers": fastbp.optimizers.SGD(momentum=0.9), "activations": fastbp.activations.GELU}
    fastbp.warmup(dtypes="float32", **objects, losses=[fastbp.losses.Huber(2.0), "cross_entropy"], verbose=False)
    assert capsys.readouterr().out == ""
    fastbp.warmup(dtypes="float32", **objects, losses=fastbp.losses.Huber(0.5), verbose=True)
    *lines, _ = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["float32 sgd", "float32 gelu", "float32 huber"]
    assert all(": all in the cache, " in line for line in lines)


def test_functions_of_your_own_are_refused():
    bent = fastbp.activations.Activation("bent", lambda t: 2 * t, lambda t: 2.0)
    fourth = fastbp.losses.PointLoss("fourth", lambda z, y: (z - y) ** 4 / 4, lambda z, y: (z - y) ** 3)
    for kind, own in {"activations": bent, "losses": fourth}.items():
        with pytest.raises(ValueError, match=f"'{own.name}' has functions of your own"):
            fastbp.warmup(**{kind: [own]})
