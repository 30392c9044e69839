"""Rows of X, or entries of sparse ones, fetched for a minibatch: picked, converted, scaled and checked in one pass."""

from ..compiler.jit import ZERO, inline
from ..entries.functions import fma, where
from ..machine.arithmetic import has_nan, lane_numbers
from ..machine.conversion import load_as, load_scaled
from ..machine.memory import cast_like
from ..machine.tiles import lanes, load, prefetch, store, zeros
from .panels import put

AHEAD = 512  # elements of X that are prefetched ahead


@inline
def _take_vectors(check, x, X, order, begin, end, I, shift, scale):
    """x_i <- X[order[i]], or (X[order[i]] - shift) * scale, for the columns of full panels.

    Returns `check` with NaN in each lane that met NaN or infinity.
    """
    L, scaled, ahead = lanes(x.data), shift.size > 0, max(1, AHEAD // I)
    for i in range(begin, end):
        here, coming = order[i] * I, order[min(i + ahead, order.size - 1)] * I
        prefetch(X, coming + I - 1)
        for j in range(0, I - L + 1, L):
            prefetch(X, coming + j)
            t = load_scaled(check, X, here + j, shift, scale, j) if scaled else load_as(check, X, here + j)
            put(x, i, j, t)
            check = fma(t, 0.0, check)
    return check


@inline
def _take_tails(check, x, X, order, begin, end, I, shift, scale):
    """Do the same for the remaining columns: as one vector with the next row's numbers masked, or one by one."""
    L, scaled, single = lanes(x.data), shift.size > 0, cast_like(x.data, 0)
    full = I // L * L
    for i in range(begin, end):
        here, at = order[i] * I + full, full * x.rows + i * L
        if not scaled and here + L <= X.size:
            t = where(lane_numbers(check) < I - full, load_as(check, X, here), 0.0)
            put(x, i, full, t)
            check = fma(t, 0.0, check)
        else:
            for j in range(I - full):
                value = (X[here + j] - shift[full + j]) * scale[full + j] if scaled else X[here + j]
                x.data[at + j] = value
                single += x.data[at + j] * 0
    return check + single


@inline
def gather(x, X, order, begin, end, I, shift, scale):
    """x_i <- X[order[i]], or (X[order[i]] - shift) (.) scale, for i in begin:end

    Computed in float64 where there is a shift or scale, and rounded once.

    x      out (B, I)
    X      in  (rows, I)  row after row, of any number type
    order  in  (B,)       row numbers
    shift, scale  in (I,) or empty

    Returns the lowest of these rows of X that holds NaN or infinity, before or after conversion, or -1.
    """
    L, data, rows = lanes(x.data), x.data, x.rows
    check = _take_vectors(zeros(data, 1, 1), x, X, order, begin, end, I, shift, scale)
    if I % L:
        check = _take_tails(check, x, X, order, begin, end, I, shift, scale)
    bad = -1
    if has_nan(check):
        for i in range(begin, end):
            for j in range(I):
                if data[j // L * L * rows + i * L + j % L] * 0 != 0 and (bad < 0 or order[i] < bad):
                    bad = order[i]
    return bad


# ---- sparse rows -----------------------------------------------------------------------------------------------------


@inline
def gather_entries(x, columns, ends, indptr, indices, data, order, begin, end, I, scale):
    """x, columns, ends <- the entries of the rows order[begin:end], their numbers times `scale` if there is one

    x        out (entries,)
    columns  out (entries,)
    ends     out (B,)        of each row where its entries end
    indptr   in  (rows + 1,)
    indices  in  (nonzeros,)
    data     in  (nonzeros,)
    order    in  (B,)        row numbers
    scale    in  (I,) or empty

    Returns the lowest of these rows that has NaN, infinity or a column that X has not, or -1.
    """
    at, bad = ZERO, -1
    for i in range(begin, end):
        first, last, wrong = indptr[order[i]], indptr[order[i] + 1], 0
        for p in range(first, last):
            k = indices[p]
            inside = (k >= 0) & (k < I)
            columns[at] = k if inside else ZERO  # nothing may be read elsewhere, whatever comes of the row
            x[at] = data[p] * scale[columns[at]] if scale.size else data[p]
            wrong |= (not inside) | (x[at] * 0 != 0)
            at += 1
        ends[i] = at
        if wrong and (bad < 0 or order[i] < bad):
            bad = order[i]
    return bad


@inline
def scatter_entries(x, room, indptr, indices, data, order, begin, end, I, scale):
    """x[begin:end] <- the rows order[begin:end], dense, times `scale` if there is one

    x        out (B, I)        in panels
    room     for a row, in which entries meet the first cache: panels are far apart
    indptr   in  (rows + 1,)
    indices  in  (nonzeros,)
    data     in  (nonzeros,)
    order    in  (B,)          row numbers
    scale    in  (I,) or empty

    Returns the lowest of these rows that has NaN, infinity or a column that X has not, or -1.
    """
    bad, L, zero = -1, lanes(x.data), zeros(x.data, 1, 1)
    for i in range(begin, end):
        wrong, check = 0, zero
        for j in range(0, I, L):
            store(room, j, 0, 0, zero)
        for p in range(indptr[order[i]], indptr[order[i] + 1]):
            k = indices[p]
            inside = (k >= 0) & (k < I)
            column = k if inside else ZERO
            room[column] += data[p] * scale[column] if scale.size else data[p]
            wrong |= not inside
        for j in range(0, I, L):
            t = load(room, j, 0, 0, zero)
            put(x, i, j, t)
            check = fma(t, 0.0, check)
        if (wrong or has_nan(check)) and (bad < 0 or order[i] < bad):
            bad = order[i]
    return bad
