"""The peak of products of bfloat16 in registers, by the instruction that they take here."""

from numba import prange

from ..compiler.jit import jit, plain_loop
from ..machine.memory import as_vector
from ..machine.peaks import CHAINS
from ..machine.tiles import lanes, load, store, zeros
from .pairs import pair_products


@jit
def _spin(array, at, pairs, n):
    a, b = as_vector(array), as_vector(pairs)
    L = lanes(a)
    t = load(a, at, L, 0, zeros(a, CHAINS, 1))
    right = load(b, at, L, 0, zeros(b, CHAINS, 1))
    for _ in range(n):
        t = pair_products(t, right)
    store(a, at, L, 0, t)


@plain_loop
def spin_pairs(a, b, workers, n):
    """a <- a + b . b, n times, in registers: two products and two sums for each element each time.

    a  in, out (workers * CHAINS vectors,)  each worker's are on cache lines of their own
    b  in      (workers * CHAINS vectors,)  pairs
    """
    share = a.size // workers
    for worker in prange(workers):
        _spin(a, worker * share, b, n)
