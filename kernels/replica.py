"""Minibatches of a small network, of which each worker trains a copy: only gradients go from one core to another.

A minibatch is one phase, whose tasks are its blocks of rows (block.py). A worker that has taken a task first brings its
copy up to date: it sums dE/dW of all blocks of the minibatch before, in their order, and takes the optimizer's step, as
every other worker does, to the same bits. So workers wait once a minibatch, where shared parameters would have them
wait twice and fetch from each other's caches what both compute with. dE/dW alternate between two places: those of one
minibatch are read while those of the next are written.

A copy that is behind by more than a step, its worker having slept, is made anew from the leader's: that stays as it is
until the task taken is done.
"""

from ._jit import inline
from .atomic import atomic_add, atomic_publish, atomic_read
from .crew import FINISHED, await_tasks, finish_task, open_phase, take_task, wait
from .minibatch import add_errors, add_penalty, open_minibatch
from .pointer import call, pointer_to
from .workspace import (
    ARRIVED,
    BAD_ROW,
    BATCH_SIZE,
    BLOCK,
    BLOCKS,
    DIVERGED,
    G_FROM,
    MINIBATCH,
    STEP,
    TASKS,
    UPDATE_ALL,
    VERSION,
    borrow,
    replica,
)

NO_COPY = -2  # the version of what is none yet


@inline
def _open(mine, at, end, number):
    """The minibatch of this number, of those that begin at `at`; where its blocks' dE/dW go."""
    first = at + number * mine.now[BATCH_SIZE]
    open_minibatch(mine.now, mine.order, mine.weights, mine.rates, mine.settings, mine.totals, first, end)
    mine.now[G_FROM] = number % 2 * mine.now[BLOCKS] * mine.P.size


@inline
def _step(mine, there, worker):
    """The optimizer's step that ends the minibatch opened last, on this copy."""
    mine.now[STEP] += 1
    call(mine.now[UPDATE_ALL], there, 0, 0, worker)
    add_penalty(mine.now, mine.sums, mine.settings, mine.totals)


@inline
def _copy(to, at, values, first, size):
    for k in range(size):
        to[at + k] = values[first + k]


@inline
def _lead(ws, mine, at, end):
    """Minibatch after minibatch; stops before one that has a row which is not finite."""
    now, there, worker, number = mine.now, pointer_to(mine), 0, 0
    while at + number * now[BATCH_SIZE] < end and not now[BAD_ROW] and not now[DIVERGED]:
        atomic_publish(ws.now, MINIBATCH, number)
        open_phase(ws.now, now[BLOCKS])
        if number:
            _step(mine, there, worker)
        _open(mine, at, end, number)
        atomic_publish(ws.now, VERSION, number)
        task = take_task(ws.now, worker)
        while task >= 0:
            call(now[BLOCK], there, 0, task, worker)
            finish_task(ws.now)
            task = take_task(ws.now, worker)
        await_tasks(ws.now, now[BLOCKS])
        if not now[BAD_ROW]:
            add_errors(now, mine.e, mine.right, mine.totals)
        number += 1
    if now[DIVERGED]:
        now[STEP] += 1  # it counts, although its update is not made
    elif not now[BAD_ROW]:
        _step(mine, there, worker)
    atomic_publish(ws.now, TASKS, FINISHED)


@inline
def _help(ws, mine, worker, at, end):
    """Tasks of whatever minibatch is open."""
    now, there, version, turns, size = mine.now, pointer_to(mine), NO_COPY, 0, mine.P.size + mine.m.size + mine.v.size
    while True:
        task = take_task(ws.now, worker)
        if task == FINISHED:
            return
        if task < 0:
            turns = wait(turns)
            continue
        number, turns = atomic_read(ws.now, MINIBATCH), 0
        if version == number - 1:
            _step(mine, there, worker)
        elif version != number:
            while atomic_read(ws.now, VERSION) != number:
                turns = wait(turns)
            _copy(ws.R, worker * (size + mine.sums.size), ws.R, 0, size)
            now[STEP] = ws.now[STEP]
        if version != number:
            version = number
            _open(mine, at, end, number)
        call(now[BLOCK], there, 0, task, worker)
        if now[BAD_ROW]:
            ws.now[BAD_ROW] = now[BAD_ROW]
        finish_task(ws.now)


def train_replicas(ws, out, at, end):
    """One worker's part in the minibatches of ws.order[at:end], as `train` of train.py."""
    ws = borrow(ws)
    worker = atomic_add(ws.now, ARRIVED, 1)
    mine, p, m, v = replica(ws, worker), ws.P.size, ws.m.size, ws.v.size
    if worker:
        _help(ws, mine, worker, at, end)
        return
    _copy(ws.R, 0, ws.P, 0, p)
    _copy(ws.R, p, ws.m, 0, m)
    _copy(ws.R, p + m, ws.v, 0, v)
    _lead(ws, mine, at, end)
    _copy(ws.P, 0, ws.R, 0, p)
    _copy(ws.m, 0, ws.R, p, m)
    _copy(ws.v, 0, ws.R, p + m, v)
