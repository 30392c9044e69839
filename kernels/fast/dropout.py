"""Dropout. Its random numbers come from a counter of rows, columns and steps, so threads do not change them."""

from ..compiler.jit import inline
from ..entries.functions import where
from ..machine.arithmetic import lane_numbers
from ..machine.tiles import zeros
from .panels import get, put
from .shuffle import random_word


@inline
def mix(x):
    """Scramble 32 bits of each lane (Wellons, "Prospecting for hash functions", 2018: lowbias32)."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ ((x >> 15) & 0x1FFFF)) * 0x846CA68B & 0xFFFFFFFF
    return x ^ ((x >> 16) & 0xFFFF)


@inline
def key_of(seed, k):
    """Return 32 random bits for a layer and a step: the low half of the seed's k-th random word."""
    return random_word(seed, k) & 0xFFFFFFFF


@inline
def dropout(h, p, columns, key, above, j, first, last):
    """h_ij <- h_ij / (1 - p) or, with probability p, 0, in rows first:last of the panel at column j

    (Srivastava et al., 2014, sections 4 and 10: "inverted" dropout)

    h        in, out (B, O)  of a minibatch, row `above` of it and those that follow
    columns  step of the counter from row to row
    key      32 bits of the layer and the step
    """
    like = zeros(h.data, 1, 1)
    threshold, keep = int(p * (1 << 24)), like + 1.0 / (1.0 - p)
    for row in range(first, last):
        counter = lane_numbers(like) + ((above + row) * columns + j)
        word = (mix(counter ^ key) >> 8) & 0xFFFFFF
        put(h, row, j, get(h, row, j, like) * where(word < threshold, like, keep))


@inline
def undo_scaling(h, p, j, first, last):
    """h_ij <- (1 - p) h_ij in rows first:last of a panel, so that F'(t) can be read off units that were not dropped"""
    like = zeros(h.data, 1, 1)
    for row in range(first, last):
        put(h, row, j, get(h, row, j, like) * (1.0 - p))
