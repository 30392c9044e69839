"""Softmax, and softmax with cross-entropy: the error and its gradient; over panels (tile.py).

LANES rows at a time, turned so that each lane holds one row: a vector is then one column, sums and maxima along a row
cross no lanes, and two classes cost two exponentials rather than a vector full of them.
"""

import numpy as np

from ._jit import inline, jit
from .functions import exp, log
from .simd import lanes, load, store, transpose, zeros
from .values import bits, where_equal, where_less


@inline
def turn(t, at, rows, O):
    """The same rows with columns and lanes exchanged, in place; done twice, as they were."""
    L = lanes(t)
    for j in range(0, O, L):
        transpose(t, j * rows + at, t, j * rows + at, zeros(t, 1, 1))


@inline
def column_at(at, rows, j, L):
    """Where column j of the turned rows stands."""
    return j // L * L * rows + at + j % L * L


@inline
def _maximum(t, at, rows, O):
    """Largest logit of each row, NaN left out."""
    top = zeros(t, 1, 1) - np.inf
    for j in range(O):
        logit = load(t, column_at(at, rows, j, lanes(t)), 0, 0, top)
        top = where_less(top, logit, logit, top)
    return top


@jit
def softmax(t, rows, first, last, O):
    """z <- exp(t) / sum exp(t), over t itself                                      (eqs. 33, 45)

    t  in, out (B, O)  logits, then probabilities; rows first:last of them, whole groups of LANES
    """
    L = lanes(t)
    for i in range(first, last, L):
        at = i * L
        turn(t, at, rows, O)
        top, total = _maximum(t, at, rows, O), zeros(t, 1, 1)
        for j in range(O):
            z = exp(load(t, column_at(at, rows, j, L), 0, 0, top) - top)
            store(t, column_at(at, rows, j, L), 0, 0, z)
            total = total + z
        for j in range(O):
            store(t, column_at(at, rows, j, L), 0, 0, load(t, column_at(at, rows, j, L), 0, 0, top) / total)
        turn(t, at, rows, O)


@jit
def softmax_row(t, at, O):
    """z <- exp(t) / sum exp(t) of one row, over t[at:] itself; the same bits as `softmax`       (eqs. 33, 45)

    t  in, out (>= at + O and whole vectors,)  logits, then probabilities
    """
    zero, top, total = zeros(t, 1, 1), t.dtype.type(-np.inf), t.dtype.type(0)
    for j in range(O):
        top = t[at + j] if top < t[at + j] else top
    for j in range(0, O, lanes(t)):
        store(t, at + j, 0, 0, exp(load(t, at + j, 0, 0, zero) - top))
    for j in range(O):
        total += t[at + j]
    for j in range(0, O, lanes(t)):
        store(t, at + j, 0, 0, load(t, at + j, 0, 0, zero) / total)


@jit
def softmax_cross_entropy(t, e, right, labels, weights, rows, first, last, O, scale, most, smoothing):
    """E = ln sum exp(t) - t_y of each row;  dE/dt <- (z - y) w scale, over t itself    (eqs. 33-39, 45-47)

    t        in, out (B, O)  logits, then dE/dt, 0 in the columns that fill up the last panel
    e        out     (B,)    error of each row times its weight
    right    out     (B,)    1 where the first of the largest logits is the true class, else 0
    labels   in      (B,)    true classes, as wide integers as t's floats are
    weights  in      (B,)    w of each row
    scale                    1 / sum of w over the minibatch, so 1 / B where all are 1
    most                     at which the error of a row is cut off; infinity leaves it as it is
    smoothing                share of y that is spread over all classes (Szegedy et al., 2016, section 7)
    """
    L, zero = lanes(t), zeros(t, 1, 1)
    for i in range(first, last, L):
        at, y = i * L, load(labels, i, 0, 0, bits(zero))
        turn(t, at, rows, O)
        top = _maximum(t, at, rows, O)
        total, of_y, all_below, best = zero, zero, zero, bits(zero) - 1
        one, other = 1.0 - smoothing + smoothing / O, smoothing / O
        for j in range(O):
            below = load(t, column_at(at, rows, j, L), 0, 0, zero) - top
            of_y = where_equal(y, j, below, of_y)
            all_below = all_below + below
            best = where_less(best, 0, where_equal(below, 0.0, j, best), best)
            z = exp(below)
            store(t, column_at(at, rows, j, L), 0, 0, z)
            total = total + z
        weight, error = load(weights, i, 0, 0, zero), log(total) - of_y * (1.0 - smoothing)
        if smoothing > 0:
            error = error - all_below * other
        store(e, i, 0, 0, where_less(most, error, zero + most, error) * weight)
        store(right, i, 0, 0, where_equal(best, y, zero + 1.0, 0.0))
        for j in range(O):
            z = load(t, column_at(at, rows, j, L), 0, 0, zero) / total
            store(t, column_at(at, rows, j, L), 0, 0, (z - where_equal(y, j, zero + one, other)) * (weight * scale))
        for j in range(O, (O + L - 1) // L * L):
            store(t, column_at(at, rows, j, L), 0, 0, zero)
        turn(t, at, rows, O)
