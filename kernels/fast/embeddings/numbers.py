"""Embeddings of columns of numbers by sums of cosines.

The parameters of a number stand one behind the other: w and b, V of each output, then c, each filled up with zeros to
whole vectors. `at` is where they begin.
"""

import math

from ...compiler.jit import inline
from ...entries.functions import cos_turns, fma, sin_turns, where
from ...machine.arithmetic import lane_numbers, lane_sums
from ...machine.tiles import lanes, load, store, zeros
from ..panels import pad
from ..softmax import column, put_column

TURN = 2 * math.pi


@inline
def embed_number(e, x, i, k, to, P, at, H, O):
    """e_o <- c_o + sum_h v_oh cos(2 pi w_h x_k + b_h), behind x_k itself, in the transposed rows i:i+LANES

    for each h:  u = w_h x + b_h / 2 pi, in turns;  for o:  e_o += v_oh cos u

    e  out (B, E)  columns to:to+1+O
    x  in  (B, I)  column k
    P  in  (n,)    parameters
    """
    like = zeros(x.data, 1, 1)
    room, X = pad(H, lanes(x.data)), column(x, i, k, like)
    put_column(e, i, to, X)
    for o in range(O):
        put_column(e, i, to + 1 + o, like + P[at + (2 + O) * room + o])
    for h in range(H):
        wave = cos_turns(fma(X, P[at + h], like + P[at + room + h] / TURN))
        for o in range(O):
            so_far = column(e, i, to + 1 + o, like)
            put_column(e, i, to + 1 + o, fma(wave, P[at + (2 + o) * room + h], so_far))


@inline
def _put_sum(G, at, k, terms):
    """G[at + k] <- the sum of the lanes; what follows in its vector becomes 0."""
    L = lanes(G)
    here, lane = at + k // L * L, k % L
    before, place = load(G, here, 0, 0, terms), lane_numbers(terms)
    store(G, here, 0, 0, where(place < lane, before, where(place == lane, lane_sums(terms), 0.0)))


@inline
def _descents(de, x, B, k, to, P, at, H, O, G, h):
    """dE/dw_h and dE/db_h, summed over the rows."""
    L, like, room = lanes(x.data), zeros(x.data, 1, 1), pad(H, lanes(x.data))
    w, b, dw, db = P[at + h], like + P[at + room + h] / TURN, like, like
    for i in range(0, B, L):
        X, total = column(x, i, k, like), like
        for o in range(O):
            total = fma(column(de, i, to + 1 + o, like), P[at + (2 + o) * room + h], total)
        d = sin_turns(fma(X, w, b)) * total
        db = db - d
        dw = fma(d, X * -TURN, dw)
    _put_sum(G, at, h, dw)
    _put_sum(G, at + room, h, db)


@inline
def _weights(de, x, B, k, to, P, at, H, O, G, h, first):
    """dE/dv_oh of four outputs from `first` on, or of as many as there are."""
    L, like, room = lanes(x.data), zeros(x.data, 1, 1), pad(H, lanes(x.data))
    w, b, last = P[at + h], like + P[at + room + h] / TURN, O - 1
    sum_0, sum_1, sum_2, sum_3 = like, like, like, like
    for i in range(0, B, L):
        wave = cos_turns(fma(column(x, i, k, like), w, b))
        sum_0 = fma(wave, column(de, i, to + 1 + first, like), sum_0)
        sum_1 = fma(wave, column(de, i, to + 1 + min(last, first + 1), like), sum_1)
        sum_2 = fma(wave, column(de, i, to + 1 + min(last, first + 2), like), sum_2)
        sum_3 = fma(wave, column(de, i, to + 1 + min(last, first + 3), like), sum_3)
    _put_sum(G, at + (2 + first) * room, h, sum_0)
    _put_sum(G, at + (2 + min(last, first + 1)) * room, h, sum_1)
    _put_sum(G, at + (2 + min(last, first + 2)) * room, h, sum_2)
    _put_sum(G, at + (2 + min(last, first + 3)) * room, h, sum_3)


@inline
def embed_number_backward(G, de, x, B, k, to, P, at, H, O):
    """dE/dw, dE/db, dE/dV and dE/dc of column k, summed over the transposed rows, of which those beyond B are 0

    for each h:  for rows:  u = w_h x + b_h / 2 pi;  d = -sin u sum_o v_oh de_o;  db_h += d;  dw_h += 2 pi x d;
                            dv_oh += cos u de_o

    G   out (n,)    gradients, as parameters stand
    de  in  (B, E)  columns to:to+1+O
    x   in  (B, I)
    P   in  (n,)    parameters
    """
    like, room = zeros(x.data, 1, 1), pad(H, lanes(x.data))
    for o in range(O):
        total = like
        for i in range(0, B, lanes(x.data)):
            total = total + column(de, i, to + 1 + o, like)
        _put_sum(G, at + (2 + O) * room, o, total)
    for h in range(H):
        _descents(de, x, B, k, to, P, at, H, O, G, h)
        for first in range(0, O, 4):
            _weights(de, x, B, k, to, P, at, H, O, G, h, first)
