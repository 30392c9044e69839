"""A layer's products over panels: forward (eqs. 6-8), and backward with the update (eqs. 17, 24, 27, 32, 54).

Matrices lie in panels (tile.py). `rows` is the number of rows allocated for a batch, a multiple of ROWS; I and O are
padded to LANES where they count a matrix's rows.
"""

from ._jit import ZERO, inline, jit
from .simd import half_zeros, lanes, load, store, transpose, turned, whole, zeros
from .tile import (
    HALF,
    NARROW,
    ROWS,
    VECTORS,
    add_column_products,
    add_products,
    add_row_products,
    is_half,
    is_narrow,
    is_pair,
)
from .values import bits, fma, where_less
from .workspace import OTHER, RELU


@inline
def _forward(like, h, x, W, b, rows, first, last, j, I, W_rows, rectify):
    L = lanes(h)
    for i in range(first, last, ROWS):
        t = load(b, j, 0, L, like)
        t = whole(add_row_products(t, x, i, rows, W, j, W_rows, I))
        if rectify:
            t = where_less(t, 0, -0.0, t + 0.0)
        store(h, j * rows + i * L, L, rows * L, t)


@inline
def _whole(first, last):
    """Where the rows end that fill whole tiles."""
    return first + (last - first) // ROWS * ROWS


@jit
def linear_forward(h, x, W, b, rows, first, last, start, end, I, W_rows, rectify):
    """h[first:last, start:end] <- F(x W + b)                                             (eqs. 6-8, 40)

    h  out (B, O)  activations; where t < 0, ReLU stores -0.0, so that h tells F'(t)
    x  in  (B, I)
    W  in  (I, O)
    b  in  (O,)
    """
    L, j = lanes(h), start
    while j < end:
        if is_pair(L, j, end):
            whole_rows = _whole(first, last)
            _forward(zeros(h, ROWS, VECTORS), h, x, W, b, rows, first, whole_rows, j, I, W_rows, rectify)
            _forward(zeros(h, HALF, VECTORS), h, x, W, b, rows, whole_rows, last, j, I, W_rows, rectify)
            j += VECTORS * L
        else:
            if is_half(L, j, end):
                _forward(half_zeros(h, ROWS), h, x, W, b, rows, first, last, j, I, W_rows, rectify)
            else:
                _forward(zeros(h, ROWS, 1), h, x, W, b, rows, first, last, j, I, W_rows, rectify)
            j += L


@inline
def _params(zero, W, dW, x, dt, rows, B, first, last, j, W_rows, rate, descend):
    L = lanes(W)
    for i in range(first, last, ROWS):
        at = j * W_rows + i * L
        t = whole(add_column_products(zero, x, i, rows, dt, j, rows, B))  # dw_ij = sum_b x_bi dt_bj
        if descend:
            store(W, at, L, W_rows * L, fma(t, -rate, load(W, at, L, W_rows * L, t)))
        else:
            store(dW, at, L, W_rows * L, t)


@inline
def _narrow_params(zero, W, dW, x, dt, rows, B, i, j, W_rows, rate, descend):
    L, at = lanes(W), j * W_rows + i * lanes(W)
    t = turned(add_products(zero, dt, j * rows, 1, L, x, i * rows, rows * L, B))  # dw_ij = sum_b dt_bj x_bi
    if descend:
        store(W, at, L, 0, fma(t, -rate, load(W, at, L, 0, t)))
    else:
        store(dW, at, L, 0, t)


