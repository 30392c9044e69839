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
    for j in range(0, M.shape[1], L):
        for i in range(M.shape[0]):
            for k in range(min(L, M.shape[1] - j)):
                P[j * rows + i * L + k] = M[i, j + k]


@jit
def unpack(M, P):
    """M <- what `pack` packed.

    M  out (I, O)
    P  in  (panels,)
    """
    L = lanes(P)
    rows = pad(M.shape[0], L)
    for j in range(0, M.shape[1], L):
        for i in range(M.shape[0]):
            for k in range(min(L, M.shape[1] - j)):
                M[i, j + k] = P[j * rows + i * L + k]
