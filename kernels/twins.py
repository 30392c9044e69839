"""Fast kernels called with the plain arguments of their elementwise twins, to compare the two.

Each function here is a context: on entry it packs the matrices into panels, its value `run()` computes, and on leaving
the results are unpacked. So what `run` takes is the kernel's time alone. Where one function serves several kernels,
that which tells them apart is its first argument.

The panels are as hard as a network's may be: outputs are NaN beforehand, as are the rows that fill up a minibatch.
The columns that fill up the last panel hold zeros, and must still do so afterwards.
"""

from contextlib import contextmanager

import numpy as np

from . import dropout, functions, loss, row
from . import linear as layer
from ._jit import jit
from .simd import LINE, lanes, load, store, zeros
from .tile import HALF, VECTORS
from .workspace import batch_rows, labels_dtype, padded

# ---- matrices as panels and back -----------------------------------------------------------------------------------


def _lanes(M):
    return LINE // M.itemsize


def _panels(M, rows, beyond):
    """M in panels of so many rows; what is `beyond` fills the rows that M has not."""
    wide = np.full((rows, padded(M.shape[1], _lanes(M))), beyond, M.dtype)
    wide[: len(M)] = 0
    wide[: len(M), : M.shape[1]] = M
    return wide.reshape(rows, -1, _lanes(M)).swapaxes(0, 1).ravel()


def _batch(M):
    """A minibatch's matrix, and NaN in the rows beyond it, which no other row may feel."""
    return _panels(M, batch_rows(len(M), M.dtype), np.nan)


def _weights(W):
    return _panels(W, padded(len(W), _lanes(W)), 0)


def _vector(v):
    long = np.zeros(padded(len(v), _lanes(v)), v.dtype)
    long[: len(v)] = v
    return long


def _wide(M, P):
    rows = P.size // padded(M.shape[1], _lanes(M))
    return P.reshape(-1, rows, _lanes(M)).swapaxes(0, 1).reshape(rows, -1)


def _matrix(M, P, used_rows):
    wide = _wide(M, P)
    M[...] = wide[: len(M), : M.shape[1]]
    if wide[: len(M), M.shape[1] :].any() or wide[len(M) : used_rows].any():
        raise ValueError("what fills up the panels is no longer zero")


def _from_batch(M, P):
    _matrix(M, P, len(M))


def _from_weights(M, P):
    _matrix(M, P, padded(len(M), _lanes(M)))


def _from_vector(v, long):
    v[...] = long[: len(v)]
    if long[len(v) :].any():
        raise ValueError("what fills up the last vector is no longer zero")


# ---- a layer -------------------------------------------------------------------------------------------------------


