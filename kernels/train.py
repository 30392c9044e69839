"""Many minibatches, or many blocks of rows to evaluate or predict, in one compiled call.

Each phase is compiled once for a dtype of the network, and the gather once for each dtype of X besides. They reach the
functions below as pointers, since Numba compiles a callee anew inside each of its callers otherwise.
"""

import functools

import numba
import numpy as np
from numba import prange, types

from . import update as updates
from ._jit import compiled_for, inline
from .atomic import atomic_add, atomic_publish
from .crew import FINISHED, await_tasks, finish_task, open_phase, take_task, wait
from .gather import gather_tasks, make_gather
from .simd import lanes
from .step import backward, backward_tasks, forward, forward_tasks
from .workspace import (
    ARRIVED,
    BAD_ROW,
    BATCH,
    BATCH_ROWS,
    BATCH_SIZE,
    DONE,
    FIRST,
    LAYER,
    MODE,
    OUT,
    PHASE,
    PREDICT,
    STEP,
    TASKS,
    UPDATE,
    WORDS,
    WORKERS,
    X_AT,
    Workspace,
    phase_type,
    workspace_type,
)  # fmt: skip

GATHER, FORWARD, BACKWARD, UPDATE_ALL = range(4)  # kinds of phases
UPDATES = {
    "momentum": updates.momentum_update,
    "nesterov": updates.nesterov_update,
    "adam": updates.adam_update,
}


@inline
def _do(gather, forward, backward, update, ws, kind, l, task, worker):
    if kind == GATHER:
        gather(ws, 0, task, worker)
    elif kind == FORWARD:
        forward(ws, l, task, worker)
    elif kind == BACKWARD:
        backward(ws, l, task, worker)
    else:
        update(ws, 0, task, worker)


@inline
def _lead(gather, forward, backward, update, ws, at, end):
    """Phase after phase of minibatch after minibatch; stops before one that has a row which is not finite."""
    now, table, e, right, totals = ws.now, ws.layers, ws.e, ws.right, ws.totals
    L, layers = lanes(e), table.shape[0] - 1
    phases = 2 * layers + (2 if now[MODE] == UPDATE else 1)
    now[FIRST], now[BATCH] = at, min(now[BATCH_SIZE], end - at)
    p = 0
    while now[BATCH] > 0 and not now[BAD_ROW]:
        if p == 0:
            kind, l, tasks = GATHER, 0, gather_tasks(now[BATCH])
        elif p <= layers:
            kind, l, tasks = FORWARD, p - 1, forward_tasks(table, now, p - 1, L)
        elif p <= 2 * layers:
            kind, l, tasks = BACKWARD, 2 * layers - p, backward_tasks(table, 2 * layers - p, L)
        else:
            kind, l, tasks = UPDATE_ALL, 0, updates.update_tasks(now)
        now[PHASE], now[LAYER] = kind, l
        open_phase(now, tasks)
        task = take_task(now)
        while task >= 0:
            _do(gather, forward, backward, update, ws, kind, l, task, 0)
            finish_task(now)
            task = take_task(now)
        await_tasks(now, tasks)
        p += 1
        if p == layers + 1:
            now[STEP] += 1
            for row in range(now[BATCH]):
                totals[0] += e[row]
                totals[1] += right[row]
        if p == phases:
            p = 0
            now[FIRST] += now[BATCH]
            now[BATCH] = min(now[BATCH_SIZE], end - now[FIRST])
    atomic_publish(now, TASKS, FINISHED)


def train(gather, forward, backward, update, ws, out, at, end):
    """One worker's part in the minibatches of ws.order[at:end]: the first to come leads, the others help.

    Adds the errors of the rows and how many were classified rightly to ws.totals.
    """
    now = ws.now
    worker = atomic_add(now, ARRIVED, 1)
    if worker == 0:
        _lead(gather, forward, backward, update, ws, at, end)
        return
    turns = 0
    while True:
        task = take_task(now)
        if task == FINISHED:
            return
        if task >= 0:
            _do(gather, forward, backward, update, ws, now[PHASE], now[LAYER], task, worker)
            finish_task(now)
            turns = 0
        else:
            turns = wait(turns)


