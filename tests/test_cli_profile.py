"""``fastbp profile``: what it prints and writes, and what it says to wrong input."""

import json
import re
import sys

import numpy as np
import pytest

import fastbp
from fastbp import cli
from fastbp.inspection.profiler import assembly, peaks, steps


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command in an empty folder, on a machine of known speed; return status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(steps, "measure", lambda n, dtype, precision: peaks.Machine("a CPU", n, 512, 200.0, 40.0))
    monkeypatch.setattr(steps, "counts", lambda name, dtype: None)

    def run(*arguments):
        status = cli.main(["profile", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize("layers", ["9-8-7", "9,8,7"])
def test_a_profile_is_printed_and_written(run, tmp_path, layers):
    files = "--json", "profile.json", "--trace", "trace.json"
    status, out, err = run("--layers", layers, "--batch", 6, "--steps", 4, "--threads", 1, *files)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "9-8-7, batch 6, float32, sgd"
    assert lines[1] == "a CPU, 1 thread, 512-bit vectors: peak 200 GFLOP/s, memory 40.0 GB/s"
    assert any(re.match(r"fast_linear_relu +1 +1 .* (compute|memory|cache|neither) +\d+% ", line) for line in lines)
    assert re.search(r"^4 steps of .* in kernels \(.*%\), .* outside; without clocks .*$", out, re.MULTILINE)
    profile = json.loads((tmp_path / "profile.json").read_text())
    assert profile["step"]["count"] == 4 and profile["machine"]["threads"] == 1
    products = sum(row["flop"] for row in profile["kernels"] if row["product"])
    assert products == 4 * 6 * (6 * (9 * 8 + 8 * 7) - 2 * 9 * 8)
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]

    status, out, err = run("--compare", "profile.json", "profile.json")
    assert (status, err) == (0, "") and "B / A" in out and set(re.findall(r"(?<= )\d\.\d\d$", out, re.M)) == {"1.00"}


def test_data_fix_inputs_and_outputs(run, tmp_path, capsys):
    X, y = np.random.default_rng(0).integers(0, 256, (30, 4), np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "data.npz", X=X, y=y)
    status, out, _ = run("--data", "data.npz", "--steps", 2, "--batch", 10, "--optimizer", "adam", "--dtype", "float64")
    assert status == 0 and out.startswith("4-128-3, batch 10, float64, adam\n") and "fast_adam_update" in out
    assert run("--data", "data.npz", "--layers", "4-3", "--steps", 1)[0] == 0
    assert "--layers must begin with 4 and end with 3" in complaint(run("--data", "data.npz", "--layers", "5-3"))


@pytest.mark.skipif(not assembly.KNOWN, reason="instructions of another CPU")
def test_a_hot_loop_is_printed(run):
    status, out, err = run("--asm", "fast_transpose")
    assert (status, err) == (0, "") and len(out.splitlines()) > 10
    assert re.fullmatch(
        r"fast_transpose, float32: \d+ packed \(\d+ FMA\) and 0 scalar instructions, .*", out.splitlines()[-1]
    )


def test_perf_is_explained(run):
    status, out, err = run("--perf", "--layers", "9,8,7", "--batch", 6)
    assert (status, err) == (0, "")
    assert "perf record" in out and "fastbp profile --layers 9-8-7 --batch 6" in out
    out = run("--perf", "--data", "d.csv.gz", "--no-header", "--max-bytes", 10, "--dtype", "float64", "--steps", 3)[1]
    settings = "--batch 64 --dtype float64 --optimizer sgd --steps 3 --seconds 1.0 --data d.csv.gz --no-header"
    assert f"fastbp profile {settings} --max-bytes 10\n" in out
    assert "--data 'my digits.npz'" in run("--perf", "--data", "my digits.npz")[1]  # as a shell wants it


def complaint(result):
    """Return the one line on stderr of a command that was given wrong input."""
    status, out, err = result
    assert status == 2 and out == "" and re.fullmatch(r"fastbp: [^\n]+\n", err), result
    return err


@pytest.mark.parametrize(
    "arguments, said",
    [
        ("--layers 784", "--layers: expected two or more whole numbers"),
        ("--layers 784-x", "'784-x'"),
        ("--layers 784-0-10", "'784-0-10'"),
        ("--batch 0", "--batch"),
        ("--dtype float16", "float16"),
        ("--optimizer newton", "newton"),
        ("--threads 0", "--threads"),
        ("--steps 0", "--steps"),
        ("--seconds 0", "--seconds"),
        ("--seconds nan", "--seconds"),
        ("--data nowhere.csv", "nowhere.csv"),
        ("--json missing/profile.json", "missing/profile.json"),
        ("--trace .", "."),
        ("--json a.json --trace ./a.json", "--json and --trace must be different files"),
        ("--json=", "''"),
        ("--roofline=", "''"),
        ("--asm linear_forward", "the nearest names are"),
        ("--asm=", "kernel must be a name in the registry"),
        ("--asm fast_linear --perf", "not allowed with"),
        ("--compare a.json b.json", "a.json"),
        ("--perf --json out.json --trace tr.json", "--json, --trace can't be given with --perf"),
        ("--perf --roofline roof.svg", "--roofline can't be given with --perf"),
        ("--asm fast_linear --json out.json", "--json can't be given with --asm"),
        ("--asm fast_linear --batch 64 --data e.csv", "--batch, --data can't be given with --asm"),
        ("--compare a.json b.json --dtype float32", "--dtype can't be given with --compare"),
        ("--compare a.json b.json --no-header --max-bytes 3", "--no-header, --max-bytes can't be given with --compare"),
        ("--no-header", "--no-header needs --data"),
        ("--max-bytes 10 --perf", "--max-bytes needs --data"),
        ("--compare a.json", "--compare"),
        ("--nonsense", "--nonsense"),
    ],
)
def test_wrong_input_ends_in_one_line_and_computes_nothing(run, monkeypatch, arguments, said):
    monkeypatch.setattr(steps, "_alternate", lambda *_: pytest.fail("took steps"))
    assert said in complaint(run(*arguments.split()))


def test_a_file_that_is_no_profile(run, tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert "a.json: not a profile" in complaint(run("--compare", "a.json", "a.json"))


def test_without_matplotlib_the_extra_is_named(run, monkeypatch):
    monkeypatch.setattr(steps, "_alternate", lambda *_: pytest.fail("took steps"))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "plot" in complaint(run("--roofline", "roof.svg"))
    assert fastbp.profile is steps.profile
