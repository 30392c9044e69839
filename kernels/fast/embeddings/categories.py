"""Embeddings of columns of levels by tables, which stand row by row from `at` on."""

from ...compiler.jit import inline
from ...machine.tiles import lanes, store, zeros
from ..panels import pad
from ..softmax import column_at


@inline
def _level(x, i, k, row, levels):
    """The level in column k of a transposed row; 0 for what is none, as in rows that fill up a minibatch."""
    value = x.data[column_at(x, i, k) + row]
    return int(value) if 0 <= value < levels else 0


@inline
def embed_category(e, x, i, k, to, P, at, levels, width):
    """e_o <- T_lo of the level l in column k, in the transposed rows i:i+LANES"""
    for row in range(lanes(x.data)):
        source = at + _level(x, i, k, row, levels) * width
        for o in range(width):
            e.data[column_at(e, i, to + o) + row] = P[source + o]


@inline
def embed_category_backward(G, de, x, B, k, to, at, levels, width):
    """dE/dT_lo <- dE/de_o summed over the transposed rows of level l"""
    L, like = lanes(x.data), zeros(x.data, 1, 1)
    for m in range(0, pad(levels * width, L), L):
        store(G, at + m, 0, 0, like)
    for i in range(0, B, L):
        for row in range(min(L, B - i)):
            target = at + _level(x, i, k, row, levels) * width
            for o in range(width):
                G[target + o] += de.data[column_at(de, i, to + o) + row]
