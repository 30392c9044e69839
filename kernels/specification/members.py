"""Networks that share their hidden layers, one plain loop each. Conventions as in paper.py; O counts the members."""

from math import log

from numba import prange

from ..compiler.jit import plain_loop


@plain_loop
def spread_members(x, u, s):
    """x_mik <- s_mk u_ik: each row as every member takes it

    x  out (O, B, I)
    u  in  (B, I)
    s  in  (O, I)
    """
    for m in prange(x.shape[0]):
        for row in range(x.shape[1]):
            for k in range(x.shape[2]):
                x[m, row, k] = s[m, k] * u[row, k]


@plain_loop
def member_scales_backward(ds, dx, u):
    """dE/ds_mk = sum_i dE/dx_mik u_ik

    ds  out (O, I)
    dx  in  (O, B, I)
    u   in  (B, I)
    """
    for m in prange(ds.shape[0]):
        for k in range(ds.shape[1]):
            total = u[0, k] * 0
            for row in range(u.shape[0]):
                total += dx[m, row, k] * u[row, k]
            ds[m, k] = total


@plain_loop
def mean_of_members(z, each):
    """z_ik = sum_m z_mik / M

    z     out (B, I)
    each  in  (O, B, I)
    """
    for row in prange(z.shape[0]):
        for k in range(z.shape[1]):
            total = each[0, row, k] * 0
            for m in range(each.shape[0]):
                total += each[m, row, k]
            z[row, k] = total / each.shape[0]


@plain_loop
def log_of_mean(t, z):
    """t_ik = ln z_ik, of 1e-37 where z_ik is less: the t of which softmax, or exp, is z

    t  out (B, I)
    z  in  (B, I)
    """
    for row in prange(t.shape[0]):
        for k in range(t.shape[1]):
            t[row, k] = log(max(z[row, k], z[row, k] * 0 + 1e-37))
