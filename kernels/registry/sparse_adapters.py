"""Adapters, as in adapters.py, of the first layer on sparse rows: every row has entries, I of them on average."""

import numpy as np

from ..entries.records import address
from ..entries.typed import Array
from ..program.phases import Kernel
from ..program.state import CHUNK, padded
from .state import Computing, Layers, long_vector, poisoned


def _entries(net, x, columns, ends):
    """Point to the entries of a minibatch."""
    net.fill(sparse=1, entries=x, entry_columns=columns.astype(np.int32), entry_ends=ends)
    net.fill(feature_rows=np.full(x.size, -1, np.int32), feature_numbers=np.full_like(x, np.nan))
    return net


def _layer(W, rows, x, columns, ends, **fields):
    return _entries(Layers(W.shape, rows, W.dtype, **fields), x, columns, ends)


def linear_csr(t: Array, x: Array, columns: Array, ends: Array, W: Array, b: Array) -> Computing:
    """W in panels."""
    net = _layer(W, len(ends), x, columns, ends).put(W=W, b=b)
    return net.computing(net.on_rows(Kernel("linear_forward_csr")), h=t)


def linear_csr_in_place(t: Array, x: Array, columns: Array, ends: Array, W: Array, b: Array) -> Computing:
    """W as it is."""
    net = _layer(W, len(ends), x, columns, ends).put(b=b)
    net.table["W_address"] = address(W)
    net.fill(strips=poisoned(net.lanes, W.dtype))
    net.kept = W
    return net.computing(net.on_rows(Kernel("linear_in_place_csr")), h=t)


def offset_bias(t: Array, offsets: Array, W: Array, b: Array) -> Computing:
    """A panel of columns a step."""
    net = Layers(W.shape, 1, W.dtype).put(W=W, b=b)
    net.fill(offsets=long_vector(offsets), offset_bias=poisoned(padded(net.outputs, net.lanes), W.dtype))
    steps = [(Kernel("offset_bias"), 0, 0, 1, j, j + net.lanes) for j in range(0, net.outputs, net.lanes)]
    return net.computing(*steps, offset_bias=t)


def linear_csr_backward_params(dW: Array, x: Array, columns: Array, ends: Array, dt: Array) -> Computing:
    """The gradient, written out by an update without a rule."""
    net = _layer(dW, len(dt), x, columns, ends).put(h=dt, W=np.zeros_like(dW), dW=np.full_like(dW, np.nan))
    size = len(net.fields["parameters"])
    net.fields["parameters"][:] = 0
    net.fill(
        feature_bounds=np.empty(net.inputs + 1, np.int64), sums=poisoned(-(-size // CHUNK) * 2 * net.lanes, dW.dtype)
    )
    return net.computing(net.on_rows(Kernel("sort_csr")), net.on_rows(Kernel("update_csr")), dW=dW)


def linear_csr_descent(W: Array, x: Array, columns: Array, ends: Array, dt: Array, learning_rate: float) -> Computing:
    """Of the features that the entries have."""
    net = _layer(W, len(dt), x, columns, ends, descends=1, learning_rate=learning_rate).put(h=dt, W=W)
    net.fill(rank=np.full(net.inputs, -1, np.int32), found=np.zeros(1, np.int64))
    net.fill(features=np.full(net.inputs, -1, np.int32), feature_ends=np.full(net.inputs, -1, np.int64))
    return net.computing(net.on_rows(Kernel("rank_csr")), net.on_inputs(Kernel("descend_csr")), W=W)


def _rows(data, indices, indptr, order, scale, **arrays):
    """Return a network, and X as it takes it."""
    net = Layers((len(scale), 1), len(order), data.dtype, order=order.astype(np.int64), x_address=data)
    net.fill(x_rows=len(indptr) - 1, nonzeros=len(data), indices_address=indices, indptr_address=indptr)
    net.fill(scale=scale.astype(np.float64), **arrays)
    return net, Kernel("", f"{indices.dtype}_{data.dtype}")


def gather_csr(
    x: Array, columns: Array, ends: Array, data: Array, indices: Array, indptr: Array, order: Array, scale: Array
) -> Computing:
    """Columns in 32 bits, as the kernels take them."""
    arrays = {"entries": np.full_like(x, np.nan), "entry_ends": np.full_like(ends, -1)}
    net, kernel = _rows(
        data, indices, indptr, order, scale, entry_columns=np.full(columns.size, -1, np.int32), **arrays
    )
    step = kernel._replace(name="gather_csr"), 0, 0, len(order), 0, 0
    return net.computing(step, entries=x, entry_columns=columns, entry_ends=ends)


def scatter_csr(x: Array, data: Array, indices: Array, indptr: Array, order: Array, scale: Array) -> Computing:
    """Into panels."""
    net, kernel = _rows(data, indices, indptr, order, scale)
    net.put(x=np.full_like(x, np.nan)).fill(strips=poisoned(padded(x.shape[1], net.lanes), x.dtype))
    return net.computing((kernel._replace(name="scatter_csr"), 0, 0, len(order), 0, 0), x=x)


def sort_csr(bounds: Array, rows: Array, numbers: Array, x: Array, columns: Array, ends: Array) -> Computing:
    """Rows in 32 bits, and bounds of the columns that fill up the last panel, too."""
    net = _entries(Layers((len(bounds) - 1, 1), len(ends), x.dtype), x, columns, ends)
    net.fill(feature_bounds=np.full(net.inputs + 1, -1, np.int64))
    return net.computing(
        net.on_rows(Kernel("sort_csr")), feature_bounds=bounds, feature_rows=rows, feature_numbers=numbers
    )
