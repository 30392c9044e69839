"""Dropout, whose random numbers come from a counter of rows, columns and steps: threads change none."""

from ._jit import inline
from .shuffle import random_word
from .simd import lanes, load, store, zeros
from .values import lane_numbers, where_less
from .workspace import BATCH_ROWS, KEY, ROW


@inline
def mix(x):
    """Scramble 32 bits of each lane (Wellons, "Prospecting for hash functions", 2018: lowbias32)."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ ((x >> 15) & 0x1FFFF)) * 0x846CA68B & 0xFFFFFFFF
    return x ^ ((x >> 16) & 0xFFFF)


@inline
def dropout(h, p, columns, key, above, rows, j, first, last):
    """h_ij <- h_ij / (1 - p) or, with probability p, 0, in rows first:last of the panel at column j

    (Srivastava et al., 2014, sections 4 and 10: "inverted" dropout)

    h        in, out (B, O)  of a minibatch, row `above` of it and those that follow
    columns  what the rows are counted apart by
    key      32 bits of the layer and the step
    """
    L, like = lanes(h), zeros(h, 1, 1)
    threshold, keep = int(p * (1 << 24)), like + 1.0 / (1.0 - p)
    for row in range(first, last):
        counter = lane_numbers(like) + ((above + row) * columns + j)
        number = (mix(counter ^ key) >> 8) & 0xFFFFFF
        at = j * rows + row * L
        store(h, at, 0, 0, load(h, at, 0, 0, like) * where_less(number, threshold, like, keep))


@inline
def drop(now, p, number, h, columns, j, first, last):
    """`dropout` with the random numbers of this step; `number` is that of the layer and the minibatch."""
    key = random_word(now[KEY], number) & 0xFFFFFFFF
    dropout(h, p, columns, key, now[ROW], now[BATCH_ROWS], j, first, last)


@inline
def undo_scaling(now, p, h, j, first, last):
    """h_ij <- (1 - p) h_ij, so that F'(t) can be read off what was not dropped, in rows first:last of a panel"""
    L, like, rows = lanes(h), zeros(h, 1, 1), now[BATCH_ROWS]
    for row in range(first, last):
        at = j * rows + row * L
        store(h, at, 0, 0, load(h, at, 0, 0, like) * (1.0 - p))
