"""Minibatches of a small network, of which each worker trains a replica: only gradients go from one core to another.

A minibatch is one phase, whose tasks are its blocks of rows (row_blocks.py). A worker that has taken a task first
brings its replica up to date: it sums dE/dW of all blocks of the minibatch before, in their order, and takes the
optimizer's step, as every other worker does, to the same bits. So workers wait once a minibatch. With shared parameters
they would wait twice, and fetch from each other's caches what both compute with. dE/dW alternate between two places:
those of one minibatch are read while those of the next are written.

A replica more than one step stale, because its worker slept, is copied from the leader's replica, which does not change
before the task taken is done.
"""

from ..compiler.jit import ZERO, inline
from ..entries.typed import Fields
from ..machine.atomic import atomic_add, atomic_publish, atomic_read
from ..machine.calls import call
from ..machine.memory import part
from ..machine.records import copy_bytes, copy_record, records_from
from ..program.state import NO_ROW
from .minibatch import add_errors, add_penalty, count_step, open_minibatch
from .team import FINISHED, await_tasks, finish_task, open_phase, take_task, wait
from .worker_state import pass_on_bad_row

NO_COPY = -2  # the version of a replica before its first copy


@inline
def _replica(s, worker):
    """Return the state of a worker that trains a replica of the network, with numbers of its own."""
    mine, p, m, v, n = s.own[worker], s.parameters.size, s.m.size, s.v.size, s.sums.size
    at = worker * (p + m + v + n)
    copy_record(mine, s)
    mine.workers, mine.own, mine.bad_row = 1, records_from(s.own, s.team), NO_ROW
    mine.parameters, mine.m = part(s.replicas, at, p), part(s.replicas, at + p, m)
    mine.v, mine.sums = part(s.replicas, at + p + m, v), part(s.replicas, at + p + m + v, n)
    mine.rule = s.rule + (1 + worker) * s.rule_bytes
    copy_bytes(mine.rule, s.rule, s.rule_bytes)
    return mine


@inline
def _open(mine, number):
    """Begin the minibatch of this number, and say where dE/dW of its blocks go."""
    open_minibatch(mine, mine.begin + number * mine.batch_size)
    mine.gradient_at = number % 2 * mine.blocks * mine.parameters.size


@inline
def _step(mine, worker):
    """Take the optimizer's step that ends the last minibatch, on this replica."""
    count_step(mine)
    call(mine.run_task, mine, mine.end_phases - 1, 0, worker)
    add_penalty(mine)


@inline
def _copy(to, source):
    for k in range(source.size):
        to[k] = source[k]


@inline
def _copy_network(to, source):
    """Copy parameters and the optimizer's state."""
    _copy(to.parameters, source.parameters)
    _copy(to.m, source.m)
    _copy(to.v, source.v)


@inline
def _lead(s, mine):
    """Do minibatch after minibatch, until a row or E is not finite."""
    number = ZERO
    while mine.begin + number * mine.batch_size < mine.end and s.bad_row == NO_ROW and not mine.diverged:
        atomic_publish(s, "minibatch", number)
        open_phase(s, mine.blocks)
        if number:
            _step(mine, ZERO)
        _open(mine, number)
        atomic_publish(s, "version", number)
        task = take_task(s, ZERO)
        while task >= 0:
            call(mine.run_task, mine, mine.forward, task, ZERO)
            finish_task(s)
            task = take_task(s, ZERO)
        await_tasks(s, mine.blocks)
        pass_on_bad_row(s, mine)
        if s.bad_row == NO_ROW:
            add_errors(mine)
        number += 1
    if mine.diverged:
        count_step(mine)  # it counts, although its update is not made
    elif s.bad_row == NO_ROW:
        _step(mine, ZERO)
    atomic_publish(s, "tasks", FINISHED)


@inline
def _help(s, mine, worker):
    """Take tasks of the open minibatch, until there are no more minibatches."""
    version, turns = NO_COPY, 0
    while True:
        task = take_task(s, worker)
        if task == FINISHED:
            return
        if task < 0:
            turns = wait(turns)
            continue
        number, turns = atomic_read(s, "minibatch"), 0
        if version == number - 1:
            _step(mine, worker)
        elif version != number:
            while atomic_read(s, "version") != number:
                turns = wait(turns)
            leader = s.own[ZERO]
            _copy_network(mine, leader)
            copy_bytes(mine.rule, leader.rule, s.rule_bytes)
            mine.step = leader.step
        if version != number:
            version = number
            _open(mine, number)
        call(mine.run_task, mine, mine.forward, task, worker)
        pass_on_bad_row(s, mine)
        finish_task(s)


def train_replicas(s: Fields) -> None:
    """Do one worker's part in the minibatches of rows begin:end, as `train` of training.py."""
    worker = atomic_add(s, "arrived", 1)
    if worker and atomic_read(s, "tasks") == FINISHED:
        return  # too late: the leader may be writing what a copy would read
    mine = _replica(s, worker)
    if worker:
        _help(s, mine, worker)
        return
    _copy_network(mine, s)
    _lead(s, mine)
    _copy_network(s, mine)
    copy_bytes(s.rule, mine.rule, s.rule_bytes)
    s.step, s.diverged = mine.step, mine.diverged
    s.error, s.correct, s.penalty = mine.error, mine.correct, mine.penalty
    s.weighted_error, s.weight = mine.weighted_error, mine.weight
