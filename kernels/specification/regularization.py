"""Dropout, weights of rows, penalties and limits of the gradient, one plain loop each. Conventions as in paper.py."""

import math

from numba import prange

from ..compiler.jit import jit, plain_loop


@jit
def _mix(x):
    x &= 0xFFFFFFFF  # the counter has 32 bits, and begins again
    x = (x ^ (x >> 16)) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ (x >> 15)) * 0x846CA68B & 0xFFFFFFFF
    return x ^ (x >> 16)


@plain_loop
def dropout(h, p, columns, key):
    """h_ij <- h_ij / (1 - p) or, with probability p, 0          (Srivastava et al., 2014, sections 4 and 10)

    h        in, out (B, O)
    p        share that is dropped
    columns  step of the counter from row to row, O or more
    key      32 bits of the layer and the step
    """
    threshold = int(p * (1 << 24))
    for row in prange(h.shape[0]):
        for j in range(h.shape[1]):
            dropped = _mix((row * columns + j) ^ key) >> 8 < threshold
            h[row, j] = h[row, j] * 0 if dropped else h[row, j] / (1 - p)


@plain_loop
def weigh(dt, e, w, factor):
    """dE/dt <- w factor dE/dt;  e <- w e

    dt      in, out (B, O)
    e       in, out (B,)
    w       in      (B,)    weight of each row
    factor  B / sum of w, which turns the mean over the rows into the weighted mean
    """
    for row in prange(dt.shape[0]):
        e[row] *= w[row]
        for j in range(dt.shape[1]):
            dt[row, j] *= w[row] * factor


@plain_loop
def penalize(dW, W, decay, l1):
    """dE/dW <- dE/dW + lambda W + l1 sign(W), the gradient of sum_ij lambda / 2 w_ij^2 + l1 |w_ij|

    dW     in, out (n,)
    W      in      (n,)
    decay  lambda
    l1     strength of the other penalty

    Returns the sum.
    """
    for k in prange(W.size):
        dW[k] += decay * W[k] + l1 * (int(W[k] > 0) - int(W[k] < 0))
    penalty = 0.0
    for k in range(W.size):
        penalty += decay / 2 * W[k] * W[k] + l1 * abs(W[k])
    return penalty


@jit
def _largest(dW):
    largest = 0.0
    for k in range(dW.size):
        largest = max(largest, abs(dW[k]))
    return largest


@plain_loop
def limit(dW, value, norm):
    """dE/dW_k <- dE/dW_k clipped to +- `value`, then dE/dW <- dE/dW norm / |dE/dW| if that factor is below 1

    (Pascanu, Mikolov and Bengio, 2013, algorithm 1)

    dW  in, out (n,)
    value, norm  infinity for none
    """
    squares = 0.0
    for k in range(dW.size):
        dW[k] = min(max(dW[k], -value), value)
        squares += dW[k] * dW[k]
    length, largest = math.sqrt(squares), 1.0
    if math.isinf(length):  # the squares are beyond the dtype: those of dE/dW / largest are not
        largest, squares = _largest(dW), 0.0
        for k in range(dW.size):
            squares += (dW[k] / largest) ** 2
        length = math.sqrt(squares)
    if length > norm / largest:
        for k in prange(dW.size):
            dW[k] *= norm / largest / length
