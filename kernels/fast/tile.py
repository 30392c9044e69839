"""A product summed on one register tile, and the loop that gives each column the tile that fits."""

from ..compiler.jit import inline
from ..machine.registers import HALF, NARROW, ROWS, VECTORS
from ..machine.tiles import lanes, outer_add, prefetch, zeros


@inline
def add_products(t, A, a, row_step, k_step, B, b, vector_step, n):
    """t_rv += sum_k A[a + r row_step + k k_step] * B[b + k LANES + v vector_step:][:LANES], k = 0..n-1 in order."""
    for k in range(n):
        t = outer_add(t, A, a + k * k_step, row_step, B, b + k * lanes(B), vector_step)
    return t


@inline
def row_products(t, A, i, B, j, n):
    """t + A[i:i+ROWS, :n] B[:n, j:j+VECTORS*LANES], panel after panel of A (eqs. 7, 32)."""
    L = lanes(A.data)
    a, b = i * L, j * B.rows
    for k in range(0, n, L):
        if k + L < n:  # memory behind the last panel may be another core's
            for r in range(ROWS):
                prefetch(A.data, a + A.rows * L + r * L)
        t = add_products(t, A.data, a, L, 1, B.data, b, B.rows * L, min(L, n - k))
        a += A.rows * L
        b += L * L
    return t


@inline
def column_products(t, A, i, B, j, n):
    """t + A[:n, i:i+ROWS]^T B[:n, j:j+VECTORS*LANES] (eq. 24)."""
    L = lanes(A.data)
    panel = i // L * L
    return add_products(t, A.data, panel * A.rows + i - panel, 1, L, B.data, j * B.rows, B.rows * L, n)


@inline
def is_narrow(j, end):
    """Return whether no more than NARROW columns are left from j on."""
    return end - j <= NARROW


@inline
def each_tile(body, data, first, last, start, end, arguments):
    """Call body(zero, first, last, j, *arguments) for all columns: `zero` is the tile that fits those from j on.

    It takes VECTORS panels at a time if the last of them is more than half full, and one panel otherwise. The rows
    that wide tiles leave are computed with HALF rows at a time.
    """
    L, j = lanes(data), start
    while j < end:
        if VECTORS > 1 and j + (VECTORS - 1) * L + L // 2 < end:
            middle = first + (last - first) // ROWS * ROWS
            body(zeros(data, ROWS, VECTORS), first, middle, j, *arguments)
            body(zeros(data, HALF, VECTORS), middle, last, j, *arguments)
            j += VECTORS * L
        else:
            body(zeros(data, ROWS, 1), first, last, j, *arguments)
            j += L
