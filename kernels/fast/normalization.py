"""Layer normalization of rows in panels: forward directly above its backward (Ba, Kiros and Hinton, 2016).

Sums of a row run along its panels, lane by lane, and then across the lanes, for as many rows at a time as a tile has,
which are adjacent in memory. Sums for g and c run down columns.
"""

from ..compiler.jit import inline
from ..entries.functions import fma, sqrt, where
from ..entries.normalization import EPSILON
from ..machine.arithmetic import lane_numbers, lane_sums
from ..machine.registers import ROWS
from ..machine.tiles import lanes, load, store, zeros
from .panels import get, put


@inline
def layer_norm(t, u, r, g, c, first, last, O):
    """u <- (t - mu) r, r <- 1 / sqrt(sigma^2 + eps) and n <- u (.) g + c, n over t itself, in rows first:last

    t  in, out (B, O)
    u  out     (B, O)
    r  out     (B,)    in all lanes of a vector
    g  in      (O,)
    c  in      (O,)
    """
    L, like = lanes(t.data), zeros(t.data, ROWS, 1)
    for i in range(first, last, ROWS):
        total, squares = like, like
        for j in range(0, O, L):
            total = total + get(t, i, j, like)
        mu = lane_sums(total) / O
        for j in range(0, O, L):
            d = get(t, i, j, like) - mu
            d = where(lane_numbers(like) < O - j, d, 0.0)  # padding of the last panel is 0, not 0 - mu
            squares = fma(d, d, squares)
        scale = 1.0 / sqrt(lane_sums(squares) / O + EPSILON)
        store(r, i * L, L, 0, scale)
        for j in range(0, O, L):
            d = (get(t, i, j, like) - mu) * scale
            d = where(lane_numbers(like) < O - j, d, 0.0)
            put(u, i, j, d)
            put(t, i, j, fma(d, load(g, j, 0, 0, like), load(c, j, 0, 0, like)))


@inline
def layer_norm_backward_params(dn, g, c, dg, dc, u, B, first, last, rate, descend):
    """dE/dg = sum_B dE/dn (.) u, dE/dc = sum_B dE/dn, or their descent; dE/du <- dE/dn (.) g over dE/dn, in first:last

    dn      in, out (B, O)
    g, c    in, out (O,)    if `descend`; dE/du uses g from before the update
    dg, dc  out     (O,)    if not
    u       in      (B, O)
    """
    L, zero = lanes(g), zeros(g, 1, 1)
    for j in range(first, last, L):
        gain, sum_g, sum_c = load(g, j, 0, 0, zero), zero, zero
        for i in range(B):
            d = get(dn, i, j, zero)
            sum_g = fma(d, get(u, i, j, zero), sum_g)
            sum_c = sum_c + d
            put(dn, i, j, d * gain)
        if descend:
            store(g, j, 0, 0, fma(sum_g, -rate, gain))
            store(c, j, 0, 0, fma(sum_c, -rate, load(c, j, 0, 0, zero)))
        else:
            store(dg, j, 0, 0, sum_g)
            store(dc, j, 0, 0, sum_c)


@inline
def layer_norm_backward_input(du, u, r, first, last, O):
    """dE/dt <- r (dE/du - mean of dE/du - u times the mean of dE/du (.) u), over dE/du itself, in rows first:last

    du  in, out (B, O)
    u   in      (B, O)
    r   in      (B,)    in all lanes of a vector
    """
    L, like = lanes(du.data), zeros(du.data, ROWS, 1)
    for i in range(first, last, ROWS):
        total, along = like, like
        for j in range(0, O, L):
            d = get(du, i, j, like)
            total = total + d
            along = fma(d, get(u, i, j, like), along)
        mean, along, scale = lane_sums(total) / O, lane_sums(along) / O, load(r, i * L, L, 0, like)
        for j in range(0, O, L):
            d = get(du, i, j, like) - mean - get(u, i, j, like) * along
            put(du, i, j, where(lane_numbers(like) < O - j, d * scale, 0.0))
