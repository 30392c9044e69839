"""Plain loops beyond the paper: products with any activation's derivative, descent without a stored gradient, outputs.

Conventions are those of paper.py.
"""

import math

from numba import prange

from ..compiler.jit import plain_loop


@plain_loop
def exponential(z, t):
    """z_j = exp(t_j)

    z  out (B, O)
    t  in  (B, O)
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            z[row, j] = math.exp(t[row, j])


@plain_loop
def hadamard(dt, dh, d):
    """dE/dt = dE/dh (.) F'(t)                                              (eqs. 17, 51)

    dt  out (B, O)
    dh  in  (B, O)
    d   in  (B, O)
    """
    for row in prange(dh.shape[0]):
        for j in range(dh.shape[1]):
            dt[row, j] = dh[row, j] * d[row, j]


@plain_loop
def linear_hadamard_backward_input(dt_below, dt, W, d_below):
    """dE/dx = dE/dt W^T, and dE/dt of the layer below = dE/dx (.) F'(t)      (eqs. 17, 28-32, 50, 51)

    dt_below  out (B, I)  dE/dt of the layer before
    dt        in  (B, O)
    W         in  (I, O)
    d_below   in  (B, I)  F'(t) of the layer before
    """
    for row in prange(dt.shape[0]):
        for i in range(W.shape[0]):
            dx = dt[row, 0] * 0
            for j in range(W.shape[1]):
                dx += dt[row, j] * W[i, j]
            dt_below[row, i] = dx * d_below[row, i]


@plain_loop
def linear_descent(W, b, x, dt, learning_rate):
    """W <- W - alpha x^T dE/dt;  b <- b - alpha dE/dt, summed over the rows      (eqs. 24, 27, 48, 49, 52-54)

    W   in, out (I, O)
    b   in, out (O,)
    x   in      (B, I)
    dt  in      (B, O)
    learning_rate      alpha
    """
    for i in prange(x.shape[1]):
        for j in range(dt.shape[1]):
            dw = W[i, j] * 0
            for row in range(x.shape[0]):
                dw += dt[row, j] * x[row, i]
            W[i, j] -= learning_rate * dw
    for j in range(dt.shape[1]):
        db = b[j] * 0
        for row in range(dt.shape[0]):
            db += dt[row, j]
        b[j] -= learning_rate * db


@plain_loop
def smoothed_cross_entropy(dt, e, t, y, smoothing):
    """Softmax with cross-entropy (eqs. 33, 45-47) where y is 1 - s at the true class, and s / O more at every one

    (Szegedy et al., "Rethinking the Inception architecture", 2016, section 7)

    dt  out (B, O)
    e   out (B,)    error of each row
    t   in  (B, O)  logits
    y   in  (B,)    true classes
    smoothing  s
    """
    B, O = t.shape
    for row in prange(B):
        largest = t[row].max()
        total, below = 0.0, 0.0
        for j in range(O):
            dt[row, j] = math.exp(t[row, j] - largest)
            total += dt[row, j]
            below += t[row, j] - largest
        e[row] = math.log(total) - (1 - smoothing) * (t[row, y[row]] - largest) - smoothing / O * below
        for j in range(O):
            wanted = smoothing / O + (1 - smoothing if j == y[row] else 0)
            dt[row, j] = (dt[row, j] / total - wanted) / B
