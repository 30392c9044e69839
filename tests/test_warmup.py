"""What is compiled ahead is all that training and predicting need, also where nothing can be written."""

import json
import re
import shutil

import pytest

import fastbp
from fastbp import cli
from fastbp.kernels import _jit

WARMUP = "import sys; from fastbp.cli import main; sys.exit(main())"

# trains and predicts, and prints how many functions were compiled; with "read-only" no file there can be written
USE = '''
import errno, json, os, sys
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

random = np.random.default_rng(0)
y = random.integers(0, 10, 200)
with numba.core.event.install_recorder("numba:compile") as recorder:
    if warm:
        fastbp.warmup(dtypes, optimizers)
    for dtype in dtypes:
        for settings in [{"optimizer": name} for name in optimizers] + [{"momentum": 0.9}] * ("sgd" in optimizers):
            for n_threads in 1, None:
                model = fastbp.Model([784, 500, 10], dtype=dtype, seed=0, n_threads=n_threads, **settings)
                X = random.integers(0, 255, (200, 784), dtype=np.uint8)
                for kind in "uint8", "float32", "float64", "int16":
                    X = X.astype(kind)
                    X.flags.writeable = kind != "float32"
                    model.fit(X, y, epochs=1, validation_data=(X, y), verbose=0)
                    model.evaluate(X, y), model.gradients(X, y)
                    model.predict(X), model.predict(X[:1]), model.predict(X[:1].astype("float32"))
                    model.predict(X[:3]), model.predict(np.asfortranarray(X[:3]))
    for settings in {"activation": "gelu"}, {"loss": "huber"}, {"clip_norm": 1, "dropout": 0.5}, {"layer_norm": True}:
        model = fastbp.Model([2, 3, 10], dtype=dtype, seed=0, optimizer=optimizers[0], **settings)
        targets = np.zeros((200, 10)) if "loss" in settings else y
        model.fit(X[:, :2], targets, epochs=1, verbose=0), model.gradients(X[:, :2], targets)
print(len(recorder.buffer), fastbp.threads.most())
'''


@pytest.fixture(scope="module")
def use(tmp_path_factory, run_python):
    """Return a function that runs USE; it returns how many functions were compiled."""

    def use(folder, kind="", dtypes=("float32",), optimizers=("sgd", "adam"), warm=False, **variables):
        wanted = json.dumps([str(folder), kind, dtypes, optimizers, warm])
        variables = {"NUMBA_NUM_THREADS": "3", "NUMBA_CACHE_DIR": str(folder)} | variables
        compiled, threads = run_python("-W", "error", "-c", USE, wanted, **variables).stdout.split()[-2:]
        assert threads == variables["NUMBA_NUM_THREADS"]
        return int(compiled)

    return use


def warmed(run_python, folder):
    """A cache folder after `fastbp warmup` on one thread, and what that printed."""
    folder = folder / "of kernels"
    more = "--activations", "relu,gelu", "--losses", "huber", "--layer-norm"
    done = run_python("-W", "error", "-c", WARMUP, "warmup", *more, NUMBA_CACHE_DIR=str(folder), NUMBA_NUM_THREADS="1")
    assert done.stderr == ""
    return folder, done.stdout


BESIDE = {"warmup": warmed}


@pytest.fixture(scope="module")
def warm(beside):
    return beside["warmup"].result()


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.kernel")}


def test_the_command_says_what_it_compiled_how_long_that_took_and_where_it_is(warm):
    folder, told = warm
    *lines, last = told.splitlines()
    line = r"float32 (\w+): (?:(\d+) kernels? of ([a-z_]+)(?:, [a-z_]+)*|all was there), \d+\.\d seconds"
    found = [re.fullmatch(line, text) for text in lines]
    assert [match[1] for match in found] == ["sgd", "adam", "adamw", "rmsprop", "relu", "gelu", "huber", "layer_norm"]
    assert all(match[2] for match in found)
    assert sum(int(match[2]) for match in found) == len(files(folder))
    assert re.search(r"\btrain\b", lines[0])
    assert last == f"JIT cache: {folder / 'fastbp' / _jit.source_key()}"


def test_a_later_process_compiles_nothing(warm, use):
    before = files(warm[0])
    assert use(warm[0]) == 0
    assert files(warm[0]) == before


def test_a_later_process_that_can_only_read_compiles_nothing(warm, use):
    assert use(warm[0], "read-only") == 0
    assert use(warm[0], "read-only", warm=True) == 0


def test_what_is_missing_is_compiled_when_it_is_used(warm, use, tmp_path):
    folder = shutil.copytree(warm[0], tmp_path / "copy")
    for path in folder.rglob("update.momentum_update.*"):
        path.unlink()
    assert use(folder) > 0
    assert files(folder).keys() == {folder / path.relative_to(warm[0]) for path in files(warm[0])}


def test_a_warmup_whose_work_would_be_lost_fails(run_python, tmp_path, warm, use):
    (tmp_path / "file").write_text("")
    below = str(tmp_path / "file" / "below")
    done = run_python("-W", "ignore", "-c", WARMUP, "warmup", check=False, NUMBA_CACHE_DIR=below)
    assert done.returncode == 2 and "NUMBA_CACHE_DIR" in done.stderr and done.stdout == ""
    with pytest.raises(AssertionError, match="OSError: fastbp could not keep a compiled kernel"):
        use(warm[0], "read-only", dtypes=["float64"], warm=True)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [("--dtypes float16", "'float16'"), ("--dtypes float32,", "dtype"), ("--optimizers sgd,lbfgs", "'lbfgs'")],
)
def test_names_that_are_not_known(capsys, arguments, word):
    assert cli.main(["warmup", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and word in err and err.count("\n") == 1


def test_a_second_warmup_finds_all_there(capsys):
    fastbp.warmup("float32", "adam", verbose=0)
    assert capsys.readouterr().out == ""
    assert fastbp.warmup(["float32"], ["adam"]) == []
    *lines, _ = capsys.readouterr().out.splitlines()
    assert all(re.fullmatch(r"float32 \w+: all was there, \d+\.\d seconds", line) for line in lines) and len(lines) == 3
