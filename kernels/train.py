"""Many minibatches, or many blocks of rows to evaluate or predict, in one compiled call.

Each phase is compiled once for a dtype of the network, and the gather once for each dtype of X besides; `now` holds
their addresses (pointer.py).
"""

import functools

import numba
import numpy as np
from numba import prange, types

from . import update as updates
from ._jit import compiled_for, inline
from .atomic import atomic_add, atomic_publish
from .block import block, block_rows
from .crew import FINISHED, await_tasks, finish_task, open_phase, take_task, wait
from .gather import gather_tasks, make_gather
from .pointer import address_of, call, pointer_to
from .simd import lanes
from .step import backward, backward_tasks, forward, forward_tasks
from .workspace import (
    ARRIVED,
    BACKWARD,
    BAD_ROW,
    BATCH,
    BATCH_ROWS,
    BATCH_SIZE,
    BLOCK,
    BLOCKS,
    DONE,
    END,
    FIRST,
    FORWARD,
    GATHER,
    LAYER,
    MEAN,
    MODE,
    OUT,
    PHASE,
    PREDICT,
    STEP,
    TASKS,
    UPDATE,
    UPDATE_ALL,
    WORKERS,
    X_AT,
    borrow,
    own,
    phase_type,
    workspace_type,
)  # fmt: skip

UPDATES = {
    "sgd": updates.sgd_update,
    "momentum": updates.momentum_update,
    "nesterov": updates.nesterov_update,
    "adam": updates.adam_update,
}


@inline
def _add_errors(ws, block):
    first, last = block_rows(ws.now, block)
    error, count, at = 0.0, 0.0, block * ws.now[BATCH_ROWS]
    for row in range(at, at + last - first):
        error += ws.e[row]
        count += ws.right[row]
    ws.totals[0] += error
    ws.totals[1] += count


@inline
def _lead(ws, at, end):
    """Phase after phase of minibatch after minibatch; stops before one that has a row which is not finite."""
    now, table, there = ws.now, ws.layers, pointer_to(ws)
    L, layers = lanes(ws.e), table.shape[0] - 1
    phases = 2 if now[BLOCKS] > 1 else 2 * layers + (2 if now[MODE] == UPDATE else 1)
    now[FIRST], now[BATCH] = at, min(now[BATCH_SIZE], end - at)
    p = 0
    while now[BATCH] > 0 and not now[BAD_ROW]:
        now[MEAN] = now[BATCH]
        if p + 1 == phases and now[MODE] == UPDATE:
            phase, l, tasks = now[UPDATE_ALL], 0, updates.update_tasks(ws)
        elif now[BLOCKS] > 1:
            phase, l, tasks = now[BLOCK], 0, now[BLOCKS]
        elif p == 0:
            phase, l, tasks = now[GATHER], 0, gather_tasks(now)
        elif p <= layers:
            phase, l, tasks = now[FORWARD], p - 1, forward_tasks(table, now, p - 1, L)
        else:
            phase, l, tasks = now[BACKWARD], 2 * layers - p, backward_tasks(table, now, 2 * layers - p, L)
        if now[WORKERS] == 1:
            for task in range(tasks):
                call(phase, there, l, task, 0)
        else:
            now[PHASE], now[LAYER] = phase, l
            open_phase(now, tasks)
            task = take_task(now, 0)
            while task >= 0:
                call(phase, there, l, task, 0)
                finish_task(now)
                task = take_task(now, 0)
            await_tasks(now, tasks)
        p += 1
        if p == (1 if now[BLOCKS] > 1 else layers + 1):
            now[STEP] += 1
            for slot in range(now[BLOCKS]):
                _add_errors(ws, slot)
        if p == phases:
            p = 0
            now[FIRST] += now[BATCH]
            now[BATCH] = min(now[BATCH_SIZE], end - now[FIRST])
    atomic_publish(now, TASKS, FINISHED)


