"""Functions of tiles run over arrays, and how far numbers are from mpmath's."""

import functools

import mpmath
import numpy as np

from fastbp.kernels.compiler.jit import inline, jit
from fastbp.kernels.machine.memory import as_vector
from fastbp.kernels.machine.tiles import lanes, load, store, zeros


@functools.cache
def _loop(function, operands):
    apply = inline(function)

    def one(x, y):
        x, y = as_vector(x), as_vector(y)
        like = zeros(x, 1, 1)
        for k in range(0, x.size, lanes(x)):
            store(y, k, 0, 0, apply(load(x, k, 0, 0, like)))

    def two(x, a, y):
        x, a, y = as_vector(x), as_vector(a), as_vector(y)
        like = zeros(x, 1, 1)
        for k in range(0, x.size, lanes(x)):
            store(y, k, 0, 0, apply(load(x, k, 0, 0, like), load(a, k, 0, 0, like)))

    return jit((one, two)[operands - 1], kept=False)


def over_tiles(function, *arrays):
    """What a function of tiles makes of arrays of any length, element by element."""
    n, dtype = len(arrays[0]), arrays[0].dtype
    padded = [np.zeros(-(-n // 16) * 16, dtype) for _ in arrays]
    for room, array in zip(padded, arrays, strict=True):
        room[:n] = array
    y = np.empty_like(padded[0])
    _loop(function, len(arrays))(*padded, y)
    return y[:n]


def ulps(function, y, *arrays, scale=None):
    """By how many units in its last place, or of `scale` where that is larger, y is off function(*arrays) at most."""
    info = np.finfo(y.dtype)
    digits, lowest = info.nmant + 1, info.minexp - info.nmant
    worst = 0
    with mpmath.workprec(300):
        for *x, b in zip(*(array.tolist() for array in arrays), y.tolist(), strict=True):
            right = function(*map(mpmath.mpf, x))
            size = max(abs(right), mpmath.mpf(scale or 0))
            unit = max(mpmath.frexp(size)[1] - digits, lowest)
            worst = max(worst, float(abs(right - mpmath.mpf(b)) * mpmath.mpf(2) ** -unit))
    return worst
