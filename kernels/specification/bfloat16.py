"""bfloat16 as plain loops: numbers rounded to it, and a layer's three products as the instruction VDPBF16PS sums them.

A bfloat16 is the upper half of a float32: the same exponents, and 8 digits of the mantissa instead of 24. Products of
two are exact in float32 but for their exponents. They are added in pairs of neighbouring terms, the second one first,
and each sum is rounded to float32. Of an odd number of terms the last is alone. A sum of such numbers is exact to less
than half of a float32's last place in float64, so that one rounding is all that there is.
"""

import numpy as np
from numba import prange

from ..compiler.jit import jit, plain_loop

UPPER, NAN, QUIET = 0xFFFF0000, 0x7F800000, 0x400000  # bits: of the upper half; beyond them is NaN; NaN that is quiet


@jit
def rounded_bits(u):
    """Return the bits of a float32 rounded to the nearest bfloat16, of two as near the even one; NaN stays NaN."""
    if u & 0x7FFFFFFF > NAN:
        return (u | QUIET) & UPPER
    return (u + 0x7FFF + (u >> 16 & 1)) & UPPER


@plain_loop
def round_bfloat16(r, x):
    """r_k = x_k rounded to bfloat16

    r  out (n,)  float32 that bfloat16 can hold
    x  in  (n,)
    """
    bits, found = x.view(np.uint32), r.view(np.uint32)
    for k in prange(x.size):
        found[k] = np.uint32(rounded_bits(np.int64(bits[k])))


@jit
def added(t, a, b):
    """Return t + a b, rounded once."""
    return np.float32(np.float64(t) + np.float64(a) * np.float64(b))


@plain_loop
def linear_bfloat16(t, x, W, b):
    """t_j = b_j + sum_i x_i w_ij                                              (eqs. 7, 42, 44)

    t  out (B, O)  linear stage
    x  in  (B, I)  rounded to bfloat16
    W  in  (I, O)  rounded to bfloat16
    b  in  (O,)
    """
    for row in prange(x.shape[0]):
        for j in range(W.shape[1]):
            t[row, j] = b[j]
        for i in range(0, W.shape[0], 2):
            for j in range(W.shape[1]):
                if i + 1 < W.shape[0]:
                    t[row, j] = added(t[row, j], x[row, i + 1], W[i + 1, j])
                t[row, j] = added(t[row, j], x[row, i], W[i, j])


@plain_loop
def linear_backward_params_bfloat16(dW, x, dt):
    """dE/dw_ij = dE/dt_j x_i, so dE/dW = x^T dE/dt                             (eqs. 18-24, 48, 52)

    dW  out (I, O)
    x   in  (B, I)  rounded to bfloat16
    dt  in  (B, O)  rounded to bfloat16
    """
    for i in prange(x.shape[1]):
        for j in range(dt.shape[1]):
            dW[i, j] = 0
        for row in range(0, x.shape[0], 2):
            for j in range(dt.shape[1]):
                if row + 1 < x.shape[0]:
                    dW[i, j] = added(dW[i, j], x[row + 1, i], dt[row + 1, j])
                dW[i, j] = added(dW[i, j], x[row, i], dt[row, j])


@plain_loop
def linear_backward_input_bfloat16(dx, dt, W):
    """dE/dx_i = sum_j dE/dt_j w_ij; dE/dx = dE/dt W^T                          (eqs. 28-32, 50)

    dx  out (B, I)
    dt  in  (B, O)  rounded to bfloat16
    W   in  (I, O)  rounded to bfloat16
    """
    for row in prange(dt.shape[0]):
        for i in range(W.shape[0]):
            dx[row, i] = 0
            for j in range(0, W.shape[1], 2):
                if j + 1 < W.shape[1]:
                    dx[row, i] = added(dx[row, i], dt[row, j + 1], W[i, j + 1])
                dx[row, i] = added(dx[row, i], dt[row, j], W[i, j])
