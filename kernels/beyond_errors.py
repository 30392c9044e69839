"""Errors beyond softmax's, weights of rows, penalties and limits, one plain loop each: what errors.py and update.py do.

Written as elementwise.py is. E is the mean over the batch and, for a row, the sum over its outputs; with the link
z = g(t) that belongs to an error, dE/dt = (z - y) / B (McCullagh and Nelder, Generalized Linear Models, 1989, section
2.2: canonical links).
"""

import math

from numba import prange

from ._jit import kernel
from .beyond_activations import logistic_element

# ---- errors --------------------------------------------------------------------------------------------------------


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
    floor  how near z may come
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
def absolute_error(dt, e, t, y):
    """E = sum_j |t_j - y_j|;  dE/dt_j = sign(t_j - y_j)

    dt  out (B, O)
    e   out (B,)    error of each row
    t   in  (B, O)
    y   in  (B, O)
    """
    for row in prange(t.shape[0]):
        e[row] = 0
        for j in range(t.shape[1]):
            difference = t[row, j] - y[row, j]
            e[row] += abs(difference)
            dt[row, j] = (1 if difference > 0 else -1 if difference < 0 else 0) / t.shape[0]


@kernel
def huber(dt, e, t, y, delta):
    """E = sum_j d_j^2 / 2 with d = t - y, and delta (|d_j| - delta / 2) where |d_j| > delta     (Huber, 1964, eq. 3.7)

    dt     out (B, O)  dE/dt_j = d_j, no larger than delta
    e      out (B,)    error of each row
    t      in  (B, O)
    y      in  (B, O)
    delta  from where on E grows with the size of d
    """
    for row in prange(t.shape[0]):
        e[row] = 0
        for j in range(t.shape[1]):
            d = t[row, j] - y[row, j]
            e[row] += d * d / 2 if abs(d) <= delta else delta * (abs(d) - delta / 2)
            dt[row, j] = min(max(d, -delta), delta) / t.shape[0]


@kernel
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
def penalize(dW, W, decay, l1):
    """dE/dW <- dE/dW + lambda W + l1 sign(W), the gradient of sum_ij lambda / 2 w_ij^2 + l1 |w_ij|

    dW     in, out (n,)
    W      in      (n,)
    decay  lambda
    l1     strength of the other penalty

    Returns the sum.
    """
    for k in prange(W.size):
        dW[k] += decay * W[k] + l1 * ((W[k] > 0) - (W[k] < 0))
    penalty = 0.0
    for k in range(W.size):
        penalty += decay / 2 * W[k] * W[k] + l1 * abs(W[k])
    return penalty


@kernel
def limit(dW, value, norm):
    """dE/dW_k <- no larger than `value`, then all times norm / |dE/dW| where that is below 1

    (Pascanu, Mikolov and Bengio, 2013, algorithm 1)

    dW  in, out (n,)
    value, norm  infinity for none
    """
    squares = 0.0
    for k in range(dW.size):
        dW[k] = min(max(dW[k], -value), value)
        squares += dW[k] * dW[k]
    length = math.sqrt(squares)
    if length > norm:
        for k in prange(dW.size):
            dW[k] *= norm / length