@jit
def linear_backward_params(W, dW, x, dt, rows, B, first, last, start, end, W_rows, rate, descend):
    """W <- W - alpha x^T dE/dt, or else dW <- x^T dE/dt, in first:last, start:end     (eqs. 18-24, 48, 52, 54)

    `first` is a multiple of LANES; of NARROW columns or fewer, the panel that `last` stands in is done to its end.

    W        in, out (I, O)  updated straight from the accumulators if `descend`: dE/dW is then never written
    dW       out     (I, O)  if not `descend`
    x        in      (B, I)
    dt       in      (B, O)
    rate     alpha
    """
    L, j = lanes(W), start
    while j < end:
        if is_narrow(j, end):  # the lanes are inputs
            i = first
            while i + VECTORS * L <= last:
                _narrow_params(zeros(W, NARROW, VECTORS), W, dW, x, dt, rows, B, i, j, W_rows, rate, descend)
                i += VECTORS * L
            while i < last:
                _narrow_params(zeros(W, NARROW, 1), W, dW, x, dt, rows, B, i, j, W_rows, rate, descend)
                i += L
            j += L
        elif is_pair(L, j, end):
            whole_rows = _whole(first, last)
            _params(zeros(W, ROWS, VECTORS), W, dW, x, dt, rows, B, first, whole_rows, j, W_rows, rate, descend)
            _params(zeros(W, HALF, VECTORS), W, dW, x, dt, rows, B, whole_rows, last, j, W_rows, rate, descend)
            j += VECTORS * L
        else:
            if is_half(L, j, end):
                _params(half_zeros(W, ROWS), W, dW, x, dt, rows, B, first, last, j, W_rows, rate, descend)
            else:
                _params(zeros(W, ROWS, 1), W, dW, x, dt, rows, B, first, last, j, W_rows, rate, descend)
            j += L


@jit
def transpose_rows(WT, W, first, last, W_rows, WT_rows):
    """WT[:, :last - first] <- W[first:last]^T, both in panels, one square of LANES x LANES after the other."""
    L = lanes(W)
    for i in range(first, last, L):
        for j in range(0, W.size // W_rows, L):
            transpose(WT, (i - first) * WT_rows + j * L, W, j * W_rows + i * L, zeros(W, 1, 1))


@inline
def _input(zero, dx, dt, WT, rows, first, last, j, O, WT_rows, F):
    L = lanes(dx)
    for i in range(first, last, ROWS):
        t = add_row_products(zero, dt, i, rows, WT, ZERO, WT_rows, O)
        at = j * rows + i * L
        h = load(dx, at, L, rows * L, zero)
        if F == RELU:
            store(dx, at, L, rows * L, where_less(bits(h), 0, 0.0, t))
        elif F == OTHER:
            store(dx, at, L, rows * L, t * h)
        else:
            store(dx, at, L, rows * L, t)


@jit
def linear_backward_input(dx, dt, WT, rows, last_row, j, width, O, WT_rows, F):
    """dx[:, j:j+width] <- dE/dt W^T (.) F'(x) (eqs. 32, 17, 41), over x itself

    dx  inout (B, I)  in: for F = RELU h of the layer before, -0.0 where t was negative; for OTHER F'(t) itself;
                      out: dE/dt of the layer before
    dt  in    (B, O)
    WT  in    (O, width)  those columns of W^T
    """
    if VECTORS > 1 and width > lanes(dx):
        whole_rows = _whole(0, last_row)
        _input(zeros(dx, ROWS, VECTORS), dx, dt, WT, rows, 0, whole_rows, j, O, WT_rows, F)
        _input(zeros(dx, HALF, VECTORS), dx, dt, WT, rows, whole_rows, last_row, j, O, WT_rows, F)
    else:
        _input(zeros(dx, ROWS, 1), dx, dt, WT, rows, 0, last_row, j, O, WT_rows, F)


@jit
def bias_backward(b, db, dt, rows, B, rate, descend):
    """b <- b - alpha sum_B dE/dt, or else db <- sum_B dE/dt                       (eqs. 25-27, 49, 53, 54)

    b   in, out (O,)    if `descend`
    db  out     (O,)    if not
    dt  in      (B, O)
    """
    L = lanes(b)
    for j in range(0, b.size, L):
        at, zero = j * rows, zeros(b, 1, 1)
        t, t_1, t_2, t_3 = zero, zero, zero, zero  # four sums side by side: an addition takes as many cycles
        for i in range(0, B - 3, 4):
            t = t + load(dt, at + i * L, 0, 0, zero)
            t_1 = t_1 + load(dt, at + i * L + L, 0, 0, zero)
            t_2 = t_2 + load(dt, at + i * L + 2 * L, 0, 0, zero)
            t_3 = t_3 + load(dt, at + i * L + 3 * L, 0, 0, zero)
        for i in range(B // 4 * 4, B):
            t = t + load(dt, at + i * L, 0, 0, zero)
        t = (t + t_1) + (t_2 + t_3)
        if descend:
            store(b, j, 0, 0, fma(t, -rate, load(b, j, 0, 0, t)))
        else:
            store(db, j, 0, 0, t)
