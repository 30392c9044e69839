"""Dropout, whose random numbers come from a counter of rows, columns and steps: threads change none."""

from ._jit import inline
from .shuffle import random_word
from .simd import lanes, load, store, zeros
from .values import lane_numbers, where_less
from .workspace import BATCH_ROWS, DRAW, KEY, ROW


@inline
def mix(x):
    """Scramble 32 bits of each lane (Wellons, "Prospecting for hash functions", 2018: lowbias32)."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ ((x >> 15) & 0x1FFFF)) * 0x846CA68B & 0xFFFFFFFF
    return x ^ ((x >> 16) & 0xFFFF)


@inline
def layer_key(key, step, layers, l):
    """32 bits for one layer in one step."""
    return random_word(key, step * layers + l) & 0xFFFFFFFF


@inline
def drop(ws, l, h, columns, j, first, last):
    """h_ij <- h_ij / (1 - p) or, with probability p, 0, in rows first:last of the panel at column j

    (Srivastava et al., 2014, sections 4 and 10: "inverted" dropout)
    """
    L, like, rows, p = lanes(h), zeros(h, 1, 1), ws.now[BATCH_ROWS], ws.dropout[l]
    key = layer_key(ws.now[KEY], ws.now[DRAW], ws.layers.shape[0], l)
    threshold, keep = int(p * (1 << 24)), like + 1.0 / (1.0 - p)
    for row in range(first, last):
        counter = lane_numbers(like) + ((ws.now[ROW] + row) * columns + j)
        number = (mix(counter ^ key) >> 8) & 0xFFFFFF
        at = j * rows + row * L
        store(h, at, 0, 0, load(h, at, 0, 0, like) * where_less(number, threshold, like, keep))
