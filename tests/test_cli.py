"""The command: what it prints and where, its exit status, and what it does to files."""

import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest

import fastbp
from fastbp.files import datasets
from fastbp.kernels.compiler import jit
from fastbp.kernels.machine.registers import FEATURES

DEFAULT = "fastbp-model.safetensors"


def complaint(result):
    """Return the one line on stderr of a command that was given wrong input."""
    status, out, err = result
    assert status == 2 and out == "" and re.fullmatch(r"fastbp: [^\n]+\n", err), result
    return err


def accuracy(out):
    return float(re.search(r"^test accuracy: ([\d.]+) %$", out, re.MULTILINE).group(1))


def write_csv(path, labels=("l", "r")):
    """Write 60 rows whose label is whether the second number is larger; return the rows' labels."""
    numbers = np.random.default_rng(3).normal(size=(60, 2)).round(3)
    kinds = [labels[int(b > a)] for a, b in numbers]
    cells = [f'{a},{b},"{kind}"\n' for (a, b), kind in zip(numbers, kinds, strict=True)]
    path.write_bytes("".join(["left,right,side\n", *cells]).encode())
    return kinds


# ---- train


def test_digits_reach_97_percent_over_five_seeds(run):
    scores = []
    for seed in range(5):
        status, out, err = run("train", "--seed", seed, "--quiet")
        assert status == 0 and err == "" and len(out.splitlines()) == 3
        scores.append(accuracy(out))
    assert np.mean(scores) >= 97.0 and len(set(scores)) > 1


def test_train_says_what_it_does_and_saves(run):
    status, out, err = run("train", "--epochs", 1, "--hidden", "20,10", "--save", "digits.model")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "data: digits, 1,438 rows to train on, 359 to test, 10 classes"
    assert lines[1] == "network: 64-20-10-10, 1 epochs in batches of 16"
    assert re.fullmatch(r"training time: \d+\.\d\d seconds", lines[-2])
    assert lines[-1] == "model saved: digits.model" and os.listdir() == ["digits.model"]
    model = fastbp.load("digits.model")
    held = datasets.split(datasets.digits(), 0.2, seed=0)
    assert round(100 * model.evaluate(held.X_test, held.y_test)["accuracy"], 2) == accuracy(out)
    assert model.class_names == list("0123456789")


