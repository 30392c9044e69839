"""The first layer on sparse rows: its products over the entries of a minibatch, and the order of these by feature.

An entry is a number x of X with its column k, a feature. Those of a minibatch stand row after row: row i has
ends[i - 1]:ends[i]. `sort_entries` lists them by feature, too, rows ascending, so that one task sums all of a feature.
Entries may come in any order of columns, repeat a column, or be zero.
"""

from ..compiler.jit import ZERO, inline
from ..entries.functions import fma, where
from ..machine.arithmetic import lane_numbers
from ..machine.registers import ROWS, VECTORS
from ..machine.tiles import lanes, load, outer_add, prefetch, store, zeros
from .linear import BELOW
from .panels import pad

WIDE = min(8, ROWS * VECTORS)  # panels summed at once, each in a vector register or what stands for one
HALF_WIDE = WIDE // 2
AHEAD = 4  # features whose weights are prefetched ahead


@inline
def begin_of(ends, i):
    """Return where the entries of row or feature i begin."""
    return ends[i - 1] if i > 0 else ZERO


@inline
def each_strip(body, data, panels, arguments):
    """Call body(zero, panel, *arguments) for all panels: `zero` is the tile of those that are summed at once."""
    j = 0
    while j + WIDE <= panels:
        body(zeros(data, 1, WIDE), j, *arguments)
        j += WIDE
    if HALF_WIDE > 2 and j + HALF_WIDE <= panels:
        body(zeros(data, 1, HALF_WIDE), j, *arguments)
        j += HALF_WIDE
    while WIDE > 2 and j + 2 <= panels:
        body(zeros(data, 1, 2), j, *arguments)
        j += 2
    while j < panels:
        body(zeros(data, 1, 1), j, *arguments)
        j += 1


@inline
def add_entries(t, x, which, begin, end, M, at, row_step, vector_step):
    """t_v + sum_p x[p] M[at + which[p] row_step + v vector_step:][:LANES], p = begin..end-1 in order (eqs. 7, 24)."""
    for p in range(begin, end):
        t = outer_add(t, x, p, 0, M, at + which[p] * row_step, vector_step)
    return t


@inline
def _rectified(t, rectify):
    if rectify == BELOW:
        t = where(t <= 0, -0.0, t)
    elif rectify:
        t = where(t < 0, -0.0, t + 0.0)
    return t


@inline
def _forward_strip(zero, panel, h, i, x, columns, begin, end, W, panel_step, row_step, b, rectify):
    L = lanes(b)
    t = load(b, panel * L, 0, L, zero)  # t_ij = b_j
    t = add_entries(t, x, columns, begin, end, W, panel * panel_step, row_step, panel_step)  # eq. 7
    store(h.data, panel * L * h.rows + i * L, 0, L * h.rows, _rectified(t, rectify))  # eq. 8


