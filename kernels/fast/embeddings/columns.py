"""Columns of transposed rows: scaled, and cleared where they only fill up a minibatch."""

from ...compiler.jit import inline
from ...entries.functions import where
from ...machine.arithmetic import lane_numbers
from ...machine.tiles import lanes, zeros
from ..softmax import column, put_column


@inline
def scale_columns(e, i, E, scales):
    """e_k <- s_k e_k in the transposed rows i:i+LANES"""
    like = zeros(e.data, 1, 1)
    for k in range(E):
        put_column(e, i, k, column(e, i, k, like) * scales[k])


@inline
def clear_rows(M, i, columns, B):
    """The transposed rows of i:i+LANES beyond B <- 0"""
    like = zeros(M.data, 1, 1)
    if B - i < lanes(M.data):
        for k in range(columns):
            put_column(M, i, k, where(lane_numbers(like) < B - i, column(M, i, k, like), 0.0))
