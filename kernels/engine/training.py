"""Many minibatches, or many blocks of rows to evaluate or predict, in one compiled call."""

import math

from ..compiler.jit import ZERO, inline
from ..entries.typed import Fields
from ..machine.atomic import atomic_add, atomic_publish
from ..machine.calls import call
from ..machine.tiles import lanes
from ..program.state import NO_ROW
from ..tasks.splitting import count_tasks
from .minibatch import add_errors, add_penalty, count_step, limit_norm, open_minibatch, pick
from .run import run_alone
from .team import FINISHED, MOST, await_tasks, finish_task, open_phase, take_task, wait
from .worker_state import pass_on_bad_row, worker_state


def run_phase(s: Fields, number: int) -> None:
    """Do a phase with the team, up to MOST tasks at a time; its leader calls it."""
    tasks = count_tasks(s, s.phases[number])
    if s.workers == 1:
        for task in range(tasks):
            call(s.run_task, s, number, task, ZERO)
        return
    s.phase = number
    for first in range(0, tasks, MOST):
        s.first_task, some = first, min(MOST, tasks - first)
        open_phase(s, some)
        task = take_task(s, ZERO)
        while task >= 0:
            call(s.run_task, s, number, first + task, ZERO)
            finish_task(s)
            task = take_task(s, ZERO)
        await_tasks(s, some)


@inline
def _run(s, first, last):
    """Do phases first:last, until a row is not finite; return whether all are."""
    for number in range(first, last):
        call(s.run_phase, s, number)
        if s.bad_row != NO_ROW:
            return False
    return True


@inline
def _update(s):
    """Take the optimizer's step, after limiting the gradient's norm if asked."""
    number = s.end_phases - 1
    if s.clip_norm < math.inf:
        call(s.run_phase, s, number - 1)
        limit_norm(s)
    call(s.run_phase, s, number)
    add_penalty(s)


@inline
def _lead(s):
    """Do minibatch after minibatch, until a row or E is not finite."""
    at = s.begin
    while at < s.end:
        open_minibatch(s, at)
        if not _run(s, s.forward, s.backward):
            break
        count_step(s)
        if not add_errors(s):
            break
        for number in range(s.backward, s.end_backward):
            call(s.run_phase, s, number)
        if s.updates:
            _update(s)
        at = s.first + s.picked
    atomic_publish(s, "tasks", FINISHED)


def train(s: Fields) -> None:
    """Do one worker's part in the minibatches of rows begin:end. The first worker leads, the others help.

    Adds the errors of the rows, the number of right ones and the penalties to the sums in the state.
    """
    worker = atomic_add(s, "arrived", 1)
    if worker == 0:
        _lead(s)
        return
    turns = 0
    while True:
        task = take_task(s, worker)
        if task == FINISHED:
            return
        if task >= 0:
            call(s.run_task, s, s.phase, s.first_task + task, worker)
            finish_task(s)
            turns = 0
        else:
            turns = wait(turns)


@inline
def _copy_predictions(s, first):
    """Copy z of the present rows to `out`."""
    layer, out = s.layers[s.n_layers - 1], s.out
    O, L, z, rows = layer.outputs, lanes(out), s.activations, s.batch_rows
    for row in range(s.picked):
        for j in range(O):
            out[(first + row) * O + j] = z[layer.h + j // L * L * rows + row * L + j % L]


def predict(s: Fields) -> None:
    """One worker's part in the rows begin:end, block after block through all layers while it is in cache.

    `out` is z of each row (rows, O), or where `predicts` is not set (rows, 2), error and 1 if right.
    """
    worker = atomic_add(s, "arrived", 1)
    mine, out = worker_state(s, worker, worker), s.out
    while mine.bad_row == NO_ROW:
        first = s.begin + atomic_add(s, "done", 1) * mine.batch_size
        if first >= s.end:
            return
        pick(mine, first, min(mine.batch_size, s.end - first))
        run_alone(mine, s.forward, s.backward, worker)
        if s.predicts:
            _copy_predictions(mine, first)
        else:
            errors, correct = mine.errors, mine.correct_rows
            for row in range(mine.picked):
                out[2 * (first + row)], out[2 * (first + row) + 1] = errors[row], correct[row]
    pass_on_bad_row(s, mine)