@contextmanager
def _forward(h, x, W, b, rectify):
    rows, last = batch_rows(len(x), x.dtype), padded(len(x), HALF)
    X, P, bias = _batch(x), _weights(W), _vector(b)
    H = np.full(rows * bias.size, np.nan, h.dtype)

    def run():
        layer.linear_forward(H, X, P, bias, rows, 0, last, 0, len(b), len(W), P.size // bias.size, rectify)

    yield run
    _from_batch(h, H)


def linear(t, x, W, b):
    """See elementwise.py, as for all of these."""
    return _forward(t, x, W, b, False)


def linear_relu(h, x, W, b):
    """F(x W + b)."""
    return _forward(h, x, W, b, True)


@contextmanager
def linear_relu_row(h, x, W, b):
    """One row after the other, W as it is; the columns of each in three shares."""
    (I, O), room, zero = W.shape, _lanes(W), np.zeros(_lanes(W), W.dtype)
    flat = np.concatenate([W.ravel(), b, zero])
    H = np.full((len(x), O + room), np.nan, h.dtype)

    def run():
        for x_row, h_row in zip(x, H, strict=True):
            for share in range(3):
                row.linear_row(h_row, 0, x_row, 0, flat, 0, I, O, True, share, 3, share % 2 == 1)

    yield run
    h[...] = H[:, :O]


@contextmanager
def _params(W, b, x, dt, rate, descend):
    rows, inputs = batch_rows(len(x), x.dtype), padded(len(W), HALF)
    P, bias, X, T = _weights(W), _vector(b), _batch(x), _batch(dt)
    G, gradient = (np.full_like(P, np.nan), np.full_like(bias, np.nan)) if descend else (P, bias)

    def run():
        W_rows = P.size // bias.size
        layer.linear_backward_params(P, G, X, T, rows, len(x), 0, inputs, 0, len(b), W_rows, rate, descend)
        layer.bias_backward(bias, gradient, T, rows, len(x), rate, descend)

    yield run
    _from_weights(W, P)
    _from_vector(b, bias)


def linear_backward_params(dW, db, x, dt):
    """The gradients, written out."""
    return _params(dW, db, x, dt, 0.0, False)


def linear_descent(W, b, x, dt, learning_rate):
    """The update straight from the accumulators."""
    return _params(W, b, x, dt, float(learning_rate), True)


@contextmanager
def bias_backward(db, dt):
    """dE/db <- sum_B dE/dt, what `linear_backward_params` does beside dE/dW             (eqs. 25-27, 49, 53)

    db  out (O,)
    dt  in  (B, O)
    """
    bias, T = np.full_like(_vector(db), np.nan), _batch(dt)
    yield lambda: layer.bias_backward(bias, bias, T, batch_rows(len(dt), dt.dtype), len(dt), 0.0, False)
    _from_vector(db, bias)


@contextmanager
def linear_backward_input(F, dt_below, dt, W, below=None):
    """W^T, then the product over what F asks for: h of the layer below, F'(t) or nothing."""
    rows, last_row, width = batch_rows(len(dt), dt.dtype), padded(len(dt), HALF), VECTORS * _lanes(W)
    X, T, P = _batch(np.full_like(dt_below, np.nan) if below is None else below), _batch(dt), _weights(W)
    W_rows, WT_rows = padded(len(W), _lanes(W)), padded(W.shape[1], _lanes(W))
    WT = np.full(WT_rows * width, np.nan, W.dtype)

    def run():
        for i in range(0, W_rows, width):
            last = min(i + width, W_rows)
            layer.transpose_rows(WT, P, i, last, W_rows, WT_rows)
            layer.linear_backward_input(X, T, WT, rows, last_row, i, last - i, W.shape[1], WT_rows, F)

    yield run
    _from_batch(dt_below, X)


@contextmanager
def transpose(WT, W):
    """WT <- W^T

    WT  out (O, I)
    W   in  (I, O)
    """
    P, Q = _weights(W), np.full_like(_weights(WT), np.nan)
    W_rows, WT_rows = padded(len(W), _lanes(W)), padded(len(WT), _lanes(W))
    yield lambda: layer.transpose_rows(Q, P, 0, W_rows, W_rows, WT_rows)
    _from_weights(WT, Q)


# ---- the error -----------------------------------------------------------------------------------------------------


@contextmanager
def softmax(z, t):
    """Over the logits themselves."""
    T = _batch(t)
    yield lambda: loss.softmax(T, batch_rows(len(t), t.dtype), 0, len(t), t.shape[1])
    _from_batch(z, T)


@contextmanager
def softmax_row(z, t):
    """One row after the other, with whatever follows it."""
    T = np.full((len(t), padded(t.shape[1], _lanes(t))), np.nan, t.dtype)
    T[:, : t.shape[1]] = t

    def run():
        for logits in T:
            loss.softmax_row(logits, 0, t.shape[1])

    yield run
    z[...] = T[:, : t.shape[1]]


@contextmanager
def softmax_cross_entropy(dt, e, t, y, smoothing=0.0):
    """Over the logits themselves; the mean of e is taken elsewhere."""
    rows = batch_rows(len(t), t.dtype)
    T, errors, right = _batch(t), np.full(rows, np.nan, t.dtype), np.full(rows, np.nan, t.dtype)
    labels = np.zeros(rows, labels_dtype(t.dtype))
    labels[: len(y)] = y
    ones, shape = np.ones(rows, t.dtype), (rows, 0, *t.shape, 1 / len(t), np.inf, float(smoothing))
    yield lambda: loss.softmax_cross_entropy(T, errors, right, labels, ones, *shape)
    _from_batch(dt, T)
    e[...] = errors[: len(e)]


@contextmanager
def output(kernel, z, t):
    """Over t itself; what fills up the last panel is not kept zero."""
    T = _batch(t)
    yield lambda: kernel(T, batch_rows(len(t), t.dtype), 0, len(t), t.shape[1])
    z[...] = _wide(z, T)[: len(z), : z.shape[1]]


@contextmanager
def error(kernel, dt, e, t, y, number=0.0):
    """Over t itself."""
    rows = batch_rows(len(t), t.dtype)
    T, Y, E, right = _batch(t), _batch(y), np.full(rows, np.nan, t.dtype), np.full(rows, np.nan, t.dtype)
    ones, shape = np.ones(rows, t.dtype), (rows, 0, *t.shape, 1 / len(t), float(number))
    yield lambda: kernel(T, E, right, Y, ones, *shape)
    _from_batch(dt, T)
    e[...] = E[: len(e)]


# ---- what works on tiles anywhere ------------------------------------------------------------------------------------


@jit
def drop_panels(h, p, columns, key, rows, O):
    """Dropout of all panels, one after the other."""
    for j in range(0, O, lanes(h)):
        dropout.dropout(h, p, columns, key, 0, rows, j, 0, rows)


@contextmanager
def drop(h, p, columns, key):
    """The rows of a minibatch, from its first."""
    H, rows = _batch(h), batch_rows(len(h), h.dtype)
    yield lambda: drop_panels(H, float(p), int(columns), int(key), rows, h.shape[1])
    _from_batch(h, H)


@jit
def exp_vectors(y, x):
    """e^x of whole vectors."""
    for k in range(0, x.size, lanes(x)):
        store(y, k, 0, 0, functions.exp(load(x, k, 0, 0, zeros(x, 1, 1))))


@jit
def log_vectors(y, x):
    """ln x of whole vectors."""
    for k in range(0, x.size, lanes(x)):
        store(y, k, 0, 0, functions.log(load(x, k, 0, 0, zeros(x, 1, 1))))


@contextmanager
def _vectors(function, y, x):
    Y, X = np.full_like(_vector(y), np.nan), _vector(x)
    yield lambda: function(Y, X)
    y[...] = Y[: len(y)]


def exp(y, x):
    """y <- e^x

    y  out (n,)
    x  in  (n,)
    """
    return _vectors(exp_vectors, y, x)


def log(y, x):
    """y <- ln x

    y  out (n,)
    x  in  (n,)
    """
    return _vectors(log_vectors, y, x)
