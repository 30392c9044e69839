"""The command prints in any encoding: what stdout cannot show is escaped."""

import io
import json
import os

import pytest

from fastbp import cli
from fastbp.inspection.profiler.tables import duration

NAME = "mödell-数.safetensors"


@pytest.fixture(params=["ascii", "cp932", "latin-1", "utf-8"])
def printed(request, monkeypatch, tmp_path):
    """Run the command with a stdout of some encoding; return status and output, as bytes and as text."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=request.param)
        monkeypatch.setattr("sys.stdout", stream)
        status = cli.main(list(arguments))
        stream.flush()
        assert stream.errors == "strict"
        return status, stream.buffer.getvalue().decode(request.param)

    run.encoding = request.param
    return run


def test_names_of_files_are_printed(printed):
    status, out = printed("train", "--epochs", "1", "--hidden", "none", "--quiet", "--save", NAME)
    assert status == 0 and os.listdir() == [NAME]
    shown = NAME.encode(printed.encoding, "backslashreplace").decode(printed.encoding)
    assert out.splitlines()[-1] == f"model saved: {shown}"


def test_how_to_use_perf_is_printed(printed):
    status, out = printed("profile", "--perf", "--data", "数.csv")
    assert status == 0 and "数.csv".encode(printed.encoding, "backslashreplace").decode(printed.encoding) in out


def test_two_profiles_are_compared(printed):
    kernel = {"name": "fast_λ", "layer": None, "seconds": 3e-6}
    step = {"count": 2, "seconds": 4e-6, "kernel_seconds": 3e-6, "seconds_unprofiled": 4e-6}
    machine = {"cpu": "a™", "threads": 1, "simd_bits": 256, "peak_gflops": 1.0, "bandwidth_gbs": 1.0}
    with open("a.json", "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "kernels": [kernel], "step": step, "compile": {}}, file)
    status, out = printed("profile", "--compare", "a.json", "a.json")
    assert status == 0 and "1.5 us" in out


def test_times_are_written_in_ascii():
    assert [duration(seconds) for seconds in (2.0, 3e-3, 4e-6, 5e-9)] == ["2 s", "3 ms", "4 us", "5 ns"]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp932"])
def test_a_profile_is_printed(run_python, encoding):
    call = ["-m", "fastbp", "profile", "--layers", "9-8-7", "--batch", "6", "--steps", "2", "--threads", "1"]
    out = run_python("-W", "error", *call, PYTHONIOENCODING=encoding).stdout
    assert out.isascii() and " us" in out and "GFLOP/s" in out


def test_the_folder_of_the_cache_is_printed(run_python, tmp_path):
    folder = tmp_path / "ordnər"
    done = run_python("-m", "fastbp", "info", NUMBA_CACHE_DIR=str(folder), PYTHONIOENCODING="ascii")
    assert "ordn\\u0259r" in done.stdout
