"""Rows scaled for each member, and the gradient of these scales."""

from ...compiler.jit import inline
from ...entries.functions import fma
from ...machine.tiles import lanes, load, store, zeros
from ..panels import get, put
from .products import rows_from


@inline
def rows_of(M, member, R):
    """Return the view of a matrix that begins with the rows of one member."""
    return rows_from(M, member * R)


@inline
def spread(x, u, s, first, last, R, members, I):
    """u_i <- x_i, then x_(m R + i) <- s_m (.) u_i for each member m, in rows first:last

    x  in, out (members R, I)  in: rows as they are gathered
    u  out     (R, I)
    s  in      (members, I)
    """
    L, like = lanes(s), zeros(s, 1, 1)
    size = s.size // members
    for j in range(0, I, L):
        for i in range(first, last):
            put(u, i, j, get(x, i, j, like))
        for m in range(members):
            scale = load(s, m * size + j, 0, 0, like)
            for i in range(first, last):
                put(x, m * R + i, j, get(u, i, j, like) * scale)


@inline
def member_scales_backward(ds, dx, u, first, last, R, members, B):
    """dE/ds_mk <- sum_i dE/dx_(m R + i),k u_ik, for k in first:last

    ds  out (members, I)
    dx  in  (members R, I)
    u   in  (R, I)         B rows of it
    """
    L, zero = lanes(ds), zeros(ds, 1, 1)
    size = ds.size // members
    for m in range(members):
        for j in range(first, last, L):
            sum_0, sum_1 = zero, zero  # two independent sums hide the latency of an addition
            for i in range(0, B - 1, 2):
                sum_0 = fma(get(dx, m * R + i, j, zero), get(u, i, j, zero), sum_0)
                sum_1 = fma(get(dx, m * R + i + 1, j, zero), get(u, i + 1, j, zero), sum_1)
            for i in range(B // 2 * 2, B):
                sum_0 = fma(get(dx, m * R + i, j, zero), get(u, i, j, zero), sum_0)
            store(ds, m * size + j, 0, 0, sum_0 + sum_1)