@inline
def _own(ws, worker):
    """A worker's own copy of the state, and its share of the arrays: a workspace of one."""
    now = ws.now[(1 + worker) * WORDS : (2 + worker) * WORDS]
    for word in range(PHASE, WORDS):
        now[word] = ws.now[word]
    now[WORKERS] = 1
    rows, size = ws.now[BATCH_ROWS], ws.A.size // ws.now[WORKERS]
    A = ws.A[worker * size : (worker + 1) * size]
    e, right = ws.e[worker * rows : (worker + 1) * rows], ws.right[worker * rows : (worker + 1) * rows]
    labels = ws.labels[worker * rows : (worker + 1) * rows]
    return Workspace(
        ws.layers, now, ws.P, ws.G, ws.m, ws.v, A, ws.S, e, right, labels, ws.order, ws.y, ws.shift, ws.scale,
        ws.settings, ws.totals,
    )  # fmt: skip


def predict(gather, forward, backward, update, ws, out, at, end):
    """One worker's part in the rows ws.order[at:end], block after block through all layers while it is in cache.

    In mode PREDICT out is (rows, O), z of each row; in mode EVALUATE it is (rows, 2), error and 1 if right.
    """
    worker = atomic_add(ws.now, ARRIVED, 1)
    mine = _own(ws, worker)
    size, layers = mine.now[BATCH_SIZE], mine.layers.shape[0] - 1
    while not mine.now[BAD_ROW]:
        first = at + atomic_add(ws.now, DONE, 1) * size
        if first >= end:
            return
        mine.now[FIRST], mine.now[BATCH] = first, min(size, end - first)
        for task in range(gather_tasks(mine.now[BATCH])):
            gather(mine, 0, task, 0)
        for l in range(layers):
            for task in range(forward_tasks(mine.layers, mine.now, l, lanes(mine.A))):
                forward(mine, l, task, 0)
        if ws.now[MODE] == PREDICT:
            _copy_rows(mine, out, first)
        else:
            for row in range(mine.now[BATCH]):
                out[2 * (first + row)], out[2 * (first + row) + 1] = mine.e[row], mine.right[row]
    ws.now[BAD_ROW] = mine.now[BAD_ROW]


@inline
def _copy_rows(ws, out, first):
    L, last = lanes(ws.A), ws.layers.shape[0] - 1
    O, z, rows = ws.layers[last - 1, OUT], ws.layers[last, X_AT], ws.now[BATCH_ROWS]
    for row in range(ws.now[BATCH]):
        for j in range(0, O, L):
            for k in range(j, min(j + L, O)):
                out[(first + row) * O + k] = ws.A[z + j * rows + row * L + k - j]


def launch(work, gather, forward, backward, update, ws, out, at, end):
    """Start all workers; those that no thread is free for come when there is nothing left to do."""
    for _ in prange(ws.now[WORKERS]):
        work(gather, forward, backward, update, ws, out, at, end)


# ---- what is compiled, and when


@functools.cache
def phase(function, dtype):
    """Compile a phase for networks of this dtype."""
    return compiled_for(phase_type(numba.from_dtype(np.dtype(dtype))), function)


@functools.cache
def gather_phase(X_dtype, dtype):
    """Compile the gather of an X of one dtype into networks of another."""
    signature = phase_type(numba.from_dtype(np.dtype(dtype)))
    return compiled_for(signature, make_gather(numba.from_dtype(np.dtype(X_dtype))))


def _work_type(dtype):
    T = numba.from_dtype(np.dtype(dtype))
    pointer = types.FunctionType(phase_type(T))
    rest = (workspace_type(T), types.Array(T, 1, "C"), types.intp, types.intp)
    return types.void(pointer, pointer, pointer, pointer, *rest)


@functools.cache
def _work(function, dtype):
    return compiled_for(_work_type(dtype), function)


@functools.cache
def _launch(dtype):
    work = _work_type(dtype)
    return compiled_for(types.void(types.FunctionType(work), *work.args), launch, parallel=True)


def run(work, ws, X_dtype, optimizer, out, at, end):
    """Run `train` or `predict` over rows at:end of ws.order, on now[WORKERS] workers.

    Parameters
    ----------
    work : function
        `train` or `predict` of this module.
    ws : Workspace
    X_dtype : numpy.dtype
        Of the array whose address is in `now`.
    optimizer : str or None
        Whose update follows the backward phases in mode UPDATE.
    out : ndarray
        Of the network's dtype; see `predict`.
    at, end : int
    """
    dtype = ws.P.dtype
    ws.now[TASKS] = ws.now[ARRIVED] = ws.now[DONE] = 0
    pointers = (
        gather_phase(X_dtype, dtype),
        phase(forward, dtype),
        phase(backward if work is train else forward, dtype),
        phase(UPDATES.get(optimizer, forward), dtype),
    )
    if ws.now[WORKERS] == 1:
        _work(work, dtype)(*pointers, ws, out, at, end)
    else:
        _launch(dtype)(_work(work, dtype), *pointers, ws, out, at, end)
