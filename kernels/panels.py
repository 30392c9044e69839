"""Matrices in and out of panels (tile.py)."""

from ._jit import jit
from .simd import lanes, load, store, zeros
from .workspace import pad


@jit
def pack(P, M):
    """P <- M in panels; what fills P up is left as it is.

    P  in, out (panels,)
    M  in      (I, O)
    """
    L, flat, zero = lanes(P), M.reshape(M.size), zeros(P, 1, 1)
    rows = pad(M.shape[0], L)
    full = M.shape[1] // L * L
    for j in range(0, full, L):
        for i in range(M.shape[0]):
            store(P, j * rows + i * L, 0, 0, load(flat, i * M.shape[1] + j, 0, 0, zero))
    for i in range(M.shape[0]):
        for k in range(full, M.shape[1]):
            P[full * rows + i * L + k - full] = M[i, k]


@jit
def unpack(M, P):
    """M <- what `pack` packed.

    M  out (I, O)
    P  in  (panels,)
    """
    L, flat, zero = lanes(P), M.reshape(M.size), zeros(P, 1, 1)
    rows = pad(M.shape[0], L)
    full = M.shape[1] // L * L
    for j in range(0, full, L):
        for i in range(M.shape[0]):
            store(flat, i * M.shape[1] + j, 0, 0, load(P, j * rows + i * L, 0, 0, zero))
    for i in range(M.shape[0]):
        for k in range(full, M.shape[1]):
            M[i, k] = P[full * rows + i * L + k - full]
