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

AHEAD = 512  # elements of X asked for before they are needed
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


def make_gather(X_type):
    """Phase that fetches rows of an X of this Numba type, C-contiguous and of any number of rows."""

    def gather(pointer, l, task, worker):
        """x_i <- (X[order[first + i]] - shift) * scale;  labels_i <- y[order[first + i]]

        Computed in float64 where there is a shift or scale, and rounded once. A row with NaN or infinity, as it comes
        or once converted, is noted in `now[BAD_ROW]`.
        """
        ws = workspace_at(pointer)
        L = lanes(ws.A)
        I, O, rows = ws.layers[0, IN], ws.layers[ws.layers.shape[0] - 2, OUT], ws.now[BATCH_ROWS]
        x = ws.A[ws.layers[0, X_AT] : ws.layers[1, X_AT]]
        X = carray(at_address(ws.now[X_ADDRESS], X_type), ws.now[X_ROWS] * I)
        first, last = ws.now[FIRST], ws.now[FIRST] + ws.now[BATCH]
        full, ahead = I // L * L, max(1, AHEAD // I)
        size = gather_rows(ws.now)
        for i in range(task * size, min(ws.now[BATCH], task * size + size)):
            row, coming = ws.order[first + i], ws.order[min(first + i + ahead, last - 1)]
            if ws.y.size:
                prefetch(ws.y, coming)
                ws.labels[i] = ws.y[row]
            if ws.Y.size:
                for j in range(O):
                    ws.targets[(j // L * rows + i) * L + j % L] = ws.Y[row * O + j]
            ws.w[i] = ws.weights[row] if ws.weights.size else 1
            check = zeros(x, 1, 1)
            for j in range(0, full, L):
                prefetch(X, coming * I + j)
                if ws.shift.size:
                    t = load_scaled(check, X, row * I + j, ws.shift, ws.scale, j)
                else:
                    t = load_as(check, X, row * I + j)
                store(x, j * rows + i * L, 0, 0, t)
                check = fma(t, 0.0, check)
            prefetch(X, coming * I + full)
            tail = full
            if full < I and row * I + full + L <= X.size and ws.shift.size == 0:  # the next row's numbers are left out
                t = where_less(lane_numbers(check), I - full, load_as(check, X, row * I + full), 0.0)
                store(x, full * rows + i * L, 0, 0, t)
                check = fma(t, 0.0, check)
                tail = I
            bad = has_nan(check)
            for j in range(tail, I):
                value = X[row * I + j] if ws.shift.size == 0 else (X[row * I + j] - ws.shift[j]) * ws.scale[j]
                at = full * rows + i * L + j - full
                x[at] = value
                bad = bad or x[at] * 0 != 0
            if bad:
                ws.now[BAD_ROW] = row + 1

    return gather
