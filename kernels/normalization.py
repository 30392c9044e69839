"""Layer normalization of rows in panels (tile.py): forward directly above its backward (Ba, Kiros and Hinton, 2016).

What it means is in beyond_normalization.py. A row's sums run along its panels, lane by lane, and then across the lanes,
for as many rows at a time as a tile has: neighbours in memory. Those of g and c run down columns.
"""

from ._jit import jit
from .beyond_normalization import EPSILON
from .simd import lanes, load, store, zeros
from .tile import ROWS
from .values import fma, lane_numbers, lane_sums, sqrt, where_less


@jit
def layer_norm(t, u, r, g, c, rows, first, last, O):
    """u <- (t - mu) r, r <- 1 / sqrt(sigma^2 + eps) and n <- u (.) g + c, n over t itself, in rows first:last

    t  in, out (B, O)
    u  out     (B, O)
    r  out     (B,)    in all lanes of a vector
    g  in      (O,)
    c  in      (O,)
    """
    L, like = lanes(t), zeros(t, ROWS, 1)
    for i in range(first, last, ROWS):
        total, squares = like, like
        for j in range(0, O, L):
            total = total + load(t, j * rows + i * L, L, 0, like)
        mu = lane_sums(total) / O
        for j in range(0, O, L):
            d = load(t, j * rows + i * L, L, 0, like) - mu
            d = where_less(lane_numbers(like), O - j, d, 0.0)  # what fills up the last panel is 0, not 0 - mu
            squares = fma(d, d, squares)
        scale = 1.0 / sqrt(lane_sums(squares) / O + EPSILON)
        store(r, i * L, L, 0, scale)
        for j in range(0, O, L):
            at = j * rows + i * L
            d = (load(t, at, L, 0, like) - mu) * scale
            d = where_less(lane_numbers(like), O - j, d, 0.0)
            store(u, at, L, 0, d)
            store(t, at, L, 0, fma(d, load(g, j, 0, 0, like), load(c, j, 0, 0, like)))


@jit
def layer_norm_backward_params(dn, g, c, dg, dc, u, rows, B, first, last, rate, descend):
    """dE/dg = sum_B dE/dn (.) u, dE/dc = sum_B dE/dn, or their descent; dE/du <- dE/dn (.) g over dE/dn, in first:last

    dn      in, out (B, O)
    g, c    in, out (O,)    if `descend`; the product has g as it was
    dg, dc  out     (O,)    if not
    u       in      (B, O)
    """
    L, zero = lanes(g), zeros(g, 1, 1)
    for j in range(first, last, L):
        gain, sum_g, sum_c = load(g, j, 0, 0, zero), zero, zero
        for i in range(B):
            at = j * rows + i * L
            d = load(dn, at, 0, 0, zero)
            sum_g = fma(d, load(u, at, 0, 0, zero), sum_g)
            sum_c = sum_c + d
            store(dn, at, 0, 0, d * gain)
        if descend:
            store(g, j, 0, 0, fma(sum_g, -rate, gain))
            store(c, j, 0, 0, fma(sum_c, -rate, load(c, j, 0, 0, zero)))
        else:
            store(dg, j, 0, 0, sum_g)
            store(dc, j, 0, 0, sum_c)


@jit
def layer_norm_backward_input(du, u, r, rows, first, last, O):
    """dE/dt <- r (dE/du - mean of dE/du - u times the mean of dE/du (.) u), over dE/du itself, in rows first:last

    du  in, out (B, O)
    u   in      (B, O)
    r   in      (B,)    in all lanes of a vector
    """
    L, like = lanes(du), zeros(du, ROWS, 1)
    for i in range(first, last, ROWS):
        total, along = like, like
        for j in range(0, O, L):
            d = load(du, j * rows + i * L, L, 0, like)
            total = total + d
            along = fma(d, load(u, j * rows + i * L, L, 0, like), along)
        mean, along, scale = lane_sums(total) / O, lane_sums(along) / O, load(r, i * L, L, 0, like)
        for j in range(0, O, L):
            at = j * rows + i * L
            d = load(du, at, L, 0, like) - mean - load(u, at, L, 0, like) * along
            store(du, at, L, 0, where_less(lane_numbers(like), O - j, d * scale, 0.0))
