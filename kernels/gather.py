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
def _take_targets(ws, first, begin, end):
    """labels_i <- y[order[first + i]], or likewise targets, and weights: loops of their own, for registers are few."""
    last, O = ws.now[FIRST] + ws.now[BATCH], ws.layers[ws.layers.shape[0] - 2, OUT]
    rows, L = ws.now[BATCH_ROWS], lanes(ws.A)
    if ws.y.size:
        for i in range(begin, end):
            prefetch(ws.y, ws.order[min(first + i + ROWS_AHEAD, last - 1)])
            ws.labels[i] = ws.y[ws.order[first + i]]
    if ws.Y.size:
        for i in range(begin, end):
            for j in range(O):
                ws.targets[(j // L * rows + i) * L + j % L] = ws.Y[ws.order[first + i] * O + j]
    for i in range(begin, end):
        ws.w[i] = ws.weights[ws.order[first + i]] if ws.weights.size else 1


@inline
def _take_row(x, X, row, coming, i, I, rows, shift, scale, scaled):
    """x_i <- X[row], or (X[row] - shift) * scale; returns whether there is NaN or infinity in it."""
    L = lanes(x)
    full, check = I // L * L, zeros(x, 1, 1)
    for j in range(0, full, L):
        prefetch(X, coming * I + j)
        if scaled:
            t = load_scaled(check, X, row * I + j, shift, scale, j)
        else:
            t = load_as(check, X, row * I + j)
        store(x, j * rows + i * L, 0, 0, t)
        check = fma(t, 0.0, check)
    prefetch(X, coming * I + full)
    tail = full
    if not scaled and full < I and row * I + full + L <= X.size:  # the next row's numbers are left out
        t = where_less(lane_numbers(check), I - full, load_as(check, X, row * I + full), 0.0)
        store(x, full * rows + i * L, 0, 0, t)
        check = fma(t, 0.0, check)
        tail = I
    bad = has_nan(check)
    for j in range(tail, I):
        value = (X[row * I + j] - shift[j]) * scale[j] if scaled else X[row * I + j]
        at = full * rows + i * L + j - full
        x[at] = value
        bad = bad or x[at] * 0 != 0
    return bad


def make_gather(X_type):
    """Phase that fetches rows of an X of this Numba type, C-contiguous and of any number of rows."""

    def gather(pointer, l, task, worker):
        """x_i <- (X[order[first + i]] - shift) * scale;  labels_i <- y[order[first + i]]

        Computed in float64 where there is a shift or scale, and rounded once. A row with NaN or infinity, as it comes
        or once converted, is noted in `now[BAD_ROW]`.
        """
        ws = workspace_at(pointer)
        I, rows, order = ws.layers[0, IN], ws.now[BATCH_ROWS], ws.order
        x = ws.A[ws.layers[0, X_AT] : ws.layers[1, X_AT]]
        X = carray(at_address(ws.now[X_ADDRESS], X_type), ws.now[X_ROWS] * I)
        first, last = ws.now[FIRST], ws.now[FIRST] + ws.now[BATCH]
        size, ahead = gather_rows(ws.now), max(1, AHEAD // I)
        begin, end = task * size, min(ws.now[BATCH], task * size + size)
        _take_targets(ws, first, begin, end)
        for i in range(begin, end):
            row, coming = order[first + i], order[min(first + i + ahead, last - 1)]
            if ws.shift.size:
                bad = _take_row(x, X, row, coming, i, I, rows, ws.shift, ws.scale, True)
            else:
                bad = _take_row(x, X, row, coming, i, I, rows, ws.shift, ws.scale, False)
            if bad:
                ws.now[BAD_ROW] = row + 1

    return gather