def test_the_seed_fixes_the_file(run):
    contents = []
    for seed in 5, 5, 6:
        assert run("train", "--epochs", 1, "--seed", seed, "--quiet")[0] == 0
        contents.append(Path(DEFAULT).read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_options_reach_the_training(run, monkeypatch):
    seen = {}

    def fit(self, X, y, **settings):
        seen.update(settings, rate=self.learning_rate)
        return fastbp.History()

    monkeypatch.setattr(fastbp.Model, "fit", fit)
    run("train", "--epochs", 3, "--batch-size", 7, "--learning-rate", "0.25", "--hidden", "9-8")
    assert seen == {"epochs": 3, "batch_size": 7, "verbose": True, "rate": 0.25}
    assert fastbp.load(DEFAULT).layer_sizes == (64, 9, 8, 10)
    run("train", "--quiet", "--hidden", "none")
    assert seen == {"epochs": 20, "batch_size": 16, "verbose": False, "rate": 0.1}
    assert fastbp.load(DEFAULT).layer_sizes == (64, 10)


def test_a_source_with_a_test_set_is_not_split(run, tmp_path):
    X, y = np.random.default_rng(0).integers(0, 256, (30, 4), np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "data.npz", X=X, y=y, X_test=X[:7], y_test=y[:7])
    status, out, _ = run("train", "data.npz", "--epochs", 1)
    assert status == 0 and "30 rows to train on, 7 to test, 3 classes" in out
    model = fastbp.load(DEFAULT)
    assert model.get_config()["input_scale"] == 1 / 255 and model.class_names == ["0", "1", "2"]


@pytest.mark.skipif("FASTBP_MNIST" not in os.environ, reason="FASTBP_MNIST names no folder with MNIST")
def test_mnist_reaches_97_5_percent(run):
    status, out, _ = run("train", "--data", os.environ["FASTBP_MNIST"], "--epochs", 10, "--quiet")
    assert status == 0 and accuracy(out) >= 97.5


@pytest.mark.parametrize("place", ["missing/model", ".", "folder/"])
def test_an_unwritable_place_is_found_out_before_training(run, monkeypatch, place):
    monkeypatch.setattr(fastbp.Model, "fit", lambda *_, **__: pytest.fail("trained"))
    assert place in complaint(run("train", "--save", place))


def test_a_full_disk_ends_in_one_line(run, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = run("train", "--epochs", 1, "--quiet")
    assert (status, os.listdir()) == (2, [])
    assert re.fullmatch(r"fastbp: \S+fastbp-model.safetensors: No space left on device\n", err)


def test_after_ctrl_c_the_model_is_tested_and_saved(run, monkeypatch):
    fit = fastbp.Model.fit

    def interrupted(self, X, y, **_):
        history = fit(self, X, y, epochs=2, batch_size=16, verbose=0)
        history.interrupted = True
        return history

    monkeypatch.setattr(fastbp.Model, "fit", interrupted)
    status, out, err = run("train")
    assert status == 130 and err == "fastbp: interrupted in epoch 3 of 20\n"
    assert accuracy(out) > 80 and fastbp.load(DEFAULT).layer_sizes == (64, 128, 10)


def test_ctrl_c_outside_training(run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "digits", interrupt)
    assert run("train") == (130, "", "fastbp: interrupted\n")


def test_a_diverged_model_is_not_saved(run):
    status, _, err = run("train", "--learning-rate", "1e30", "--epochs", 1, "--quiet")
    assert status == 2 and "--learning-rate" in err and os.listdir() == []


# ---- info, help and wrong input


def test_info(run):
    status, out, err = run("info")
    assert (status, err) == (0, "")
    rows = dict(re.split(r":\s+", line, maxsplit=1) for line in out.splitlines())
    names = ["fastbp", "python", "numpy", "numba", "llvmlite", "CPU", "SIMD width", "fast kernels", "bfloat16"]
    assert list(rows) == [*names, "threads", "threading layer", "advice", "JIT cache"] and all(rows.values())
    native = "+avx512bf16" in FEATURES
    assert rows["bfloat16"].startswith("products by VDPBF16PS" if native else "products by float32's instructions")
    assert rows["fastbp"] == fastbp.__version__ and rows["numpy"] == np.__version__
    assert re.fullmatch("(128|256|512) bits", rows["SIMD width"])
    assert rows["threading layer"].split()[0] in ("omp", "tbb", "workqueue", "none")


def test_info_passes_on_advice(run, monkeypatch):
    told = {"layer": "workqueue", "advice": "install an OpenMP runtime"}
    monkeypatch.setattr("fastbp.execution.plain_loops.describe", lambda: told)
    assert re.search(r"^advice: +install an OpenMP runtime$", run("info")[1], re.MULTILINE)


@pytest.mark.parametrize("interpreted", ["0", "1"])
def test_info_works_where_nothing_else_does(run_python, tmp_path, interpreted):
    """Without a threading layer, without a home, without a compiler; by ``python -m fastbp``, too."""
    without = {"NUMBA_THREADING_LAYER": "nonsense", "HOME": "home", "XDG_CACHE_HOME": "", "NUMBA_CACHE_DIR": ""}
    package = {"PYTHONPATH": os.pathsep.join([str(Path(fastbp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}
    variables = without | package | {"NUMBA_DISABLE_JIT": interpreted}
    done = run_python("-m", "fastbp", "info", cwd=tmp_path, **variables)
    rows = dict(re.split(r":\s+", line, maxsplit=1) for line in done.stdout.splitlines())
    assert rows["threading layer"].startswith("none could be loaded")
    assert "'nonsense' is unknown to Numba" in rows["advice"] and "NUMBA_THREADING_LAYER=nonsense" in rows["advice"]
    assert ("NUMBA_DISABLE_JIT is set" in rows["advice"]) == (interpreted == "1")
    assert rows["JIT cache"] == "none, as no folder for it can be written" and len(rows) == 13
    assert "there is no home folder" in done.stderr and "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []


def test_info_says_what_it_cannot_find_out(run, monkeypatch):
    def fail():
        raise OSError("no such\nthing")

    for name in "execution.plain_loops.describe", "inspection.machine.simd_bits", "inspection.machine.cpu_name":
        monkeypatch.setattr(f"fastbp.{name}", fail)
    status, out, err = run("info")
    rows = dict(re.split(r":\s+", line, maxsplit=1) for line in out.splitlines())
    assert (status, err, len(rows)) == (0, "", 13)
    assert [rows[name] for name in ("CPU", "SIMD width")] == ["unknown: no such thing"] * 2
    assert rows["advice"] == "no such thing"


def test_the_command_runs_as_a_module(run_python):
    assert run_python("-W", "error", "-m", "fastbp", "--version").stdout == f"fastbp {fastbp.__version__}\n"


def test_without_a_compiler_the_command_refuses_in_one_line(run, monkeypatch):
    monkeypatch.setattr(jit, "INTERPRETED", True)
    assert "NUMBA_DISABLE_JIT is set, but fast kernels must be compiled" in complaint(run("profile"))
    monkeypatch.setattr(fastbp.Model, "fit", lambda *_, **__: jit.check_compiler())
    assert "NUMBA_DISABLE_JIT" in complaint(run("train", "--quiet"))


def test_version_and_help(run):
    assert run("--version") == (0, f"fastbp {fastbp.__version__}\n", "")
    for command in [], ["train"], ["predict"], ["warmup"], ["info"]:
        status, out, err = run(*command, "--help")
        assert status == 0 and out.startswith("usage: fastbp") and err == ""


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("", "train"),
        ("fly", "fly"),
        ("train --epochs 0", "--epochs"),
        ("train --epochs 1.5", "--epochs"),
        ("train --batch-size -1", "--batch-size"),
        ("train --seed -1", "--seed"),
        ("train --hidden 128,,64", "128,,64"),
        ("train --hidden many", "many"),
        ("train --learning-rate fast", "fast"),
        ("train --learning-rate nan", "learning_rate"),
        ("train --learning-rate -1", "learning_rate"),
        ("train --colour red", "--colour"),
        ("train --ep 3", "--ep"),
        ("train --data missing.csv", "missing.csv"),
        ("train missing.csv", "missing.csv"),
        ("train good.csv --data good.csv", "--data and PATH are the same: give one of them"),
        ("train --data good.csv good.csv", "--data and PATH are the same: give one of them"),
        ("train --data .", "train-images"),
        ("train --data bad.csv --recipe plain", "line 3"),
        ("train --data bad.csv", "bad.csv"),
        ("train --data good.csv --target no", "'no'"),
        ("train --data one.csv", "'x'"),
        ("predict model", "DATA"),
        ("predict missing good.csv", "missing"),
        ("predict good.csv good.csv", "good.csv"),
        ("predict model missing.csv", "missing.csv"),
        ("predict model bad.csv", "bad.csv"),
    ],
)
def test_wrong_input_gets_one_line_and_status_2(run, tmp_path, arguments, word):
    (tmp_path / "bad.csv").write_text("a,b\n1,x\nno,y\n")
    (tmp_path / "one.csv").write_text("a,b\n1,x\n2,x\n")
    write_csv(tmp_path / "good.csv")
    fastbp.Model([2, 3], seed=0).save(tmp_path / "model")
    assert word in complaint(run(*arguments.split()))
    assert not (tmp_path / DEFAULT).exists()


@pytest.mark.parametrize(
    "options",
    ["--target 3", "--header", "--no-header", "--max-bytes 10", "--task regression", "--recipe td", "--memory 1GB"],
)
def test_options_of_data_need_data(run, options):
    named = options if options.startswith(("--task", "--recipe")) else options.partition(" ")[0]
    assert f"{named} needs --data" in complaint(run("train", *options.split())) and os.listdir() == []
