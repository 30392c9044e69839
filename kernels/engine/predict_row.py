"""A few rows through all layers straight from the model's own parameters: nothing is packed, each weight is read once.

Here W is row-major, as the model has it: the sum over i runs down its rows, vectors of columns side by side in
registers, in the same order as in the tiles of linear.py, so both give the same bits.
"""

from ..compiler.jit import ZERO, inline
from ..entries.records import Array, Layout
from ..fast.row_product import is_finite, linear_row
from ..fast.softmax import softmax_row
from ..machine.atomic import atomic_add, atomic_publish
from .team import FINISHED, await_tasks, finish_task, open_phase, take_task, wait

ROW = Layout("row", {
    "status": "i8",
    "tasks": "i8", "done": "i8", "arrived": "i8",  # see team.py
    "layer": "i8", "W": "i8",  # the present layer, and where its W begins
    "n_layers": "i8",
    "sizes": Array("i8"),  # inputs, hidden units, outputs
    "splits": Array("i8"),  # into how many tasks each layer is split
    "z": Array("T"), "x": Array("T"),
    "flat": Array("T"),  # the parameters, W and b of layer after layer, and a vector more
    "h": Array("T"),  # room for two layers' outputs, each with a vector more
    "backwards": "i8",  # whether columns are taken from the last on: every second row, as what was read last is cached
    "finite": "i8",  # whether x is; z is not written otherwise
}, alone=("tasks", "done", "arrived"))  # fmt: skip
ROOM = 16  # elements behind the parameters that the last vector may reach into


@inline
def _row_task(r, task):
    """One task's share of the present layer."""
    l, half, flat, sizes, h = r.layer, r.h.size // 2, r.flat, r.sizes, r.h
    at, x_at, I, O = l % 2 * half, (l + 1) % 2 * half, sizes[l], sizes[l + 1]
    tasks, rectify = r.splits[l], l < r.n_layers - 1
    if l == 0:
        linear_row(h, at, r.x, ZERO, flat, r.W, I, O, rectify, task, tasks, r.backwards)
    else:
        linear_row(h, at, h, x_at, flat, r.W, I, O, rectify, task, tasks, r.backwards)


@inline
def _finish_row(r):
    """z <- softmax of the last layer's outputs."""
    last, half, h, z = r.n_layers - 1, r.h.size // 2, r.h, r.z
    O = r.sizes[last + 1]
    softmax_row(h, last % 2 * half, O)
    for j in range(O):
        z[j] = h[last % 2 * half + j]


def row_worker(r):
    """One worker's part in z <- softmax of the network's outputs for one row: the first leads      (eqs. 33, 42-45)"""
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
            r.W += sizes[l] * sizes[l + 1] + sizes[l + 1]
            r.layer = l + 1
            open_phase(r, r.splits[l + 1])
