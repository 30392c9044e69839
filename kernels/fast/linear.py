"""A layer's three products over panels: forward (eqs. 6-8), and backward with the update (eqs. 17, 24, 27, 32, 54).

Then the scales of the inputs, forward and backward.
"""

from ..compiler.jit import inline
from ..entries.functions import fma, sign_bit, where
from ..machine.arithmetic import lane_numbers, lane_sums
from ..machine.registers import HALF, NARROW, ROWS, VECTORS
from ..machine.tiles import lanes, load, store, transpose, transposed_pair, zeros
from ..program.layout import BELOW, FACTOR, SIGN
from .panels import get, put
from .tile import add_products, column_products, each_tile, is_narrow, row_products


@inline
def _forward_tiles(zero, first, last, j, h, x, W, b, I, rectify):
    for i in range(first, last, ROWS):
        t = load(b, j, 0, lanes(b), zero)  # t_ij = b_j
        t = row_products(t, x, i, W, j, I)  # t_ij += sum_k x_ik w_kj     (eq. 7)
        if rectify == BELOW:
            t = where(t <= 0, -0.0, t)
        elif rectify:
            t = where(t < 0, -0.0, t + 0.0)  # h_ij = F(t_ij)                    (eq. 8)
        put(h, i, j, t)


@inline
def linear_forward(h, x, W, b, first, last, start, end, I, rectify):
    """h[first:last, start:end] <- F(x W + b)                                             (eqs. 6-8, 40)

    for each tile of h:  t = b;  for k: t += x[:, k] W[k, :];  h = F(t)

    h  out (B, O)  activations; where F'(t) = 0, ReLU stores -0.0, so that h tells F'(t)
    x  in  (B, I)
    W  in  (I, O)
    b  in  (O,)
    """
    each_tile(_forward_tiles, b, first, last, start, end, (h, x, W, b, I, rectify))


@inline
def _descend_or_keep(W, dW, i, j, gradient, rate, descend):
    """W <- W - alpha dW for one tile, or dW <- the gradient."""
    if descend:
        put(W, i, j, fma(gradient, -rate, get(W, i, j, gradient)))
    else:
        put(dW, i, j, gradient)


@inline
def _weight_tiles(zero, first, last, j, W, dW, x, dt, B, rate, descend):
    for i in range(first, last, ROWS):
        gradient = column_products(zero, x, i, dt, j, B)  # dw_ij = sum_b x_bi dt_bj    (eq. 24)
        _descend_or_keep(W, dW, i, j, gradient, rate, descend)


@inline
def _transposed_tile(zero, W, dW, x, dt, B, i, j, rate, descend):
    L = lanes(W.data)
    # dw_ij = sum_b x_bi dt_bj (eq. 24), transposed: the lanes are inputs
    sums = add_products(zero, dt.data, j * dt.rows, 1, L, x.data, i * x.rows, x.rows * L, B)
    gradient, at = transposed_pair(sums), j * W.rows + i * L
    if descend:
        store(W.data, at, L, 0, fma(gradient, -rate, load(W.data, at, L, 0, gradient)))
    else:
        store(dW.data, at, L, 0, gradient)


@inline
def _transposed_tiles(W, dW, x, dt, B, first, last, j, rate, descend):
    """Compute dE/dW of one or two columns, with inputs in the lanes."""
    L, i = lanes(W.data), first
    while i + VECTORS * L <= last:
        _transposed_tile(zeros(W.data, NARROW, VECTORS), W, dW, x, dt, B, i, j, rate, descend)
        i += VECTORS * L
    while i < last:
        _transposed_tile(zeros(W.data, NARROW, 1), W, dW, x, dt, B, i, j, rate, descend)
        i += L


