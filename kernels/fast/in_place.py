"""A layer's product where W stands row by row in the user's own array: a few panels of it at a time are packed."""

from ..compiler.jit import ZERO, inline
from ..entries.functions import where
from ..machine.arithmetic import lane_numbers
from ..machine.memory import part
from ..machine.tiles import lanes, load, prefetch, store, zeros
from .linear import linear_forward
from .panels import Panels, pad

AHEAD = 16  # rows of W prefetched ahead: the hardware prefetcher stops at each page


@inline
def _pack_tail(P, at, W, j, I, O):
    """Pack columns j:O, less than a vector: as vectors with the next row's numbers masked, the last rows one by one."""
    L, zero = lanes(P), zeros(P, 1, 1)
    used = lane_numbers(zero) < O - j
    for i in range(I):
        here, to = i * O + j, at + i * L
        if here + L <= W.size:
            store(P, to, 0, 0, where(used, load(W, here, 0, 0, zero), 0.0))
        else:
            store(P, to, 0, 0, zero)
            for k in range(O - j):
                P[to + k] = W[here + k]


@inline
def pack_columns(P, W, j, end, I, O):
    """P <- columns j:end of W (I, O), which stands row by row, in panels; j is that of a panel.

    Only `end` = O may be in the midst of a panel, which is filled up with zeros.
    """
    L, zero, rows = lanes(P), zeros(P, 1, 1), pad(I, lanes(P))
    panels = (end - j) // L
    for i in range(I):
        here = i * O + j
        for p in range(panels):
            prefetch(W, here + AHEAD * O + p * L)
            store(P, p * rows * L + i * L, 0, 0, load(W, here + p * L, 0, 0, zero))
    if panels * L < end - j:
        _pack_tail(P, panels * rows * L, W, j + panels * L, I, O)


@inline
def linear_in_place(h, x, W, b, strip, first, last, start, end, I, O, rectify):
    """h[first:last, start:end] <- F(x W + b), W as the user has it                       (eqs. 6-8, 40)

    The bits are those of `linear_forward`.

    h      out (B, O)  in panels
    x      in  (B, I)  in panels
    W      in  (I, O)  row-major
    b      in  (O,)    filled up with zeros to whole vectors
    strip  room for panels of W: as many as fit are packed at once, at least one
    """
    L = lanes(b)
    rows = pad(I, L)
    width = strip.size // (rows * L) * L
    for j in range(start, end, width):
        stop = min(j + width, end)
        columns = pad(stop - j, L)
        pack_columns(strip, W, j, stop, I, O)
        linear_forward(
            Panels(part(h.data, j * h.rows, columns * h.rows), h.rows), x, Panels(strip, rows), part(b, j, columns),
            first, last, ZERO, stop - j, I, rectify,
        )  # fmt: skip
