"""A few rows through all layers straight from the user's own arrays: nothing is packed, each weight is read once.

Here W is row-major, as the user has it: the sum over i runs down its rows, vectors of columns side by side in
registers, in the same order as in the tiles of linear.py, so both give the same bits.
"""

from ..compiler.jit import ZERO, inline
from ..entries.typed import Fields
from ..fast.row_product import columns_of, is_finite, linear_row
from ..machine.atomic import atomic_add, atomic_publish
from ..machine.calls import call
from ..machine.memory import part
from ..machine.tiles import lanes
from ..tasks.single_row import layer_vector
from .team import FINISHED, await_tasks, finish_task, open_phase, take_task, wait


@inline
def _row_task(r, task):
    """One task's share of the present layer."""
    l, room, sizes, h = r.layer, r.h.size // 3, r.sizes, r.h
    at, x_at, I, O = l % 2 * room, (l + 1) % 2 * room, sizes[l], sizes[l + 1]
    tasks, rectify, activation = r.splits[l], r.rectifies[l], r.activations[l]
    L, rest = lanes(h), r.tail_rows[l]
    W, b = layer_vector(r, l, r.weights, I * O + (0 if rest else L)), layer_vector(r, l, r.biases, O + L)
    tail = layer_vector(r, l, r.tails, rest * O + L)
    if l == 0:
        linear_row(h, at, r.x, r.row * I, W, b, tail, rest, I, O, rectify, task, tasks, r.backwards)
    else:
        linear_row(h, at, h, x_at, W, b, tail, rest, I, O, rectify, task, tasks, r.backwards)
    if activation:
        start, end = columns_of(O, L, task, tasks)
        call(activation, r, l, at, start, end)


@inline
def _finish_row(r):
    """z <- g(t) of the last layer."""
    last, h, z = r.n_layers - 1, r.h, r.z
    at, O = last % 2 * (h.size // 3), r.sizes[last + 1]
    call(r.output, r, last, at, ZERO, O)
    for j in range(O):
        z[r.row * O + j] = h[at + j]


def row_worker(r: Fields) -> None:
    """One worker's part in z, the network's outputs, row after row: the first leads                (eqs. 33, 42-45)"""
    worker, turns = atomic_add(r, "arrived", 1), 0
    if worker == 0:
        r.finite = is_finite(part(r.x, ZERO, r.rows * r.sizes[ZERO]))
        if not r.finite:
            atomic_publish(r, "tasks", FINISHED)
            return
        open_phase(r, r.splits[ZERO])
    while True:
        task = take_task(r, worker)
        if task >= 0:
            _row_task(r, task)
            finish_task(r)
        elif task == FINISHED:
            return
        elif worker > 0:
            turns = wait(turns)
        else:
            l = r.layer
            await_tasks(r, r.splits[l])
            if l < r.n_layers - 1:
                r.layer = l + 1
            else:
                _finish_row(r)
                if r.row == r.rows - 1:
                    r.finite = is_finite(part(r.z, ZERO, r.rows * r.sizes[r.n_layers]))
                    atomic_publish(r, "tasks", FINISHED)
                    return
                r.row, r.layer, r.backwards = r.row + 1, 0, 1 - r.backwards
            open_phase(r, r.splits[r.layer])
