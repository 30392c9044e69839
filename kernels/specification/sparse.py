"""Plain loops of the first layer on sparse rows: their entries, products over these, and their order by feature.

An entry is a number x with its column k. Those of a minibatch stand row after row: row i has ends[i - 1]:ends[i], in
any order of columns; a column that is given twice counts twice. N is the number of entries. Other conventions are those
of paper.py.
"""

from numba import prange

from ..compiler.jit import plain_loop


@plain_loop
def linear_csr(t, x, columns, ends, W, b):
    """t_j = b_j + sum of x_k w_kj over the entries k of a row                       (eqs. 7, 42)

    t        out (B, O)
    x        in  (N,)
    columns  in  (N,)
    ends     in  (B,)
    W        in  (I, O)
    b        in  (O,)
    """
    for row in prange(t.shape[0]):
        begin = ends[row - 1] if row else 0
        for j in range(t.shape[1]):
            t[row, j] = b[j]
            for p in range(begin, ends[row]):
                t[row, j] += x[p] * W[columns[p], j]


@plain_loop
def offset_bias(t, offsets, W, b):
    """t_j = b_j + sum_k c_k w_kj, the share of what every row holds beside its entries, the offsets c      (eq. 7)

    t        out (O,)
    offsets  in  (I,)
    W        in  (I, O)
    b        in  (O,)
    """
    for j in prange(t.size):
        t[j] = b[j]
        for k in range(offsets.size):
            t[j] += offsets[k] * W[k, j]


@plain_loop
def linear_csr_backward_params(dW, x, columns, ends, dt):
    """dE/dw_kj = sum of x_k dE/dt_j over the rows that have an entry k, in their order    (eqs. 24, 52)

    dW       out (I, O)
    x        in  (N,)
    columns  in  (N,)
    ends     in  (B,)
    dt       in  (B, O)
    """
    for j in prange(dt.shape[1]):
        for k in range(dW.shape[0]):
            dW[k, j] = 0
        for row in range(dt.shape[0]):
            begin = ends[row - 1] if row else 0
            for p in range(begin, ends[row]):
                dW[columns[p], j] += x[p] * dt[row, j]


@plain_loop
def linear_csr_descent(W, x, columns, ends, dt, learning_rate):
    """w_kj <- w_kj - alpha dE/dw_kj, entry by entry                                 (eqs. 24, 52, 54)

    W        in, out (I, O)
    x        in      (N,)
    columns  in      (N,)
    ends     in      (B,)
    dt       in      (B, O)
    learning_rate    alpha
    """
    for j in prange(dt.shape[1]):
        for row in range(dt.shape[0]):
            begin = ends[row - 1] if row else 0
            for p in range(begin, ends[row]):
                W[columns[p], j] -= learning_rate * x[p] * dt[row, j]


@plain_loop
def gather_csr(x, columns, ends, data, indices, indptr, order, scale):
    """The entries of the rows order[i], one row after the other, each number times the scale of its column

    x        out (N,)
    columns  out (N,)
    ends     out (B,)
    data     in  (N,)
    indices  in  (N,)
    indptr   in  (B + 1,)
    order    in  (B,)
    scale    in  (I,)
    """
    end = 0
    for i in range(order.size):
        end += indptr[order[i] + 1] - indptr[order[i]]
        ends[i] = end
    for i in prange(order.size):
        for p in range(indptr[order[i]], indptr[order[i] + 1]):
            at = ends[i] - indptr[order[i] + 1] + p
            columns[at] = indices[p]
            x[at] = data[p] * scale[indices[p]]


@plain_loop
def scatter_csr(x, data, indices, indptr, order, scale):
    """x_ik = sum of the entries k of row order[i], times the scale of column k

    x        out (B, I)
    data     in  (N,)
    indices  in  (N,)
    indptr   in  (B + 1,)
    order    in  (B,)
    scale    in  (I,)
    """
    for i in prange(order.size):
        for k in range(x.shape[1]):
            x[i, k] = 0
        for p in range(indptr[order[i]], indptr[order[i] + 1]):
            x[i, indices[p]] += data[p] * scale[indices[p]]


@plain_loop
def sort_csr(bounds, rows, numbers, x, columns, ends):
    """The entries column by column, rows ascending: those of column k are bounds[k]:bounds[k + 1]

    bounds   out (I + 1,)
    rows     out (N,)
    numbers  out (N,)
    x        in  (N,)
    columns  in  (N,)
    ends     in  (B,)
    """
    bounds[:] = 0
    for p in range(columns.size):
        bounds[columns[p] + 1] += 1
    for k in range(bounds.size - 1):
        bounds[k + 1] += bounds[k]
    for k in prange(bounds.size - 1):
        at = bounds[k]
        for row in range(ends.size):
            begin = ends[row - 1] if row else 0
            for p in range(begin, ends[row]):
                if columns[p] == k:
                    rows[at], numbers[at] = row, x[p]
                    at += 1