def train(ws, out, at, end):
    """One worker's part in the minibatches of ws.order[at:end]: the first to come leads, the others help.

    Adds the errors of the rows and how many were classified rightly to ws.totals.
    """
    ws = borrow(ws)
    now = ws.now
    worker = atomic_add(now, ARRIVED, 1)
    if worker == 0:
        _lead(ws, at, end)
        return
    turns, there = 0, pointer_to(ws)
    while True:
        task = take_task(now, worker)
        if task == FINISHED:
            return
        if task >= 0:
            call(now[PHASE], there, now[LAYER], task, worker)
            finish_task(now)
            turns = 0
        else:
            turns = wait(turns)


def predict(ws, out, at, end):
    """One worker's part in the rows ws.order[at:end], block after block through all layers while it is in cache.

    In mode PREDICT out is (rows, O), z of each row; in mode EVALUATE it is (rows, 2), error and 1 if right.
    """
    ws = borrow(ws)
    worker = atomic_add(ws.now, ARRIVED, 1)
    mine = own(ws, worker, worker)
    there = pointer_to(mine)
    size, layers = mine.now[BATCH_SIZE], mine.layers.shape[0] - 1
    while not mine.now[BAD_ROW]:
        first = at + atomic_add(ws.now, DONE, 1) * size
        if first >= end:
            return
        mine.now[FIRST] = first
        mine.now[BATCH] = mine.now[MEAN] = min(size, end - first)
        for task in range(gather_tasks(mine.now)):
            call(mine.now[GATHER], there, 0, task, 0)
        for l in range(layers):
            for task in range(forward_tasks(mine.layers, mine.now, l, lanes(mine.A))):
                call(mine.now[FORWARD], there, l, task, 0)
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


def launch(work, ws, out, at, end):
    """Start all workers; those that no thread is free for come when there is nothing left to do."""
    for _ in prange(ws.now[WORKERS]):
        call(work, ws, out, at, end)


# ---- what is compiled, and when


def _dtype(dtype):
    return numba.from_dtype(np.dtype(dtype))


def _work_type(dtype):
    return types.void(workspace_type(_dtype(dtype)), types.Array(_dtype(dtype), 1, "C"), types.intp, types.intp)


@functools.cache
def phase(function, dtype):
    """Compile a phase for networks of this dtype; return its address and what keeps it."""
    signature = phase_type(_dtype(dtype))
    compiled = compiled_for(signature, function)
    return address_of(compiled, signature), compiled


@functools.cache
def gather_phase(X_dtype, dtype):
    """Compile the gather of an X of one dtype into networks of another; as `phase`."""
    return phase(make_gather(_dtype(X_dtype)), dtype)


@functools.cache
def work(function, dtype):
    """Compile `train` or `predict` for networks of this dtype; as `phase`."""
    signature = _work_type(dtype)
    compiled = compiled_for(signature, function)
    return address_of(compiled, signature), compiled


@functools.cache
def launcher(dtype):
    """Compile `launch` for networks of this dtype."""
    return compiled_for(types.void(types.intp, *_work_type(dtype).args), launch, parallel=True)


def run(function, ws, X_dtype, optimizer, out, at, end):
    """Run `train` or `predict` over rows at:end of ws.order, on now[WORKERS] workers.

    Parameters
    ----------
    function
        `train` or `predict` of this module.
    ws : Workspace
    X_dtype : numpy.dtype
        Of the array whose address is in `now`.
    optimizer : str
        Whose update follows the backward phases in mode UPDATE.
    out : ndarray
        Of the network's dtype; see `predict`.
    at, end : int
    """
    now, dtype = ws.now, ws.P.dtype
    now[TASKS] = now[ARRIVED] = now[DONE] = 0
    now[END] = end
    now[GATHER], now[FORWARD] = gather_phase(X_dtype, dtype)[0], phase(forward, dtype)[0]
    if function is train:
        now[BACKWARD] = phase(backward, dtype)[0]
    if now[BLOCKS] > 1:
        now[BLOCK] = phase(block, dtype)[0]
    if now[MODE] == UPDATE:
        now[UPDATE_ALL] = phase(UPDATES[optimizer], dtype)[0]
    address, compiled = work(function, dtype)
    if now[WORKERS] == 1:
        compiled(ws, out, at, end)
    else:
        launcher(dtype)(address, ws, out, at, end)
