"""Activations beyond ReLU, and dropout, one plain loop each: the specification of activation.py and dropout.py.

Written as elementwise.py is. Of an activation h = F(t) the derivative F'(t) is read off h; `hadamard` is eq. 17.
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


@kernel
def identity_derivative(d, h):
    """F'(t_j) = 1

    d  out (B, O)
    h  in  (B, O)
    """
    for row in prange(h.shape[0]):
        for j in range(h.shape[1]):
            d[row, j] = 1


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
def leaky_relu(h, t):
    """h_j = t_j for t_j >= 0, else t_j / 100                                    (Maas, Hannun and Ng, 2013)

    h  out (B, O)
    t  in  (B, O)
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            h[row, j] = t[row, j] * 0.01 if t[row, j] < 0 else t[row, j] + 0.0


@kernel
def leaky_relu_derivative(d, h):
    """F'(t_j) = 1 where h_j has no minus, else 1 / 100

    d  out (B, O)
    h  in  (B, O)  as `leaky_relu` left it
    """
    for row in prange(h.shape[0]):
        for j in range(h.shape[1]):
            d[row, j] = 0.01 if math.copysign(1, h[row, j]) < 0 else 1


@kernel
def silu(h, t):
    """h_j = t_j s_j, s the logistic function of t                   (Elfwing, Uchibe and Doya, 2018, eq. 4)

    h  out (B, O)
    t  in  (B, O)
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            h[row, j] = t[row, j] * logistic_element(t[row, j])


@kernel
def silu_derivative(d, t):
    """F'(t_j) = s_j (1 + t_j (1 - s_j))                              (Elfwing, Uchibe and Doya, 2018, eq. 9)

    d  out (B, O)
    t  in  (B, O)
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            s = logistic_element(t[row, j])
            d[row, j] = s * (1 + t[row, j] * (1 - s))


@kernel
def gelu(h, t):
    """h_j = t_j Phi(t_j), Phi the normal distribution function       (Hendrycks and Gimpel, 2016, section 2)

    h  out (B, O)
    t  in  (B, O)
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            h[row, j] = t[row, j] * math.erfc(-t[row, j] * math.sqrt(0.5)) / 2


@kernel
def gelu_derivative(d, t):
    """F'(t_j) = Phi(t_j) + t_j phi(t_j), phi the normal density

    d  out (B, O)
    t  in  (B, O)
    """
    for row in prange(t.shape[0]):
        for j in range(t.shape[1]):
            density = math.exp(-t[row, j] * t[row, j] / 2) / math.sqrt(2 * math.pi)
            d[row, j] = math.erfc(-t[row, j] * math.sqrt(0.5)) / 2 + t[row, j] * density


@jit
def _mix(x):
    x = (x ^ (x >> 16)) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ (x >> 15)) * 0x846CA68B & 0xFFFFFFFF
    return x ^ (x >> 16)


@kernel
def dropout(h, p, columns, key):
    """h_ij <- h_ij / (1 - p) or, with probability p, 0          (Srivastava et al., 2014, sections 4 and 10)

    h        in, out (B, O)
    p        share that is dropped
    columns  O, or whatever the rows are counted apart by
    key      32 bits of the layer and the step
    """
    threshold = int(p * (1 << 24))
    for row in prange(h.shape[0]):
        for j in range(h.shape[1]):
            dropped = _mix((row * columns + j) ^ key) >> 8 < threshold
            h[row, j] = h[row, j] * 0 if dropped else h[row, j] / (1 - p)


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
def hadamard(dt, dh, d):
    """dE/dt = dE/dh (.) F'(t)                                              (eqs. 17, 51)

    dt  out (B, O)
    dh  in  (B, O)
    d   in  (B, O)
    """
    for row in prange(dh.shape[0]):
        for j in range(dh.shape[1]):
            dt[row, j] = dh[row, j] * d[row, j]


@kernel
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
