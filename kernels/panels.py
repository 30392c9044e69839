"""Matrices in and out of panels (tile.py)."""

from ._jit import jit
from .simd import lanes
from .workspace import pad


@jit
def pack(P, M):
    """P <- M in panels; what fills P up is left as it is.

    P  in, out (panels,)
    M  in      (I, O)
    """
    L = lanes(P)
    rows = pad(M.shape[0], L)
    full = M.shape[1] // L * L
    for j in range(0, full, L):
        for i in range(M.shape[0]):
            for k in range(L):  # of a constant length, so that it becomes one vector
                P[j * rows + i * L + k] = M[i, j + k]
    for i in range(M.shape[0]):
        for k in range(full, M.shape[1]):
            P[full * rows + i * L + k - full] = M[i, k]


@jit
def unpack(M, P):
    """M <- what `pack` packed.

    M  out (I, O)
    P  in  (panels,)
    """
    L = lanes(P)
    rows = pad(M.shape[0], L)
    full = M.shape[1] // L * L
    for j in range(0, full, L):
        for i in range(M.shape[0]):
            for k in range(L):
                M[i, j + k] = P[j * rows + i * L + k]
    for i in range(M.shape[0]):
        for k in range(full, M.shape[1]):
            M[i, k] = P[full * rows + i * L + k - full]
