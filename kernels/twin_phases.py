"""Phases of a step, which take a workspace, called with the plain arguments of their twins: see twins.py."""

from contextlib import contextmanager
from functools import partial

import numpy as np

from . import activation, update
from ._jit import jit
from .build import activation_pass, gather_phase, phase
from .gather import gather_tasks
from .pointer import call, pointer_to
from .simd import lanes
from .tile import ROWS
from .twins import _batch, _from_batch, _from_vector, _vector
from .workspace import (
    B_AT,
    BATCH,
    BATCH_ROWS,
    BLOCKS,
    CLIP_VALUE,
    SETTINGS,
    STEP,
    TOTALS,
    W_AT,
    WORDS,
    WORKERS,
    X_ADDRESS,
    X_AT,
    X_ROWS,
    Workspace,
    batch_rows,
    borrow,
    labels_dtype,
    layout,
    padded,
)  # fmt: skip


def _workspace(dtype, **given):
    """A workspace for one worker; all arrays not given are empty."""
    kinds = {
        **dict.fromkeys(("order", "y"), np.intp),
        "labels": labels_dtype(dtype),
        **dict.fromkeys(("shift", "scale", "settings", "rates", "dropout", "totals"), np.float64),
    }
    arrays = {name: np.empty(0, kinds.get(name, dtype)) for name in Workspace._fields}
    arrays |= {"layers": layout([1, 1], 1, dtype)[0], "now": np.zeros(2 * WORDS, np.intp)}
    ws = Workspace(**(arrays | given))
    ws.now[WORKERS] = ws.now[BLOCKS] = 1
    return ws


@jit
def _run(phase, ws, tasks):
    """Do the tasks of the phase at an address one after the other."""
    pointer = pointer_to(borrow(ws))
    for task in range(tasks):
        call(phase, pointer, 0, task, 0)


@contextmanager
def gather(x, X, order, shift, scale):
    """Into a network of x's dtype, from an X of any."""
    B, I = x.shape
    layers, _, size = layout([I, 1], batch_rows(B, x.dtype), x.dtype)
    A = np.zeros(size, x.dtype)
    A[: layers[1][X_AT]] = _batch(np.full_like(x, np.nan))
    shift, scale = shift.astype(np.float64), scale.astype(np.float64)
    ws = _workspace(
        x.dtype, layers=layers, A=A, order=order.astype(np.intp), shift=shift, scale=scale,
        w=np.empty(batch_rows(B, x.dtype), x.dtype),
    )  # fmt: skip
    ws.now[BATCH], ws.now[BATCH_ROWS] = B, batch_rows(B, x.dtype)
    ws.now[X_ADDRESS], ws.now[X_ROWS] = X.ctypes.data, len(X)
    yield partial(_run, gather_phase(X.dtype, x.dtype)[0], ws, gather_tasks(ws.now))
    _from_batch(x, A[: layers[1][X_AT]])


@contextmanager
def _update(name, W, states, dW, numbers, step=0):
    flat = {slot: _vector(vector) for slot, vector in zip(("P", "G", "m", "v"), (W, dW, *states), strict=False)}
    size = len(flat["P"])
    layers, settings = layout([1, 1], 1, W.dtype)[0], np.zeros(SETTINGS)
    layers[0, B_AT] = layers[1, W_AT] = size
    settings[: len(numbers)] = numbers
    settings[CLIP_VALUE] = np.inf
    sums = np.empty(update.sums_size(size, W.dtype), W.dtype)
    ws = _workspace(W.dtype, layers=layers, settings=settings, sums=sums, totals=np.ones(TOTALS), **flat)
    ws.now[STEP] = step
    yield partial(_run, phase(update.UPDATES[name], W.dtype)[0], ws, 1)
    for vector, slot in zip((W, *states), ("P", "m", "v"), strict=False):
        _from_vector(vector, flat[slot])


def sgd_update(W, dW, learning_rate):
    """Where dE/dW has been summed over blocks."""
    return _update("sgd", W, (), dW, (learning_rate,))


def momentum_update(W, m, dW, alpha, mu):
    """See descent.py, as for all of these."""
    return _update("momentum", W, (m,), dW, (alpha, mu))


def nesterov_update(W, m, dW, alpha, mu):
    """At the point ahead."""
    return _update("nesterov", W, (m,), dW, (alpha, mu))


def adam_update(W, m, v, dW, alpha, b1, b2, eps, step):
    """Bias-corrected."""
    return _update("adam", W, (m, v), dW, (alpha, b1, b2, eps), step)


# ---- passes over panels


@jit
def _over_panels(address, H, rows, last, columns):
    """A pass of activation.py over all panels, one after the other."""
    L = lanes(H)
    for j in range(0, columns, L):
        call(address, H, j * rows, j * rows + last * L, columns - j)


@contextmanager
def _pass(function, out, given):
    H, rows, last = _batch(given), batch_rows(len(given), given.dtype), padded(len(given), ROWS)
    yield partial(_over_panels, activation_pass(function, given.dtype)[0], H, rows, last, given.shape[1])
    _from_batch(out, H)


def logistic(h, t):
    """See beyond.py, as for all of these; over t itself."""
    return _pass(activation.ACTIVATIONS["logistic"], h, t)


def logistic_derivative(d, h):
    """Over h itself."""
    return _pass(activation.DERIVATIVES["logistic"], d, h)


def tanh(h, t):
    """Over t itself."""
    return _pass(activation.ACTIVATIONS["tanh"], h, t)


def tanh_derivative(d, h):
    """Over h itself."""
    return _pass(activation.DERIVATIVES["tanh"], d, h)
