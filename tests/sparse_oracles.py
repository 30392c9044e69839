"""What kernels of sparse rows must return: as oracles.py, on the dense matrix of the entries."""

import numpy as np


def _dense(x, columns, ends, width):
    """The matrix of the entries, and of their sizes."""
    both = np.zeros((2, len(ends), width))
    rows = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    np.add.at(both[0], (rows, columns), x)
    np.add.at(both[1], (rows, columns), abs(x))
    return both


def _linear(x, columns, ends, W, b):
    dense, sizes = _dense(x, columns, ends, len(W))
    return [(dense @ W + b, sizes @ abs(W) + abs(b))]


def _offset(offsets, W, b):
    return [(b + offsets @ W, abs(b) + abs(offsets) @ abs(W))]


def _params(x, columns, ends, dt):
    dense, sizes = _dense(x, columns, ends, max(len(x) // max(1, len(ends)), 1))  # I entries a row in I columns
    return [(dense.T @ dt, sizes.T @ abs(dt))]


def _descent(W, x, columns, ends, dt, alpha):
    [(dW, magnitude)] = _params(x, columns, ends, dt)
    return [(W - alpha * dW, abs(W) + alpha * magnitude)]


def _gather(data, indices, indptr, order, scale):
    places = np.concatenate([np.arange(indptr[i], indptr[i + 1]) for i in order])
    x, columns = data[places], indices[places]
    ends = np.cumsum(np.diff(indptr)[order])
    return [(x * scale[columns], abs(x * scale[columns])), (columns, 0), (ends, 0)]


def _scatter(data, indices, indptr, order, scale):
    dense, sizes = _dense(data, indices, indptr[1:], len(scale))
    return [((dense * scale)[order], (sizes * abs(scale))[order])]


def _sort(x, columns, ends):
    rows, order = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)), np.argsort(columns, kind="stable")
    width = max(len(x) // max(1, len(ends)), 1)
    return [(np.append(0, np.cumsum(np.bincount(columns, minlength=width))), 0), (rows[order], 0), (x[order], 0)]


SPARSE_ORACLES = {
    "linear_csr": _linear,
    "offset_bias": _offset,
    "linear_csr_backward_params": _params,
    "linear_csr_descent": _descent,
    "gather_csr": _gather,
    "scatter_csr": _scatter,
    "sort_csr": _sort,
}
