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
def drop(now, p, number, h, columns, j, first, last):
    """h_ij <- h_ij / (1 - p) or, with probability p, 0, in rows first:last of the panel at column j

    (Srivastava et al., 2014, sections 4 and 10: "inverted" dropout)
    """
    L, like, rows = lanes(h), zeros(h, 1, 1), now[BATCH_ROWS]
    key = random_word(now[KEY], number) & 0xFFFFFFFF
    threshold, keep = int(p * (1 << 24)), like + 1.0 / (1.0 - p)
    for row in range(first, last):
        counter = lane_numbers(like) + ((now[ROW] + row) * columns + j)
        number = (mix(counter ^ key) >> 8) & 0xFFFFFF
        at = j * rows + row * L
        store(h, at, 0, 0, load(h, at, 0, 0, like) * where_less(number, threshold, like, keep))
