"""Matrices in panels: how the fast kernels store them.

A panel is LANES columns wide, which is one cache line, and stores its rows one after the other. Columns that pad the
last panel hold zeros. With R rows allocated, element (i, j) stands at

    (j // LANES) * R * LANES + i * LANES + j % LANES,      so panel j starts at j * R for j a multiple of LANES.
"""

from typing import NamedTuple

from ..compiler.jit import inline
from ..machine.memory import Vector
from ..machine.tiles import lanes, load, store, zeros


class Panels(NamedTuple):
    """A matrix in panels: its numbers, and how many rows are allocated."""

    data: Vector
    rows: int


@inline
def pad(n, step):
    """Return n, or the next multiple of step."""
    return (n + step - 1) // step * step


@inline
def get(M, i, j, like):
    """Return the tile at row i and column j, a multiple of LANES, with the shape of `like`."""
    L = lanes(M.data)
    return load(M.data, j * M.rows + i * L, L, M.rows * L, like)


@inline
def put(M, i, j, tile):
    """M[i:, j:] <- the tile."""
    L = lanes(M.data)
    store(M.data, j * M.rows + i * L, L, M.rows * L, tile)


@inline
def pack(P, flat, at, I, O):
    """P <- the matrix (I, O) that stands row by row in flat[at:]; the padding of P is left as it is."""
    L, zero = lanes(P), zeros(P, 1, 1)
    rows, full = pad(I, L), O // L * L
    for j in range(0, full, L):
        for i in range(I):
            store(P, j * rows + i * L, 0, 0, load(flat, at + i * O + j, 0, 0, zero))
    for i in range(I):
        for k in range(full, O):
            P[full * rows + i * L + k - full] = flat[at + i * O + k]


@inline
def unpack(flat, at, P, I, O):
    """The matrix (I, O) that stands row by row in flat[at:] <- what `pack` packed."""
    L, zero = lanes(P), zeros(P, 1, 1)
    rows, full = pad(I, L), O // L * L
    for j in range(0, full, L):
        for i in range(I):
            store(flat, at + i * O + j, 0, 0, load(P, j * rows + i * L, 0, 0, zero))
    for i in range(I):
        for k in range(full, O):
            flat[at + i * O + k] = P[full * rows + i * L + k - full]
