"""Softmax, and softmax with cross-entropy: the error and its gradient.

LANES rows are transposed at a time, so that each lane holds one row. A vector is then one column, sums and maxima along
a row cross no lanes, and two classes cost two exponentials instead of a vector of them.
"""

import numpy as np

from ..compiler.jit import inline
from ..entries.functions import exp, log, where
from ..machine.arithmetic import bits
from ..machine.memory import cast_like
from ..machine.tiles import lanes, load, store, transpose, zeros
from .panels import pad


@inline
def transpose_group(t, i, O):
    """Transpose the group of rows i:i+LANES in place, square by square; a second call restores them."""
    L = lanes(t.data)
    for j in range(0, O, L):
        at = j * t.rows + i * L
        transpose(t.data, at, t.data, at, zeros(t.data, 1, 1))


@inline
def column(t, i, j, like):
    """Return column j of the transposed rows i:i+LANES."""
    return load(t.data, column_at(t, i, j), 0, 0, like)


@inline
def column_at(t, i, j):
    """Return where column j of the transposed rows stands."""
    L = lanes(t.data)
    return i * L + j // L * L * t.rows + j % L * L


@inline
def put_column(t, i, j, value):
    """Column j of the transposed rows <- value."""
    store(t.data, column_at(t, i, j), 0, 0, value)


@inline
def clear_columns(t, i, O):
    """The columns that pad the last panel of the transposed rows <- 0."""
    zero = zeros(t.data, 1, 1)
    for j in range(O, pad(O, lanes(t.data))):
        put_column(t, i, j, zero)


@inline
def _maximum(t, i, O):
    """Return the largest logit of each row, NaN left out."""
    top = zeros(t.data, 1, 1) - np.inf
    for j in range(O):
        logit = column(t, i, j, top)
        top = where(top < logit, logit, top)
    return top


@inline
def softmax(t, first, last, O):
    """z <- exp(t) / sum exp(t), over t itself                                      (eqs. 33, 45)

    t  in, out (B, O)  logits, then probabilities; rows first:last of them, whole groups of LANES
    """
    for i in range(first, last, lanes(t.data)):
        transpose_group(t, i, O)
        top, total = _maximum(t, i, O), zeros(t.data, 1, 1)
        for j in range(O):
            z = exp(column(t, i, j, top) - top)
            put_column(t, i, j, z)
            total = total + z
        for j in range(O):
            put_column(t, i, j, column(t, i, j, top) / total)
        transpose_group(t, i, O)


@inline
def softmax_row(t, at, O):
    """z <- exp(t) / sum exp(t) of one row, over t[at:] itself; the same bits as `softmax`       (eqs. 33, 45)

    t  in, out (>= at + O and whole vectors,)  logits, then probabilities
    """
    zero, top, total = zeros(t, 1, 1), cast_like(t, -np.inf), cast_like(t, 0)
    for j in range(O):
        top = t[at + j] if top < t[at + j] else top
    for j in range(0, O, lanes(t)):
        store(t, at + j, 0, 0, exp(load(t, at + j, 0, 0, zero) - top))
    for j in range(O):
        total += t[at + j]
    for j in range(0, O, lanes(t)):
        store(t, at + j, 0, 0, load(t, at + j, 0, 0, zero) / total)


@inline
def _logits_to_powers(t, i, y, O):
    """t <- exp(t - top). Returns its sum, t - top of class y, the sum of t - top, and the most likely class."""
    zero, top = zeros(t.data, 1, 1), _maximum(t, i, O)
    total, of_y, all_below, best = zero, zero, zero, bits(zero) - 1
    for j in range(O):
        below = column(t, i, j, zero) - top
        of_y = where(y == j, below, of_y)
        all_below = all_below + below
        best = where(best < 0, where(below == 0.0, j, best), best)
        z = exp(below)
        put_column(t, i, j, z)
        total = total + z
    return total, of_y, all_below, best


@inline
def softmax_cross_entropy(t, e, correct, labels, weights, first, last, O, scale, cutoff, smoothing):
    """E = ln sum exp(t) - t_y of each row;  dE/dt <- (z - y) w scale, over t itself    (eqs. 33-39, 45-47)

    t        in, out (B, O)  logits, then dE/dt, 0 in the columns that pad the last panel
    e        out     (B,)    error of each row times its weight
    correct  out     (B,)    1 where the first of the largest logits is the true class, else 0
    labels   in      (B,)    true classes, integers as wide as t's floats
    weights  in      (B,)    w of each row
    scale                    1 / sum of w over the minibatch, so 1 / B where all are 1
    cutoff                   largest error of a row, or infinity
    smoothing                share of y that is spread over all classes (Szegedy et al., 2016, section 7)
    """
    zero = zeros(t.data, 1, 1)
    for i in range(first, last, lanes(t.data)):
        y = load(labels, i, 0, 0, bits(zero))
        transpose_group(t, i, O)
        total, of_y, all_below, best = _logits_to_powers(t, i, y, O)
        one, other = 1.0 - smoothing + smoothing / O, smoothing / O
        weight, error = load(weights, i, 0, 0, zero), log(total) - of_y * (1.0 - smoothing)
        if smoothing > 0:
            error = error - all_below * other
        store(e, i, 0, 0, where(cutoff < error, zero + cutoff, error) * weight)
        store(correct, i, 0, 0, where(best == y, zero + 1.0, 0.0))
        for j in range(O):
            z = column(t, i, j, zero) / total
            put_column(t, i, j, (z - where(y == j, zero + one, other)) * (weight * scale))
        clear_columns(t, i, O)
        transpose_group(t, i, O)
