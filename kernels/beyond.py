"""Activations and errors beyond the paper's, one plain loop each: the specification of activation.py and errors.py.

Written as elementwise.py is. Of an activation h = F(t) the derivative F'(t) is read off h; `hadamard` is eq. 17.
Of an error E is the mean over the batch and, for a row, the sum over its outputs; with the link z = g(t) that belongs
to it, dE/dt = (z - y) / B (McCullagh and Nelder, Generalized Linear Models, 1989, section 2.2: canonical links).
"""

import math

from numba import prange

from ._jit import jit, kernel

# ---- activations ---------------------------------------------------------------------------------------------------


@kernel
def identity(h, t):
    """h_j = t_j

    h  out (B, O)
    t  in  (B, O)
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            h[row, j] = t[row, j]


@jit
def logistic_element(t):
    """1 / (1 + e^-t), from the side on which nothing overflows."""
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


@kernel
def logistic(h, t):
    """h_j = 1 / (1 + exp(-t_j))

    h  out (B, O)
    t  in  (B, O)

    Backward: logistic_derivative, hadamard.
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            h[row, j] = logistic_element(t[row, j])


@kernel
def logistic_derivative(d, h):
    """F'(t_j) = h_j (1 - h_j)

    d  out (B, O)
    h  in  (B, O)  as `logistic` left it
    """
    for row in prange(h.shape[0]):
        for j in range(h.shape[1]):
            d[row, j] = h[row, j] * (1 - h[row, j])


@kernel
def tanh(h, t):
    """h_j = tanh(t_j)

    h  out (B, O)
    t  in  (B, O)

    Backward: tanh_derivative, hadamard.
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            h[row, j] = math.tanh(t[row, j])


@kernel
def tanh_derivative(d, h):
    """F'(t_j) = 1 - h_j^2

    d  out (B, O)
    h  in  (B, O)  as `tanh` left it
    """
    for row in prange(h.shape[0]):
        for j in range(h.shape[1]):
            d[row, j] = 1 - h[row, j] * h[row, j]


@kernel
def hadamard(dt, dh, d):
    """dE/dt = dE/dh (.) F'(t)                                                  (eq. 17)

    dt  out (B, O)
    dh  in  (B, O)
    d   in  (B, O)
    """
    for row in prange(dh.shape[0]):
        for j in range(dh.shape[1]):
            dt[row, j] = dh[row, j] * d[row, j]


# ---- errors --------------------------------------------------------------------------------------------------------


@kernel
def exponential(z, t):
    """z_j = exp(t_j)

    z  out (B, O)
    t  in  (B, O)
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            z[row, j] = math.exp(t[row, j])


@kernel
def binary_cross_entropy(dt, e, t, y):
    """E = sum_j ln(1 + exp(t_j)) - y_j t_j = -sum_j y_j ln z_j + (1 - y_j) ln(1 - z_j), z the logistic function of t

    dt  out (B, O)
    e   out (B,)    error of each row
    t   in  (B, O)
    y   in  (B, O)  from 0 to 1
    """
    for row in prange(t.shape[0]):
        e[row] = 0
        for j in range(t.shape[1]):
            logit = t[row, j]
            e[row] += max(logit, 0) - y[row, j] * logit + math.log1p(math.exp(-abs(logit)))
            dt[row, j] = (logistic_element(logit) - y[row, j]) / t.shape[0]


@kernel
def log_loss(dt, e, t, y, floor):
    """E = -sum_j y_j ln z_j + (1 - y_j) ln(1 - z_j) with z no nearer to 0 and 1 than `floor`, as scikit-learn has it

    dt     out (B, O)  that of binary_cross_entropy, nothing clipped
    e      out (B,)    error of each row
    t      in  (B, O)
    y      in  (B, O)  from 0 to 1
    floor
    """
    for row in prange(t.shape[0]):
        e[row] = 0
        for j in range(t.shape[1]):
            z = logistic_element(t[row, j])
            dt[row, j] = (z - y[row, j]) / t.shape[0]
            z = min(max(z, floor), 1 - floor)
            e[row] -= y[row, j] * math.log(z) + (1 - y[row, j]) * math.log(1 - z)


@kernel
def squared_error(dt, e, t, y):
    """E = 1/2 sum_j (t_j - y_j)^2

    dt  out (B, O)
    e   out (B,)    error of each row
    t   in  (B, O)
    y   in  (B, O)
    """
    for row in prange(t.shape[0]):
        e[row] = 0
        for j in range(t.shape[1]):
            difference = t[row, j] - y[row, j]
            e[row] += difference * difference / 2
            dt[row, j] = difference / t.shape[0]


@kernel
def poisson(dt, e, t, y):
    """E = sum_j y_j ln(y_j / z_j) - y_j + z_j with z = exp(t): half the Poisson deviance; 0 ln 0 = 0

    dt  out (B, O)
    e   out (B,)    error of each row
    t   in  (B, O)
    y   in  (B, O)  not negative
    """
    for row in prange(t.shape[0]):
        e[row] = 0
        for j in range(t.shape[1]):
            z, target = math.exp(t[row, j]), y[row, j]
            if target > 0:
                e[row] += target * (math.log(target) - t[row, j])
            e[row] += z - target
            dt[row, j] = (z - target) / t.shape[0]


# ---- rows that count more or less, and weights that cost -----------------------------------------------------------


@kernel
def weigh(dt, e, w, factor):
    """dE/dt <- w factor dE/dt;  e <- w e

    dt      in, out (B, O)
    e       in, out (B,)
    w       in      (B,)    what each row counts
    factor  B / sum of w: the mean that dE/dt was divided for becomes the weighted one
    """
    for row in prange(dt.shape[0]):
        e[row] *= w[row]
        for j in range(dt.shape[1]):
            dt[row, j] *= w[row] * factor


@kernel
def penalize(dW, W, decay):
    """dE/dW <- dE/dW + lambda W, the gradient of the penalty lambda / 2 sum_ij w_ij^2

    dW     in, out (n,)
    W      in      (n,)
    decay  lambda

    Returns sum_ij w_ij^2.
    """
    for k in prange(W.size):
        dW[k] += decay * W[k]
    squares = 0.0
    for k in range(W.size):
        squares += W[k] * W[k]
    return squares
