"""What the tests share: hard shapes, the dtypes, bounds on rounding, seeded numbers, fresh interpreters."""

import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("fastbp", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("fastbp")

# A register tile's rows, and its columns in either dtype. One below, one above and primes leave it remainders.
TILE_ROWS = (8,)
TILE_COLUMNS = (16, 32)


def _hard(tiles, primes):
    return sorted({1, *primes, *(tile + step for tile in tiles for step in (-1, 0, 1))})


HARD_ROWS = _hard(TILE_ROWS, primes=(2, 13))
HARD_INPUTS = _hard(TILE_COLUMNS[:1], primes=(3, 37))
HARD_OUTPUTS = _hard(TILE_COLUMNS, primes=(2, 37))
LARGE_SHAPES = [(131, 5, 3), (67, 131, 10), (257, 61, 67)]  # several tiles each way, none of them filled


@pytest.fixture(scope="session")
def hard_shapes():
    """All (B, I, O) on which a kernel must be right."""
    return [*product(HARD_ROWS, HARD_INPUTS, HARD_OUTPUTS), *LARGE_SHAPES]


@pytest.fixture(scope="session")
def few_hard_shapes(hard_shapes):
    """Some of them, with each size of each letter among them, for what is slow to start: a parallel launch."""
    return {*hard_shapes[::5], *LARGE_SHAPES}


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


@pytest.fixture(scope="session")
def run_python():
    """Run a fresh interpreter: ``run_python("-c", code, cwd=..., NUMBA_X="1")``.

    Keywords in capitals are environment variables; PYTHONPATH and what pytest runs under are handed on. Returns the
    finished process with its stdout and stderr as text.
    """

    def run(*arguments, cwd=None, check=True, **variables):
        environment = {**os.environ, **variables}
        done = subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done

    return run
