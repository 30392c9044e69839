"""Phases of a step, which take a workspace, called with the plain arguments of their twins: see twins.py."""

import functools
from contextlib import contextmanager

import numba
import numpy as np
from numba import types

from . import update
from ._jit import compiled_for
from .gather import gather_tasks
from .train import gather_phase, phase
from .twins import _batch, _from_batch, _from_vector, _vector
from .workspace import (
    BATCH,
    BATCH_ROWS,
    STEP,
    WORDS,
    WORKERS,
    X_ADDRESS,
    X_ROWS,
    Workspace,
    batch_rows,
    layout,
    phase_type,
    workspace_type,
)  # fmt: skip


def _workspace(dtype, **given):
    """A workspace for one worker; all arrays not given are empty."""
    kinds = dict.fromkeys(("labels", "order", "y"), np.intp)
    kinds |= dict.fromkeys(("shift", "scale", "settings", "totals"), np.float64)
    arrays = {name: np.empty(0, kinds.get(name, dtype)) for name in Workspace._fields}
    arrays |= {"layers": np.zeros((1, 5), np.intp), "now": np.zeros(2 * WORDS, np.intp)}
    ws = Workspace(**(arrays | given))
    ws.now[WORKERS] = 1
    return ws


def _all_tasks(phase, ws, tasks):
    for task in range(tasks):
        phase(ws, 0, task, 0)


@functools.cache
def _run(dtype):
    T = numba.from_dtype(dtype)
    pointer = types.FunctionType(phase_type(T))
    return compiled_for(types.void(pointer, workspace_type(T), types.intp), _all_tasks)


@contextmanager
def gather(x, X, order, shift, scale):
    """Into a network of x's dtype, from an X of any."""
    B, I = x.shape
    layers, _, size = layout([I, 1], batch_rows(B), x.dtype)
    A = np.zeros(size, x.dtype)
    A[: layers[1][-1]] = _batch(np.full_like(x, np.nan))
    shift, scale = shift.astype(np.float64), scale.astype(np.float64)
    ws = _workspace(x.dtype, layers=layers, A=A, order=order.astype(np.intp), shift=shift, scale=scale)
    ws.now[BATCH], ws.now[BATCH_ROWS] = B, batch_rows(B)
    ws.now[X_ADDRESS], ws.now[X_ROWS] = X.ctypes.data, len(X)
    run, work = _run(x.dtype), gather_phase(X.dtype, x.dtype)
    yield lambda: run(work, ws, gather_tasks(ws.now))
    _from_batch(x, A[: layers[1][-1]])


@contextmanager
def _update(function, W, states, dW, settings, step=0):
    dtype, names = W.dtype, ("P", "G", "m", "v")
    flat = {name: _vector(vector) for name, vector in zip(names, (W, dW, *states), strict=False)}
    ws = _workspace(dtype, settings=np.array(settings, np.float64), **flat)
    ws.now[STEP] = step
    run, work = _run(dtype), phase(function, dtype)
    yield lambda: run(work, ws, update.update_tasks(ws.now))
    for vector, name in zip((W, *states), ("P", "m", "v"), strict=False):
        _from_vector(vector, flat[name])


def momentum_update(W, m, dW, alpha, mu):
    """See descent.py, as for all of these."""
    return _update(update.momentum_update, W, (m,), dW, (alpha, mu))


def nesterov_update(W, m, dW, alpha, mu):
    """At the point ahead."""
    return _update(update.nesterov_update, W, (m,), dW, (alpha, mu))


def adam_update(W, m, v, dW, alpha, b1, b2, eps, step):
    """Bias-corrected."""
    return _update(update.adam_update, W, (m, v), dW, (alpha, b1, b2, eps), step)
