"""Softmax, and softmax with cross-entropy: the error and its gradient in one pass over a row; over panels (tile.py)."""

import numpy as np

from ._jit import inline, jit
from .functions import exp, log
from .simd import lanes, load, load_rows, store, store_rows, zeros
from .tile import ROWS
from .values import across_max, across_min, across_sum, lane_numbers, where_equal, where_less

TOGETHER = min(ROWS, 4)  # rows whose latencies overlap


@inline
def _maximum(t, at, rows, O, zero):
    """Largest of each row's O logits, in every lane; the columns that fill up the last panel do not count."""
    top, column = zero - np.inf, lane_numbers(zero)
    for j in range(0, O, lanes(t)):
        row = where_less(column, O - j, load(t, j * rows + at, lanes(t), 0, zero), -np.inf)
        top = where_less(top, row, row, top)
    return across_max(top)


@inline
def _softmax(zero, t, at, rows, O):
    """Softmax of as many rows as `zero` has, the first at t[at]."""
    L, total, column = lanes(t), zero, lane_numbers(zero)
    top = _maximum(t, at, rows, O, zero)
    for j in range(0, O, L):
        z = where_less(column, O - j, exp(load(t, j * rows + at, L, 0, zero) - top), 0.0)
        store(t, j * rows + at, L, 0, z)
        total = total + z
    total = across_sum(total)
    for j in range(0, O, L):
        store(t, j * rows + at, L, 0, load(t, j * rows + at, L, 0, zero) / total)


@jit
def softmax(t, rows, first, last, O):
    """z <- exp(t) / sum exp(t), over t itself                                      (eqs. 33, 45)

    t  in, out (B, O)  logits, then probabilities; rows first:last of them
    """
    for i in range(first, last, TOGETHER):
        _softmax(zeros(t, TOGETHER, 1), t, i * lanes(t), rows, O)


@jit
def softmax_row(t, at, O):
    """z <- exp(t) / sum exp(t) of one row, over t[at:] itself                      (eqs. 33, 45)

    t  in, out (>= at + O and whole vectors,)  logits, then probabilities
    """
    _softmax(zeros(t, 1, 1), t, at, 1, O)


@jit
def softmax_cross_entropy(t, e, right, labels, rows, first, last, O, B):
    """E = ln sum exp(t) - t_y of each row;  dE/dt <- (z - y) / B, over t itself        (eqs. 33-39, 45-47)

    t       in, out (B, O)  logits, then dE/dt, 0 in the columns that fill up the last panel
    e       out     (B,)    error of each row, not yet divided by B
    right   out     (B,)    1 where the first of the largest logits is the true class, else 0
    labels  in      (B,)    true classes
    """
    L = lanes(t)
    for i in range(first, last, TOGETHER):
        zero, at = zeros(t, TOGETHER, 1), i * L
        column, y = lane_numbers(zero), load_rows(labels, i, zero)
        top = _maximum(t, at, rows, O, zero)
        total, of_y, best = zero, zero, column + O
        for j in range(0, O, L):
            below = load(t, j * rows + at, L, 0, zero) - top
            of_y = of_y + where_equal(column + j, y, below, 0.0)
            found = where_equal(below, 0.0, column + j, best)
            best = where_less(found, best, found, best)
            z = where_less(column, O - j, exp(below), 0.0)
            store(t, j * rows + at, L, 0, z)
            total = total + z
        total = across_sum(total)
        store_rows(e, i, log(total) - across_sum(of_y))
        store_rows(right, i, where_equal(across_min(best), y, zero + 1.0, 0.0))
        for j in range(0, O, L):
            z = load(t, j * rows + at, L, 0, zero) / total
            store(t, j * rows + at, L, 0, (z - where_equal(column + j, y, zero + 1.0, 0.0)) * (1.0 / B))