@inline
def linear_backward_params(W, dW, x, dt, B, first, last, start, end, rate, descend):
    """W <- W - alpha x^T dE/dt, or else dW <- x^T dE/dt, in first:last, start:end     (eqs. 18-24, 48, 52, 54)

    for each tile of W:  dw = 0;  for b: dw += x[b, :]^T dt[b, :];  w -= alpha dw

    `first` is a multiple of LANES. With NARROW columns or fewer, the panel that holds `last` is computed to its end.

    W     in, out (I, O)  updated straight from the accumulators if `descend`: dE/dW is then never written
    dW    out     (I, O)  if not `descend`
    x     in      (B, I)
    dt    in      (B, O)
    rate  alpha
    """
    L = lanes(W.data)
    wide = end - (end - start) % L if is_narrow(start + (end - start) // L * L, end) else end
    each_tile(_weight_tiles, W.data, first, last, start, wide, (W, dW, x, dt, B, rate, descend))
    if wide < end:
        _transposed_tiles(W, dW, x, dt, B, first, last, wide, rate, descend)


@inline
def transpose_rows(WT, W, first, last):
    """WT[:, :last - first] <- W[first:last]^T, in squares of LANES x LANES."""
    L = lanes(W.data)
    for i in range(first, last, L):
        for j in range(0, W.data.size // W.rows, L):
            transpose(WT.data, (i - first) * WT.rows + j * L, W.data, j * W.rows + i * L, zeros(W.data, 1, 1))


@inline
def _input_tiles(zero, first, last, j, dx, dt, WT, O, derivative):
    for i in range(first, last, ROWS):
        d = row_products(zero, dt, i, WT, 0, O)  # dx_ij = sum_k dt_ik w_jk        (eq. 32)
        h = get(dx, i, j, zero)
        if derivative == SIGN:
            d = where(sign_bit(h), 0.0, d)  # dt_ij = dx_ij F'(t_ij)               (eqs. 17, 41)
        elif derivative == FACTOR:
            d = d * h
        put(dx, i, j, d)


@inline
def linear_backward_input(dx, dt, WT, last_row, j, width, O, derivative):
    """dx[:, j:j+width] <- dE/dt W^T (.) F'(x) (eqs. 32, 17, 41), over x itself

    for each tile of dx:  d = 0;  for k: d += dt[:, k] WT[k, :];  dx = d F'

    dx  in, out (B, I)  in: for SIGN h of the layer below, -0.0 where t was negative; for FACTOR F'(t) itself;
                        out: dE/dt of the layer below
    dt  in      (B, O)
    WT  in      (O, width)  those columns of W^T
    """
    if VECTORS > 1 and width > lanes(dx.data):
        whole_rows = last_row // ROWS * ROWS
        _input_tiles(zeros(dx.data, ROWS, VECTORS), 0, whole_rows, j, dx, dt, WT, O, derivative)
        _input_tiles(zeros(dx.data, HALF, VECTORS), whole_rows, last_row, j, dx, dt, WT, O, derivative)
    else:
        _input_tiles(zeros(dx.data, ROWS, 1), 0, last_row, j, dx, dt, WT, O, derivative)


@inline
def bias_backward(b, db, dt, B, rate, descend):
    """b <- b - alpha sum_B dE/dt, or else db <- sum_B dE/dt                       (eqs. 25-27, 49, 53, 54)

    b   in, out (O,)    if `descend`
    db  out     (O,)    if not
    dt  in      (B, O)
    """
    zero = zeros(b, 1, 1)
    for j in range(0, b.size, lanes(b)):
        sum_0, sum_1, sum_2, sum_3 = zero, zero, zero, zero  # four independent sums hide the latency of an addition
        for i in range(0, B - 3, 4):
            sum_0 = sum_0 + get(dt, i, j, zero)
            sum_1 = sum_1 + get(dt, i + 1, j, zero)
            sum_2 = sum_2 + get(dt, i + 2, j, zero)
            sum_3 = sum_3 + get(dt, i + 3, j, zero)
        for i in range(B // 4 * 4, B):
            sum_0 = sum_0 + get(dt, i, j, zero)
        gradient = (sum_0 + sum_1) + (sum_2 + sum_3)
        if descend:
            store(b, j, 0, 0, fma(gradient, -rate, load(b, j, 0, 0, gradient)))
        else:
            store(db, j, 0, 0, gradient)


# ---- scales of the inputs --------------------------------------------------------------------------------------------


@inline
def scale_inputs(x, s, first, last, I):
    """x_k <- s_k x_k, in rows first:last

    x  in, out (B, I)
    s  in      (I,)
    """
    L, like = lanes(s), zeros(s, 1, 1)
    for j in range(0, I, L):
        scale = load(s, j, 0, 0, like)
        for i in range(first, last):
            put(x, i, j, get(x, i, j, like) * scale)


@inline
def scale_backward(ds, s, W, dW, first, last, O):
    """dE/ds_k <- sum_j w_kj dE/dw_kj / s_k, or 0 where s_k is 0, for k in first:last

    The gradient is that of the product with W, seen from the other side. With x_k = s_k u_k,

        dE/ds_k = sum_i u_ik dE/dx_ik = sum_i u_ik sum_j w_kj dE/dt_ij = sum_j w_kj dE/dw_kj / s_k

    as dE/dw_kj = sum_i x_ik dE/dt_ij (eq. 24). So it needs no product over the rows, and u is not kept.

    ds  out (I,)
    s   in  (I,)
    W   in  (I, O)
    dW  in  (I, O)
    """
    L, like = lanes(s), zeros(s, 1, 1)
    for begin in range(first, last, L):
        sums, scale = like, load(s, begin, 0, 0, like)
        for k in range(L):
            total = like
            for j in range(0, O, L):
                total = fma(get(W, begin + k, j, like), get(dW, begin + k, j, like), total)
            sums = where(lane_numbers(like) < k, sums, lane_sums(total))
        store(ds, begin, 0, 0, where(scale < 0.0, sums / scale, where(0.0 < scale, sums / scale, 0.0)))
