"""A few rows through all layers straight from the model's own parameters: nothing is packed, each weight is read once.

Here W is row-major, as the model has it: the sum over i runs down its rows, vectors of columns side by side in
registers, in the same order as in the tiles of linear.py, so both give the same bits.
"""

from ..compiler.jit import ZERO, inline
from ..fast.row_product import columns_of, is_finite, linear_row
from ..machine.atomic import atomic_add, atomic_publish
from ..machine.calls import call
from ..machine.tiles import lanes
from .team import FINISHED, await_tasks, finish_task, open_phase, take_task, wait


@inline
def _row_task(r, task):
    """One task's share of the present layer."""
    l, room, flat, sizes, h = r.layer, r.h.size // 3, r.flat, r.sizes, r.h
    at, x_at, I, O = l % 2 * room, (l + 1) % 2 * room, sizes[l], sizes[l + 1]
    tasks, rectify, activation = r.splits[l], r.rectifies[l], r.activations[l]
    if l == 0:
        linear_row(h, at, r.x, ZERO, flat, r.W, I, O, rectify, task, tasks, r.backwards)
    else:
        linear_row(h, at, h, x_at, flat, r.W, I, O, rectify, task, tasks, r.backwards)
    if activation:
        start, end = columns_of(O, lanes(h), task, tasks)
        call(activation, r, l, at, start, end)


@inline
def _finish_row(r):
    """z <- g(t) of the last layer."""
    last, h, z = r.n_layers - 1, r.h, r.z
    at, O = last % 2 * (h.size // 3), r.sizes[last + 1]
    call(r.output, r, last, at, ZERO, O)
    for j in range(O):
        z[j] = h[at + j]


def row_worker(r):
    """One worker's part in z, the network's outputs for one row: the first leads                   (eqs. 33, 42-45)"""
    worker, turns = atomic_add(r, "arrived", 1), 0
    if worker == 0:
        r.finite = is_finite(r.x)
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
            l, sizes = r.layer, r.sizes
            await_tasks(r, r.splits[l])
            if l == r.n_layers - 1:
                _finish_row(r)
                atomic_publish(r, "tasks", FINISHED)
                return
            r.W += (sizes[l] + r.vectors[l]) * sizes[l + 1]
            r.layer = l + 1
            open_phase(r, r.splits[l + 1])
