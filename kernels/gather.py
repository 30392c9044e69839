"""Rows of X on their way into a network: picked, converted, scaled and checked, in one pass."""

from numba import carray

from ._jit import inline
from .convert import at_address, load_as, load_scaled
from .simd import LINE, lanes, prefetch, prefetch_address, store, zeros
from .tile import ROWS
from .values import fma, has_nan, lane_numbers, where_less
from .workspace import (
    BAD_ROW,
    BATCH,
    BATCH_ROWS,
    BATCH_SIZE,
    END,
    FIRST,
    IN,
    OUT,
    WORKERS,
    X_ADDRESS,
    X_AT,
    X_ROW_BYTES,
    X_ROWS,
    pad,
    workspace_at,
)  # fmt: skip

AHEAD, ROWS_AHEAD = 512, 16  # elements of X, and of y, asked for before they are needed
MOST_LINES = 8192  # asked for of the next minibatch: more would push out of the second-level cache what is in use


@inline
def gather_rows(now):
    """Rows of a task."""
    return max(1, now[BATCH]) if now[WORKERS] == 1 else pad((now[BATCH] + 1023) // 1024, ROWS)


@inline
def gather_tasks(now):
    """Tasks of the gather phase."""
    size = gather_rows(now)
    return (now[BATCH] + size - 1) // size


@inline
def ask_ahead(ws, part, parts):
    """Ask for a share of the rows of X that the next minibatch will gather, while the present one is computed."""
    now = ws.now
    start, row_bytes = now[FIRST] + now[BATCH], now[X_ROW_BYTES]
    lines = (row_bytes + LINE - 1) // LINE
    n = min(MOST_LINES, max(0, min(now[BATCH_SIZE], now[END] - start)) * lines)
    k, end = n * part // parts, n * (part + 1) // parts
    row, line = start + k // lines, k % lines
    while k < end:
        here = min(end - k, lines - line)  # of this row
        address = now[X_ADDRESS] + ws.order[row] * row_bytes + line * LINE
        for _ in range(here):
            prefetch_address(address)
            address += LINE
        k, row, line = k + here, row + 1, 0


@inline
def _take_targets(ws, order, begin, end):
    """labels_i <- y[order[i]], or likewise targets, and weights: loops of their own, for registers are few."""
    rows, O, L = ws.now[BATCH_ROWS], ws.layers[ws.layers.shape[0] - 2, OUT], lanes(ws.A)
    if ws.y.size:
        for i in range(begin, end):
            prefetch(ws.y, order[min(i + ROWS_AHEAD, order.size - 1)])
            ws.labels[i] = ws.y[order[i]]
    if ws.Y.size:
        for i in range(begin, end):
            for j in range(O):
                ws.targets[(j // L * rows + i) * L + j % L] = ws.Y[order[i] * O + j]
    if ws.weights.size:
        for i in range(begin, end):
            ws.w[i] = ws.weights[order[i]]


@inline
def _take_vectors(check, x, X, order, begin, end, ahead, I, rows, shift, scale):
    """x_i <- X[order[i]], or (X[order[i]] - shift) * scale, but for the columns of the last panel if it is not full.

    Returns NaN in a lane where NaN or infinity came, or was in `check`.
    """
    L, scaled = lanes(x), shift.size > 0
    for i in range(begin, end):
        here, coming = order[i] * I, order[min(i + ahead, order.size - 1)] * I
        prefetch(X, coming + I - 1)
        for j in range(0, I - L + 1, L):
            prefetch(X, coming + j)
            t = load_scaled(check, X, here + j, shift, scale, j) if scaled else load_as(check, X, here + j)
            store(x, j * rows + i * L, 0, 0, t)
            check = fma(t, 0.0, check)
    return check


@inline
def _take_tails(check, x, X, order, begin, end, I, rows, shift, scale):
    """The columns left, likewise: as one vector, in which the next row's numbers are left out, or one by one."""
    L, scaled, single = lanes(x), shift.size > 0, x.dtype.type(0)
    full = I // L * L
    for i in range(begin, end):
        here, at = order[i] * I + full, full * rows + i * L
        if not scaled and here + L <= X.size:
            t = where_less(lane_numbers(check), I - full, load_as(check, X, here), 0.0)
            store(x, at, 0, 0, t)
            check = fma(t, 0.0, check)
        else:
            for j in range(I - full):
                value = (X[here + j] - shift[full + j]) * scale[full + j] if scaled else X[here + j]
                x[at + j] = value
                single += x[at + j] * 0
    return check + single


@inline
def _take(x, X, order, begin, end, ahead, I, rows, shift, scale):
    """Both; returns the first row in which there is NaN or infinity, or -1."""
    L = lanes(x)
    check = _take_vectors(zeros(x, 1, 1), x, X, order, begin, end, ahead, I, rows, shift, scale)
    if I % L:
        check = _take_tails(check, x, X, order, begin, end, I, rows, shift, scale)
    if has_nan(check):
        for i in range(begin, end):
            for j in range(I):
                if x[j // L * L * rows + i * L + j % L] * 0 != 0:
                    return order[i]
    return -1


def make_gather(X_type):
    """Phase that fetches rows of an X of this Numba type, C-contiguous and of any number of rows."""

    def gather(pointer, l, task, worker):
        """x_i <- (X[order[first + i]] - shift) * scale;  labels_i <- y[order[first + i]]

        Computed in float64 where there is a shift or scale, and rounded once. A row with NaN or infinity, as it comes
        or once converted, is noted in `now[BAD_ROW]`.
        """
        ws = workspace_at(pointer)
        I, rows = ws.layers[0, IN], ws.now[BATCH_ROWS]
        x = ws.A[ws.layers[0, X_AT] : ws.layers[1, X_AT]]
        X = carray(at_address(ws.now[X_ADDRESS], X_type), ws.now[X_ROWS] * I)
        order = ws.order[ws.now[FIRST] : ws.now[FIRST] + ws.now[BATCH]]
        size, ahead = gather_rows(ws.now), max(1, AHEAD // I)
        begin, end = task * size, min(order.size, task * size + size)
        _take_targets(ws, order, begin, end)
        bad = _take(x, X, order, begin, end, ahead, I, rows, ws.shift, ws.scale)
        if bad >= 0:
            ws.now[BAD_ROW] = bad + 1

    return gather
