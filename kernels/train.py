"""Many minibatches, or many blocks of rows to evaluate or predict, in one compiled call.

The phases are called by their addresses, which `now` holds (build.py).
"""

import math

from numba import prange

from ._jit import ZERO, inline
from .atomic import atomic_add, atomic_publish
from .crew import FINISHED, await_tasks, finish_task, open_phase, take_task, wait
from .gather import gather_tasks
from .minibatch import add_errors, add_penalty, limit_norm, open_minibatch
from .pointer import call, pointer_to
from .simd import lanes
from .step import backward_tasks, forward_tasks, row_tasks
from .update import update_tasks
from .workspace import (
    ARRIVED,
    BACKWARD,
    BAD_ROW,
    BATCH,
    BATCH_ROWS,
    BATCH_SIZE,
    BLOCK,
    BLOCKS,
    CLIP_NORM,
    DIVERGED,
    DONE,
    FIRST,
    FORWARD,
    G_AT,
    GATHER,
    LAYER,
    MODE,
    NORM,
    NORMALIZE,
    NORMALIZE_BACKWARD,
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
)  # fmt: skip


@inline
def _taken(p, layers):
    """The layer whose h, on the way forth, or whose dE/dt, on the way back, phase p takes."""
    return p - 2 if p <= layers else 2 * layers - p


@inline
def _lead(ws, at, end):
    """Phase after phase of minibatch after minibatch; stops before one that has a row which is not finite."""
    now, table, there = ws.now, ws.layers, pointer_to(ws)
    L, layers = lanes(ws.e), table.shape[0] - 1
    phases = 1 if now[BLOCKS] > 1 else 2 * layers + 1
    limited = now[MODE] == UPDATE and ws.settings[CLIP_NORM] < math.inf
    open_minibatch(now, ws.order, ws.weights, ws.rates, ws.settings, ws.totals, at, end)
    p, normalizes, normalized = 0, now[NORMALIZE] != 0, False  # the phase; whether what it takes has been normalized
    while now[BATCH] > 0 and not now[BAD_ROW] and not now[DIVERGED]:
        if p >= phases:
            phase, l, tasks = now[NORM] if limited and p == phases else now[UPDATE_ALL], 0, update_tasks(now, ws.P.size)
        elif now[BLOCKS] > 1:
            phase, l, tasks = now[BLOCK], 0, now[BLOCKS]
        elif p == 0:
            phase, l, tasks = now[GATHER], 0, gather_tasks(now)
        elif normalizes and p > 1 and not normalized and table[_taken(p, layers), G_AT]:
            phase = now[NORMALIZE] if p <= layers else now[NORMALIZE_BACKWARD]
            l, tasks = _taken(p, layers), row_tasks(now)
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
            task = take_task(now, ZERO)
            while task >= 0:
                call(phase, there, l, task, 0)
                finish_task(now)
                task = take_task(now, ZERO)
            await_tasks(now, tasks)
        normalized = normalizes and (phase == now[NORMALIZE] or phase == now[NORMALIZE_BACKWARD])
        if normalized:
            continue
        p += 1
        if p == (1 if now[BLOCKS] > 1 else layers + 1):
            now[STEP] += 1
            add_errors(now, ws.e, ws.right, ws.totals)
        if p == phases + 1 and limited:
            limit_norm(now, ws.sums, ws.settings, ws.totals)
        if p == phases + (now[MODE] == UPDATE) + limited:
            if now[MODE] == UPDATE:
                add_penalty(now, ws.sums, ws.settings, ws.totals)
            p = 0
            at = now[FIRST] + now[BATCH]
            open_minibatch(now, ws.order, ws.weights, ws.rates, ws.settings, ws.totals, at, end)
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
        mine.now[FIRST], mine.now[BATCH] = first, min(size, end - first)
        for task in range(gather_tasks(mine.now)):
            call(mine.now[GATHER], there, 0, task, 0)
        for l in range(layers):
            for task in range(forward_tasks(mine.layers, mine.now, l, lanes(mine.A))):
                call(mine.now[FORWARD], there, l, task, 0)
            if mine.layers[l, G_AT]:
                call(mine.now[NORMALIZE], there, l, 0, 0)
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
