"""expm1 and log1p of tiles, to four units in the last place over the whole range, against mpmath."""

import math

import mpmath
import numpy as np
import pytest
from point_functions import over_tiles, ulps

from fastbp.kernels.entries import functions

FUNCTIONS = {"expm1": (functions.expm1, mpmath.expm1), "log1p": (functions.log1p, mpmath.log1p)}
TILES = {"expm1": lambda x: functions.expm1(x), "log1p": lambda x: functions.log1p(x)}
RANGES = {
    "expm1": {"float32": (-100, 88.7), "float64": (-750, 709.7)},
    "log1p": {"float32": (-1, 1000), "float64": (-1, 1000)},
}


def numbers(name, dtype, rng):
    info, (low, high) = np.finfo(dtype), RANGES[name][dtype.name]
    sizes = np.concatenate([np.geomspace(info.tiny, 0.9, 400), [info.smallest_subnormal, info.tiny]])
    x = np.concatenate([rng.uniform(low, high, 400), rng.uniform(-1, 1, 400), sizes, -sizes]).astype(dtype)
    return x[x > -1] if name == "log1p" else x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_over_the_whole_range(name, dtype, rng):
    _, right = FUNCTIONS[name]
    x = numbers(name, dtype, rng)
    assert ulps(right, over_tiles(TILES[name], x), x) <= 4


def test_at_their_edges(dtype):
    inf, nan, tiny = np.inf, np.nan, np.finfo(dtype).smallest_subnormal
    x = np.array([0.0, -0.0, inf, -inf, nan, tiny, -tiny, 1e4, -1e4], dtype)
    y = over_tiles(TILES["expm1"], x)
    np.testing.assert_array_equal(y, np.array([0, 0, inf, -1, nan, tiny, -tiny, inf, -1], dtype))
    assert np.signbit(y).tolist()[:2] == [False, True]
    x = np.array([0.0, -0.0, inf, -inf, nan, tiny, -tiny, -1, -1.5, np.finfo(dtype).max], dtype)
    wanted = np.array([0, 0, inf, nan, nan, tiny, -tiny, -inf, nan, math.log(np.finfo(dtype).max)], dtype)
    np.testing.assert_allclose(over_tiles(TILES["log1p"], x), wanted, rtol=3 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_of_one_number_they_are_pythons(name):
    for x in -0.5, -1e-12, 0.0, 1e-12, 3.0:
        assert FUNCTIONS[name][0](x) == getattr(math, name)(x)
    assert functions.expm1(1e4) == math.inf and functions.log1p(-1) == -math.inf and math.isnan(functions.log1p(-2))
