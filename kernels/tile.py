"""Register tiles: a few rows and vectors of a product, summed in registers.

Matrices are stored in panels. A panel is LANES columns wide, one cache line, its rows one after the other; the columns
that fill up the last panel hold zeros. With R rows allocated, element (i, j) stands at

    (j // LANES) * R * LANES + i * LANES + j % LANES,      so panel j starts at j * R for j a multiple of LANES.
"""

import platform

from numba.core.registry import cpu_target

from ._jit import inline
from .simd import lanes, outer_add, prefetch


def tile_shape(features, machine):
    """(rows, vectors) of the tile whose sums, one row of vectors and one splat fit the CPU's vector registers."""
    if "+avx512f" in features:
        return 8, 2  # 16 of 32 registers: fewer loads a product than any other shape that LLVM keeps in registers
    if "+avx" in features:
        return 4, 1  # a vector is two registers of sixteen
    if machine in ("aarch64", "arm64"):
        return 4, 1  # a vector is four registers of thirty-two
    return 2, 1  # SSE: four registers of sixteen


FEATURES = cpu_target.target_context.codegen()._tm_features  # what Numba compiles for, NUMBA_CPU_FEATURES heeded
ROWS, VECTORS = tile_shape(FEATURES, platform.machine())
HALF = ROWS // 2  # rows of the tile for what is left of them: numbers of rows are filled up to this
NARROW = 2  # columns, one or two outputs, of which a tile would leave most lanes empty


@inline
def is_pair(L, j, end):
    """Whether a tile of VECTORS panels is the one for the columns from j: the last panel more than half full."""
    return VECTORS > 1 and j + (VECTORS - 1) * L + L // 2 < end


@inline
def is_half(L, j, end):
    """Whether half a vector holds all columns from j."""
    return j + L // 2 >= end


@inline
def is_narrow(j, end):
    """Whether no more than NARROW columns are left."""
    return end - j <= NARROW


@inline
def add_products(t, A, a, row_step, k_step, B, b, vector_step, n):
    """t_rv += sum_k A[a + r row_step + k k_step] * B[b + k LANES + v vector_step:][:LANES], k = 0..n-1 in order."""
    for k in range(n):
        t = outer_add(t, A, a + k * k_step, row_step, B, b + k * lanes(B), vector_step)
    return t


@inline
def add_row_products(t, A, i, A_rows, B, j, B_rows, n):
    """t += A[i:i+ROWS, :n] B[:n, j:j+VECTORS*LANES], both in panels (eqs. 7, 32)."""
    a, b = i * lanes(A), j * B_rows
    for k in range(0, n, lanes(A)):
        if k + lanes(A) < n:  # what stands behind the last panel may be another core's
            for r in range(ROWS):
                prefetch(A, a + A_rows * lanes(A) + r * lanes(A))
        t = add_products(t, A, a, lanes(A), 1, B, b, B_rows * lanes(A), min(lanes(A), n - k))
        a += A_rows * lanes(A)
        b += lanes(A) * lanes(A)
    return t


@inline
def add_column_products(t, A, i, A_rows, B, j, B_rows, n):
    """t += A[:n, i:i+ROWS]^T B[:n, j:j+VECTORS*LANES], both in panels (eq. 24)."""
    panel = i // lanes(A) * lanes(A)
    return add_products(t, A, panel * A_rows + i - panel, 1, lanes(A), B, j * B_rows, B_rows * lanes(A), n)
