"""Log-cosh: tiles and numbers against mpmath, from where it is half a square to where it is a size."""

import math

import mpmath
import numpy as np
import pytest
from point_functions import over_tiles, ulps

import fastbp
from fastbp.kernels.losses import LogCosh


def right(t, y):
    return mpmath.log1p(2 * mpmath.sinh((t - y) / 2) ** 2)


def residuals(dtype):
    return np.concatenate([np.geomspace(1e-15, 80, 120), -np.geomspace(1e-15, 80, 120), [0, 1, -1]]).astype(dtype)


def error(t, y):
    return tile_error(t, t, y)


tile_error, tile_gradient = (fastbp.kernels.compiler.jit.inline(f) for f in (LogCosh.tile_error, LogCosh.tile_gradient))


def slope(t, y):
    return tile_gradient(t, y)


def test_tiles(dtype):
    d, y = residuals(dtype), np.zeros(243, dtype)
    assert ulps(right, over_tiles(error, d, y), d, y) <= 8
    assert ulps(lambda t, y: mpmath.tanh(t - y), over_tiles(slope, d, y), d, y) <= 3
    huge = np.array([np.finfo(dtype).max / 2, -np.finfo(dtype).max / 2, np.nan], dtype)
    np.testing.assert_array_equal(over_tiles(error, huge, 0 * huge), abs(huge))
    np.testing.assert_array_equal(over_tiles(slope, huge, 0 * huge), np.sign(huge))


def test_numbers():
    d = residuals(np.dtype(np.float64))
    E = np.array([LogCosh.error(x, 0.0) for x in d.tolist()])
    assert ulps(right, E, d, 0 * d) <= 4
    assert LogCosh.gradient(2.5, 1.0) == math.tanh(1.5)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_it_is_half_the_square_near_and_the_size_far(kernels, dtype):
    X = np.ones((1, 1))
    for d, E in (1e-3, 5e-7), (50.0, 50 - np.log(2)):
        model = fastbp.Model([1, 1], loss=fastbp.losses.LogCosh(), dtype=dtype, kernels=kernels)
        W, b = model.parameters[0]
        W[...], b[...] = 0, d
        assert model.evaluate(X, [[0]])["loss"] == pytest.approx(E, rel=1e-6)
