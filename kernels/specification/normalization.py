"""Layer normalization (Ba, Kiros and Hinton, 2016), one plain loop each: the specification of fast/normalization.py.

Conventions are those of paper.py. u is the normalized t, g and c are the gain and the bias (b in that paper), and n is
the input of the activation. Each row is normalized by itself, in training and in prediction.
"""

import math

from numba import prange

from ..compiler.jit import plain_loop
from ..entries.normalization import EPSILON


@plain_loop
def layer_norm(n, u, r, t, g, c):
    """n_j = g_j u_j + c_j,  u_j = (t_j - mu) r,  r = 1 / sqrt(sigma^2 + eps)   (Ba, Kiros and Hinton, 2016, eqs. 3, 4)

    mu = sum_j t_j / O and sigma^2 = sum_j (t_j - mu)^2 / O are the mean and the variance of a row.

    n  out (B, O)
    u  out (B, O)  of mean 0 and variance 1, or below where sigma^2 is not far above eps
    r  out (B,)
    t  in  (B, O)  linear stage
    g  in  (O,)
    c  in  (O,)

    Backward: layer_norm_backward_params, layer_norm_backward_input.
    """
    for row in prange(t.shape[0]):
        total = t[row, 0] * 0
        for j in range(t.shape[1]):
            total += t[row, j]
        mu = total / t.shape[1]
        squares = t[row, 0] * 0
        for j in range(t.shape[1]):
            squares += (t[row, j] - mu) * (t[row, j] - mu)
        r[row] = 1 / math.sqrt(squares / t.shape[1] + EPSILON)
        for j in range(t.shape[1]):
            u[row, j] = (t[row, j] - mu) * r[row]
            n[row, j] = g[j] * u[row, j] + c[j]


@plain_loop
def layer_norm_backward_params(du, dg, dc, dn, u, g):
    """dE/dg_j = dE/dn_j u_j;  dE/dc_j = dE/dn_j, both summed over the rows;  dE/du = dE/dn (.) g

    du  out (B, O)
    dg  out (O,)
    dc  out (O,)
    dn  in  (B, O)
    u   in  (B, O)  as `layer_norm` left it
    g   in  (O,)
    """
    for j in prange(g.size):
        dg[j] = 0
        dc[j] = 0
        for row in range(dn.shape[0]):
            dg[j] += dn[row, j] * u[row, j]
            dc[j] += dn[row, j]
            du[row, j] = dn[row, j] * g[j]


@plain_loop
def layer_norm_backward_input(dt, du, u, r):
    """dE/dt_j = r (dE/du_j - sum_k dE/du_k / O - u_j sum_k dE/du_k u_k / O)

    This follows from du_k/dt_j = r ([k = j] - 1/O - u_k u_j / O), as t_j also changes the mean and the variance.

    dt  out (B, O)
    du  in  (B, O)
    u   in  (B, O)  as `layer_norm` left it
    r   in  (B,)    likewise
    """
    for row in prange(du.shape[0]):
        total, along = du[row, 0] * 0, du[row, 0] * 0
        for k in range(du.shape[1]):
            total += du[row, k]
            along += du[row, k] * u[row, k]
        for j in range(du.shape[1]):
            dt[row, j] = r[row] * (du[row, j] - total / du.shape[1] - u[row, j] * (along / du.shape[1]))
