"""What the tests share: hard shapes, the dtypes, bounds on rounding, seeded numbers, fresh interpreters."""

import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from itertools import product

import numpy as np
import pytest
from hypothesis import settings

from fastbp import cli
from fastbp.execution import fast_plan, helpers
from fastbp.kernels.entries.records import LINE
from fastbp.kernels.library.compiling import TEXT, compiling
from fastbp.kernels.library.loading import library

try:
    from fastbp.inspection.profiler import peaks
    from fastbp.kernels.machine.registers import ROWS, VECTORS
except ImportError:  # without Numba
    ROWS, VECTORS = library().tile
else:
    peaks.BUDGET_SECONDS = 0.02  # to measure the machine, whose numbers no test looks at
NO_NUMBA = find_spec("numba") is None  # the library has all that most models need

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the many processes of tests need not compile all sources anew
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it runs in the background ignore it
compiling._shown = True  # which kernel is compiled first is not a test's matter
fast_plan.CALL_FLOP = 1  # several workers for little work, too: tests are short
helpers.PATIENCE = 300  # between calls helpers leave the cores to the tests of the other processes

settings.register_profile("fastbp", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("fastbp")

LARGE_SHAPES = [(131, 5, 3), (67, 131, 10), (257, 61, 67)]  # several tiles each way, none of them filled


def _hard(tiles, others):
    return sorted({1, *others, *(tile + step for tile in tiles for step in (-1, 0, 1) if tile + step > 0)})


def _sizes(dtype):
    """One below, one above a register tile and primes leave it remainders; 33 rows, 2 and 10 outputs are common."""
    tile = (LINE // dtype.itemsize, LINE // dtype.itemsize * VECTORS)
    return _hard((ROWS,), (2, 13, 33)), _hard(tile, (3, 37)), _hard(tile, (2, 10, 37))


def pytest_runtest_setup(item):
    if NO_NUMBA and "elementwise" in getattr(item, "callspec", item).__dict__.get("params", {}).values():
        pytest.skip("plain loops need Numba, which is not installed")


@pytest.fixture
def hard_shapes(dtype):
    """All (B, I, O) on which a kernel must be right."""
    return [*product(*_sizes(dtype)), *LARGE_SHAPES]


@pytest.fixture
def few_hard_shapes(dtype):
    """Some of them, in which each two sizes meet, for what is slow: an oracle, a parallel launch."""
    rows, inputs, outputs = _sizes(dtype)
    pairs = product(range(len(inputs)), range(len(outputs)))
    return [*((rows[(i + j) % len(rows)], inputs[i], outputs[j]) for i, j in pairs), *LARGE_SHAPES]


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """Both dtypes, one after the other."""
    return np.dtype(request.param)


@pytest.fixture
def rounding(dtype):
    """Bound the rounding of a sum of products, whatever their order: a share of the sum of their magnitudes."""
    return lambda terms: (terms + 8) * np.finfo(dtype).eps


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(54)


@pytest.fixture
def kernel_folder(tmp_path, monkeypatch):
    """The cache folder of functions compiled from here on."""
    from fastbp.kernels.compiler import jit  # which needs Numba

    monkeypatch.setattr(jit, "cache_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command in an empty folder; return status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


def quiet(err):
    """Return what a process wrote on stderr without the line that tells of compiling."""
    return re.sub(rf"{re.escape(TEXT)}[^\n]*\n", "", err)


@pytest.fixture(scope="session")
def run_python():
    """Run a fresh interpreter: ``run_python("-c", code, cwd=..., NUMBA_X="1")``.

    Keywords in capitals are environment variables; PYTHONPATH and what pytest runs under are handed on. Returns the
    finished process with its stdout and stderr as text.
    """

    running = set()

    def run(*arguments, cwd=None, check=True, **variables):
        command, environment = [sys.executable, *map(str, arguments)], {**os.environ, **variables}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, cwd=cwd, env=environment, **pipes) as process:
            running.add(process)
            out, err = process.communicate()
            running.remove(process)
        if check:
            assert process.returncode == 0, err
        return subprocess.CompletedProcess(command, process.returncode, out, quiet(err))

    yield run
    for process in list(running):
        process.kill()
