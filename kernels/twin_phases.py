"""Phases of a step, which take a workspace, called with the plain arguments of their twins: see twins.py."""

from contextlib import contextmanager
from functools import partial

import numpy as np

from . import update
from ._jit import jit
from .gather import gather_tasks
from .pointer import call, pointer_to
from .train import gather_phase, phase
from .twins import _batch, _from_batch, _from_vector, _vector
from .workspace import (
    BATCH,
    BATCH_ROWS,
    BLOCKS,
    STEP,
    WORDS,
    WORKERS,
    X_ADDRESS,
    X_ROWS,
    Workspace,
    batch_rows,
    borrow,
    labels_dtype,
    layout,
)  # fmt: skip


def _workspace(dtype, **given):
    """A workspace for one worker; all arrays not given are empty."""
    kinds = {
        **dict.fromkeys(("order", "y"), np.intp),
        "labels": labels_dtype(dtype),
        **dict.fromkeys(("shift", "scale", "settings", "totals"), np.float64),
    }
    arrays = {name: np.empty(0, kinds.get(name, dtype)) for name in Workspace._fields}
    arrays |= {"layers": np.zeros((1, 5), np.intp), "now": np.zeros(2 * WORDS, np.intp)}
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
    A[: layers[1][-1]] = _batch(np.full_like(x, np.nan))
    shift, scale = shift.astype(np.float64), scale.astype(np.float64)
    ws = _workspace(x.dtype, layers=layers, A=A, order=order.astype(np.intp), shift=shift, scale=scale)
    ws.now[BATCH], ws.now[BATCH_ROWS] = B, batch_rows(B, x.dtype)
    ws.now[X_ADDRESS], ws.now[X_ROWS] = X.ctypes.data, len(X)
    yield partial(_run, gather_phase(X.dtype, x.dtype)[0], ws, gather_tasks(ws.now))
    _from_batch(x, A[: layers[1][-1]])


@contextmanager
def _update(function, W, states, dW, settings, step=0):
    flat = {name: _vector(vector) for name, vector in zip(("P", "G", "m", "v"), (W, dW, *states), strict=False)}
    ws = _workspace(W.dtype, settings=np.array(settings, np.float64), **flat)
    ws.now[STEP] = step
    yield partial(_run, phase(function, W.dtype)[0], ws, update.update_tasks(ws))
    for vector, name in zip((W, *states), ("P", "m", "v"), strict=False):
        _from_vector(vector, flat[name])


def sgd_update(W, dW, learning_rate):
    """Where dE/dW has been summed over blocks."""
    return _update(update.sgd_update, W, (), dW, (learning_rate,))


def momentum_update(W, m, dW, alpha, mu):
    """See descent.py, as for all of these."""
    return _update(update.momentum_update, W, (m,), dW, (alpha, mu))


def nesterov_update(W, m, dW, alpha, mu):
    """At the point ahead."""
    return _update(update.nesterov_update, W, (m,), dW, (alpha, mu))


def adam_update(W, m, v, dW, alpha, b1, b2, eps, step):
    """Bias-corrected."""
    return _update(update.adam_update, W, (m, v), dW, (alpha, b1, b2, eps), step)
