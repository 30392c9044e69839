"""A layer's three products of bfloat16, as fast/linear.py has them of float32: a pair of terms of a sum at a time."""

from ..compiler.jit import inline
from ..entries.functions import fma, sign_bit, where
from ..fast.panels import get, put
from ..fast.tile import each_tile, is_narrow
from ..machine.registers import HALF, NARROW, ROWS, VECTORS
from ..machine.tiles import lanes, load, prefetch, store, transposed_pair, zeros
from ..program.layout import BELOW, FACTOR, SIGN
from .pairs import pair_add, turn_pairs, wide_add


@inline
def add_pairs(t, A, a, row_step, k_step, B, b, vector_step, n):
    """t_rv += sum_k A[a + r row_step + k k_step] . B[b + k LANES + v vector_step:][:LANES], k = 0..n-1 in order."""
    for k in range(n):
        t = pair_add(t, A, a + k * k_step, row_step, B, b + k * lanes(B), vector_step)
    return t


@inline
def add_wide(t, A, a, row_step, other, B, b, vector_step, n):
    """The same where A is wide: the second number of a pair stands `other` behind the first, the next twice that."""
    for k in range(n):
        t = wide_add(t, A, a + 2 * k * other, row_step, other, B, b + k * lanes(B), vector_step)
    return t


