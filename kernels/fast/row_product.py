"""One row times a row-major matrix."""

from ..compiler.jit import inline
from ..entries.functions import fma, where
from ..machine.arithmetic import has_nan
from ..machine.tiles import lanes, load, outer_add, prefetch, store, zeros

AHEAD = 2  # rows of W prefetched ahead: the hardware prefetcher stops at each page
WIDE = 8  # vectors of a row of W summed at once: adjacent in memory, so the hardware prefetches them


@inline
def _columns(width, t, h, at, x, x_at, W, b, tail, rest, j, I, O, rectify):
    """h[at + j:] <- F(x W + b) for the columns of one tile."""
    L = lanes(h)
    t = load(b, j, 0, L, t)
    for i in range(I - rest):
        for v in range(width):
            prefetch(W, (i + AHEAD) * O + j + v * L)
        t = outer_add(t, x, x_at + i, 0, W, i * O + j, L)
    for i in range(rest):
        t = outer_add(t, x, x_at + I - rest + i, 0, tail, i * O + j, L)
    if rectify:
        t = where(t < 0, -0.0, t + 0.0)
    store(h, at + j, 0, L, t)


@inline
def columns_of(O, L, task, tasks):
    """First and last column of a task: whole vectors, but for the last column."""
    vectors = (O + L - 1) // L
    return vectors * task // tasks * L, vectors * (task + 1) // tasks * L


@inline
def linear_row(h, at, x, x_at, W, b, tail, rest, I, O, rectify, task, tasks, backwards):
    """One task's share of h <- F(x W + b), or of x W + b, for one row                    (eqs. 4, 6-8, 42-44)

    h     out (>= at + O + a vector,)   what follows the O values is undefined
    x     in  (>= x_at + I,)
    W     in  (I, O)  row-major; read up to a vector beyond its end where `rest` is 0
    b     in  (>= O + a vector,)
    tail  in  (>= rest O + a vector,)  copies of the last `rest` rows of W, or anything if that is 0
    backwards  whether the last columns come first; the bits are the same
    """
    L = lanes(h)
    j, end = columns_of(O, L, task, tasks)
    tiles = (end - j) // (WIDE * L)
    for k in range(tiles):
        j_k = j + (tiles - 1 - k if backwards else k) * WIDE * L
        _columns(WIDE, zeros(h, 1, WIDE), h, at, x, x_at, W, b, tail, rest, j_k, I, O, rectify)
    j += tiles * WIDE * L
    while j + 4 * L <= end:
        _columns(4, zeros(h, 1, 4), h, at, x, x_at, W, b, tail, rest, j, I, O, rectify)
        j += 4 * L
    while j < end:
        _columns(1, zeros(h, 1, 1), h, at, x, x_at, W, b, tail, rest, j, I, O, rectify)
        j += L


@inline
def is_finite(x):
    """Return whether each element is finite."""
    L, check, tail = lanes(x), zeros(x, 1, 1), False
    for i in range(0, x.size - L + 1, L):
        check = fma(load(x, i, 0, 0, check), 0.0, check)
    for i in range(x.size // L * L, x.size):
        tail = tail or x[i] * 0 != 0
    return not (tail or has_nan(check))
