"""The peak of the machine: arithmetic in registers, and transfers from memory and back."""

from numba import prange

from ..compiler.jit import jit, plain_loop
from ..entries.functions import fma
from .memory import as_vector
from .registers import ROWS, VECTORS
from .tiles import lanes, load, store, zeros

CHAINS = max(ROWS * VECTORS, 6) if ROWS > 2 else 2  # sums side by side: an FMA takes as long as some others


@jit
def _spin(array, at, n):
    a = as_vector(array)
    L = lanes(a)
    t = load(a, at, L, 0, zeros(a, CHAINS, 1))
    for _ in range(n):
        t = fma(t, 0.5, 0.5)
    store(a, at, L, 0, t)


@plain_loop
def spin(a, workers, n):
    """a <- (a + 1) / 2, n times, in registers: one product and one sum for each element each time.

    a  in, out (workers * CHAINS vectors,)  each worker's are on cache lines of their own
    """
    share = a.size // workers
    for worker in prange(workers):
        _spin(a, worker * share, n)


@plain_loop
def triad(a, b, c, s):
    """a <- b + s c (McCalpin, 1995: STREAM)

    a  out (n,)
    b  in  (n,)
    c  in  (n,)
    """
    for k in prange(a.size):
        a[k] = b[k] + s * c[k]