@inline
def row_products(t, A, i, B, j, rows, n):
    """t + A[i:i+ROWS, :n] B[:n, j:j+VECTORS*LANES], A by its rows and B in pairs of so many rows (eqs. 7, 32)."""
    L = lanes(B)
    step = L if A.wide else L // 2  # a row of a panel
    a, b = i * step, j * rows // 2
    for k in range(0, n, L):
        if k + L < n:
            for r in range(0, ROWS):
                prefetch(A.by_row, a + A.rows * step + r * step)
        terms = (min(L, n - k) + 1) // 2
        if A.wide:
            t = add_wide(t, A.by_row, a, step, 1, B, b, rows * L // 2, terms)
        else:
            t = add_pairs(t, A.by_row, a, step, 1, B, b, rows * L // 2, terms)
        a += A.rows * step
        b += L * L // 2
    return t


@inline
def column_products(t, A, i, B, j, n):
    """t + A[:n, i:i+ROWS]^T B[:n, j:j+VECTORS*LANES] (eq. 24); i and j need not begin a panel."""
    L = lanes(B.paired)
    panel, b, step = i // L * L, j // L * L * B.rows // 2 + j % L, B.rows * L // 2
    if A.wide:
        return add_wide(t, A.by_row, panel * A.rows + i - panel, 1, L, B.paired, b, step, (n + 1) // 2)
    return add_pairs(t, A.paired, panel * A.rows // 2 + i - panel, 1, L, B.paired, b, step, (n + 1) // 2)


@inline
def _forward_tiles(zero, first, last, j, h, x, W, rows, b, I, rectify):
    for i in range(first, last, ROWS):
        t = load(b, j, 0, lanes(b), zero)  # t_ij = b_j
        t = row_products(t, x, i, W, j, rows, I)  # t_ij += sum_k x_ik w_kj     (eq. 7)
        if rectify == BELOW:
            t = where(t <= 0, -0.0, t)
        elif rectify:
            t = where(t < 0, -0.0, t + 0.0)  # h_ij = F(t_ij)                    (eq. 8)
        put(h, i, j, t)


@inline
def linear_forward(h, x, W, rows, b, first, last, start, end, I, rectify):
    """h[first:last, start:end] <- F(x W + b)                                             (eqs. 6-8, 40)

    h  out (B, O)  float32, as `linear_forward` of fast/linear.py leaves it
    x  in  (B, I)  `Halves`
    W  in  (I, O)  in pairs of so many rows
    b  in  (O,)    float32
    """
    each_tile(_forward_tiles, b, first, last, start, end, (h, x, W, rows, b, I, rectify))


@inline
def _weight_tiles(zero, first, last, j, W, dW, x, dt, B, rate, descend):
    for i in range(first, last, ROWS):
        gradient = column_products(zero, x, i, dt, j, B)  # dw_ij = sum_b x_bi dt_bj    (eq. 24)
        if descend:
            put(W, i, j, fma(gradient, -rate, get(W, i, j, gradient)))
        else:
            put(dW, i, j, gradient)


@inline
def _transposed_tile(zero, W, dW, x, dt, B, i, j, rate, descend):
    """dE/dW of one or two columns, with inputs in the lanes."""
    L = lanes(W.data)
    gradient, at = transposed_pair(column_products(zero, dt, j, x, i, B)), j // L * L * W.rows + j % L + i * L
    if descend:
        store(W.data, at, L, 0, fma(gradient, -rate, load(W.data, at, L, 0, gradient)))
    else:
        store(dW.data, at, L, 0, gradient)


@inline
def linear_backward_params(W, dW, x, dt, B, first, last, start, end, rate, descend):
    """W <- W - alpha x^T dE/dt, or else dW <- x^T dE/dt, in first:last, start:end     (eqs. 18-24, 48, 52, 54)

    As `linear_backward_params` of fast/linear.py.

    W      in, out (I, O)  float32, if `descend`
    dW     out     (I, O)  float32, if not
    x, dt  in      (B, I), (B, O)  `Halves`
    rate   alpha
    """
    L = lanes(W.data)
    wide = end - (end - start) % L if is_narrow(start + (end - start) // L * L, end) else end
    each_tile(_weight_tiles, W.data, first, last, start, wide, (W, dW, x, dt, B, rate, descend))
    if wide < end:
        for i in range(first, last, L):
            _transposed_tile(zeros(W.data, NARROW, 1), W, dW, x, dt, B, i, wide, rate, descend)


@inline
def turn_rows(WT, columns, W, rows, first, last, like):
    """WT[:, :last - first] <- W[first:last]^T: pairs of rows of W become pairs of its columns, squares of LANES a side.

    WT  out (O, last - first)  in pairs of so many columns of W
    W   in  (I, O)             in pairs of so many rows
    """
    L = lanes(W)
    for i in range(first, last, L):
        for j in range(0, columns, L):
            turn_pairs(WT, ((i - first) * columns + j * L) // 2, W, (j * rows + i * L) // 2, like)


@inline
def _input_tiles(zero, first, last, j, dx, dt, WT, columns, O, derivative):
    for i in range(first, last, ROWS):
        d = row_products(zero, dt, i, WT, 0, columns, O)  # dx_ij = sum_k dt_ik w_jk        (eq. 32)
        h = get(dx, i, j, zero)
        if derivative == SIGN:
            d = where(sign_bit(h), 0.0, d)  # dt_ij = dx_ij F'(t_ij)               (eqs. 17, 41)
        elif derivative == FACTOR:
            d = d * h
        put(dx, i, j, d)


@inline
def linear_backward_input(dx, dt, WT, columns, last_row, j, width, O, derivative):
    """dx[:, j:j+width] <- dE/dt W^T (.) F'(x) (eqs. 32, 17, 41), over x itself

    As `linear_backward_input` of fast/linear.py.

    dx  in, out (B, I)  float32
    dt  in      (B, O)  `Halves`
    WT  in      (O, width)  in pairs of so many rows
    """
    if VECTORS > 1 and width > lanes(dx.data):
        whole_rows = last_row // ROWS * ROWS
        _input_tiles(zeros(dx.data, ROWS, VECTORS), 0, whole_rows, j, dx, dt, WT, columns, O, derivative)
        _input_tiles(zeros(dx.data, HALF, VECTORS), whole_rows, last_row, j, dx, dt, WT, columns, O, derivative)
    else:
        _input_tiles(zeros(dx.data, ROWS, 1), 0, last_row, j, dx, dt, WT, columns, O, derivative)
