"""Matrices in and out of panels (tile.py)."""

from ._jit import inline, jit
from .simd import lanes, load, store, zeros
from .workspace import pad


@inline
def pack_from(P, flat, at, I, O):
    """P <- the matrix (I, O) that stands row by row in flat[at:]; see `pack`."""
    L, zero = lanes(P), zeros(P, 1, 1)
    rows, full = pad(I, L), O // L * L
    for j in range(0, full, L):
        for i in range(I):
            store(P, j * rows + i * L, 0, 0, load(flat, at + i * O + j, 0, 0, zero))
    for i in range(I):
        for k in range(full, O):
            P[full * rows + i * L + k - full] = flat[at + i * O + k]


@jit
def pack(P, M):
    """P <- M in panels; what fills P up is left as it is.

    P  in, out (panels,)
    M  in      (I, O)
    """
    pack_from(P, M.reshape(M.size), 0, M.shape[0], M.shape[1])


@inline
def unpack_to(flat, at, P, I, O):
    """The matrix (I, O) that stands row by row in flat[at:] <- what `pack_from` packed."""
    L, zero = lanes(P), zeros(P, 1, 1)
    rows, full = pad(I, L), O // L * L
    for j in range(0, full, L):
        for i in range(I):
            store(flat, at + i * O + j, 0, 0, load(P, j * rows + i * L, 0, 0, zero))
    for i in range(I):
        for k in range(full, O):
            flat[at + i * O + k] = P[full * rows + i * L + k - full]


@jit
def unpack(M, P):
    """M <- what `pack` packed.

    M  out (I, O)
    P  in  (panels,)
    """
    unpack_to(M.reshape(M.size), 0, P, M.shape[0], M.shape[1])