@inline
def linear_forward_csr(h, x, columns, ends, W, b, first, last, rectify):
    """h[first:last] <- F(x W + b), x sparse                                                      (eqs. 6-8, 40)

    for each row i, for some panels at once:  t = b;  for each entry k of i: t += x_ik W[k, :];  h = F(t)

    h        out (B, O)  in panels
    x        in  (entries,)
    columns  in  (entries,)
    ends     in  (B,)
    W        in  (I, O)  in panels
    b        in  (O,)
    """
    L = lanes(b)
    for i in range(first, last):
        row = h, i, x, columns, begin_of(ends, i), ends[i], W.data, W.rows * L, L, b, rectify
        each_strip(_forward_strip, b, b.size // L, row)


@inline
def _tail_in_place(h, i, x, columns, begin, end, W, b, full, O, room, rectify):
    """The last columns, fewer than a vector: as vectors of which the next row's numbers are masked."""
    L, zero = lanes(b), zeros(b, 1, 1)
    t = load(b, full, 0, 0, zero)
    for p in range(begin, end):
        at = columns[p] * O + full
        if at + L <= W.size:
            t = outer_add(t, x, p, 0, W, at, 0)
        else:
            for j in range(O - full):
                room[j] = W[at + j]
            t = outer_add(t, x, p, 0, room, 0, 0)
    t = where(lane_numbers(t) < O - full, t, 0.0)
    store(h.data, full * h.rows + i * L, 0, 0, _rectified(t, rectify))


@inline
def linear_in_place_csr(h, x, columns, ends, W, b, room, first, last, O, rectify):
    """h[first:last] <- F(x W + b), x sparse and W as the user has it                             (eqs. 6-8, 40)

    The bits are those of `linear_forward_csr`.

    W     in  (I, O)  row-major
    b     in  (O,)    filled up with zeros to whole vectors
    room  for a vector
    """
    L = lanes(b)
    full = O // L * L
    for i in range(first, last):
        begin, end = begin_of(ends, i), ends[i]
        each_strip(_forward_strip, b, O // L, (h, i, x, columns, begin, end, W, L, O, b, rectify))
        if full < O:
            _tail_in_place(h, i, x, columns, begin, end, W, b, full, O, room, rectify)


@inline
def sort_entries(bounds, rows, numbers, x, columns, ends, B):
    """List the entries by feature: a counting sort over all features, for passes over all of W.

    bounds      out (R + 1,)    entries bounds[k]:bounds[k + 1] are those of feature k; R rows of W, padding too
    rows        out (entries,)  of each entry by feature its row, ascending
    numbers     out (entries,)  and its x
    x, columns  in  (entries,)  row after row
    ends        in  (B,)
    """
    total = ZERO
    for k in range(bounds.size):
        bounds[k] = 0
    for p in range(begin_of(ends, B)):
        bounds[columns[p] + 1] += 1
    for k in range(1, bounds.size):  # where feature k - 1 begins
        count = bounds[k]
        bounds[k] = total
        total += count
    for i in range(B):
        for p in range(begin_of(ends, i), ends[i]):
            k = columns[p] + 1
            at = bounds[k]
            rows[at], numbers[at], bounds[k] = i, x[p], at + 1


@inline
def rank_entries(rank, found, features, feature_ends, rows, numbers, x, columns, ends, B):
    """List the entries by feature: a counting sort over the features that the minibatch has, where no others matter.

    rank          in, out (I,)  -1, but for the features of the last minibatch; then the place of each in `features`
    found         in, out (1,)  how many features there are
    features      in, out (found,)
    feature_ends  out (found,)
    rows          out (entries,)  of each entry by feature its row, ascending
    numbers       out (entries,)  and its x
    x, columns    in  (entries,)  row after row
    ends          in  (B,)
    """
    for q in range(found[0]):
        rank[features[q]] = -1
    n = 0
    for p in range(begin_of(ends, B)):
        k = columns[p]
        if rank[k] < 0:
            rank[k], features[n], feature_ends[n] = n, k, 0
            n += 1
        feature_ends[rank[k]] += 1
    found[0] = n
    total = ZERO
    for q in range(n):  # where each begins
        count = feature_ends[q]
        feature_ends[q] = total
        total += count
    for i in range(B):
        for p in range(begin_of(ends, i), ends[i]):
            q = rank[columns[p]]
            at = feature_ends[q]
            rows[at], numbers[at], feature_ends[q] = i, x[p], at + 1


@inline
def _descend_strip(zero, panel, W, k, x, rows, begin, end, dt, rate):
    L = lanes(W.data)
    gradient = add_entries(zero, x, rows, begin, end, dt.data, panel * L * dt.rows, L, L * dt.rows)  # eq. 24
    at = panel * L * W.rows + k * L
    w = load(W.data, at, 0, L * W.rows, zero)
    store(W.data, at, 0, L * W.rows, fma(gradient, -rate, w))  # eq. 54


@inline
def descend_csr(W, dt, features, feature_ends, rows, x, first, last, O, rate):
    """W[k] <- W[k] - alpha dE/dW[k] for the features k = features[first:last]              (eqs. 24, 48, 52, 54)

    for each feature k, for some panels at once:  dw = 0;  for each row i of k: dw += x_ik dt[i, :];  w -= alpha dw

    W   in, out (I, O)  in panels
    dt  in      (B, O)  in panels
    features, feature_ends, rows, x  in  as `rank_entries` leaves them
    """
    L = lanes(W.data)
    columns = pad(O, L)
    for q in range(first, last):
        coming = features[min(q + AHEAD, last - 1)]
        for j in range(0, columns, L):
            prefetch(W.data, j * W.rows + coming * L)
        row = W, features[q], x, rows, begin_of(feature_ends, q), feature_ends[q], dt, rate
        each_strip(_descend_strip, W.data, columns // L, row)


@inline
def feature_gradient(like, offsets, db, k, bounds, rows, x, dt, panel):
    """Return dE/dW[k] of one panel: the sum over the rows that have feature k, and what an offset of all rows adds.

    like     in  zeros
    db       in  (O,)  dE/db, where there are offsets
    offsets  in  (R,)  what x_ik is beside its entries, in every row, 0 in rows that fill up W; or empty
    bounds, rows, x  in  as `sort_entries` leaves them
    """
    L, dW = lanes(dt.data), like
    if offsets.size:
        dW = outer_add(dW, offsets, k, 0, db, panel * L, 0)
    return add_entries(dW, x, rows, bounds[k], bounds[k + 1], dt.data, panel * L * dt.rows, L, 0)
