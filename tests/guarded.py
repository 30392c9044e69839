"""Calling a kernel under guard: outputs are poisoned, and what stands around arrays must not change."""

from functools import cache
from itertools import cycle

import numpy as np
import pytest

from fastbp.kernels.compiler.jit import PlainLoop
from fastbp.kernels.registry import KERNELS

GUARD = 64  # elements before and behind each array
DTYPES = pytest.mark.parametrize(
    "dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)], indirect=True
)  # of kernels that are compiled for one test; whole models are trained in both
POISON = -777  # what class numbers hold beforehand, as the other outputs hold NaN


class Guarded:
    """An argument's copy between two guards, poisoned if it is an output."""

    def __init__(self, array, direction):
        self.direction = direction
        poison = POISON if array.dtype.kind == "i" else np.nan
        self.buffer = np.full(array.size + 2 * GUARD, poison, array.dtype)
        self.array = self.buffer[GUARD:-GUARD].reshape(array.shape)
        if direction != "out":
            self.array[...] = array
        self.before = self.buffer.copy()

    def check(self):
        after, before = self.buffer.copy(), self.before
        if self.direction != "in":  # an output may have changed, its guards may not
            after[GUARD:-GUARD] = before[GUARD:-GUARD]
        assert after.tobytes() == before.tobytes(), f"wrote where an argument marked {self.direction!r} allows nothing"


def run(entry, variant, arguments):
    """Call a kernel; return its outputs with its value, if it has one, as the last. Guards and inputs are checked."""
    directions = [direction for direction, _ in entry.directions.values()]
    guarded = [Guarded(a, d) if d else a for a, d in zip(arguments, directions, strict=True)]
    value = entry.call(variant, *(g.array if isinstance(g, Guarded) else g for g in guarded))
    arrays = [g for g in guarded if isinstance(g, Guarded)]
    for g in arrays:
        g.check()
    outputs = [g.array for g in arrays if g.direction != "in"]
    return outputs if value is None else [*outputs, np.float64(value)]


def variants(name, dtype):
    """The variants to try: a plain loop's parallel one, which is the same loop, for some names and one dtype each."""
    tried = (name, np.dtype(dtype).name) in in_parallel()
    return [variant for variant in KERNELS[name].variants if variant != "parallel" or tried]


@cache
def in_parallel():
    """The names and dtypes of plain loops that are tried in parallel, which takes longest to compile.

    Of loops that are one code and call another function of a number, such as those of all activations, the first two
    are tried, one in each dtype: what runs in parallel is the loop.
    """
    alike, dtypes = {}, cycle(["float32", "float64"])
    for name, entry in KERNELS.items():
        if isinstance(entry.kernel, PlainLoop):
            alike.setdefault(entry.kernel.__wrapped__.__code__, []).append(name)
    return {(name, next(dtypes)) for names in alike.values() for name in names[:2]}
