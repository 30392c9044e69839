"""One task of a phase: its kernels, one after the other, on the rows, columns or inputs that are the task's."""

from ..bfloat16.flushing import flush_denormals, put_back
from ..compiler.jit import ZERO, inline
from ..entries.typed import Function
from ..fast.panels import pad
from ..machine.calls import call
from ..machine.registers import HALF, VECTORS
from ..machine.tiles import lanes
from ..tasks.splitting import (
    BACKWARD,
    BLOCKS,
    COLUMNS,
    EMBEDDED,
    FORWARD,
    GATHER,
    GROUPS,
    INPUTS,
    ROWS_PHASE,
    backward_split,
    count_tasks,
    forward_split,
    gather_split,
    group_split,
    row_split,
)


@inline
def _backward_span(s, l, task):
    """Inputs first:last and columns start:end of a backward task, and how many inputs to take at a time.

    All kernels of the task run on these inputs while they are in cache, then on the next ones. The last task runs the
    closing kernel instead, which computes dE/db of all columns: the number of inputs at a time is then 0.
    """
    layer, L = s.layers[l], lanes(s.parameters)
    height, width, chunks, groups = backward_split(s, l)
    if task == chunks * groups:
        return ZERO, s.batch, ZERO, layer.columns, ZERO
    first, start = task % chunks * height, task // chunks * width
    last, end = min(first + height, layer.rows), min(start + width, layer.outputs)
    prefetches = l == 0 and s.workers == 1 and s.blocks == 1 and not s.sparse
    strip = (
        VECTORS * L if l or s.members > 1 else L if prefetches else last - first
    )  # one panel, so that fetching ahead is spread over all strips
    return first, last, start, end, strip


@inline
def _span(s, phase, task):
    """Rows or inputs first:last and columns start:end of a task, and how many of the former to take at a time."""
    kind, l = phase.kind, phase.layer
    if kind == BACKWARD:
        return _backward_span(s, l, task)
    if kind == FORWARD:
        width, _, chunk, chunks = forward_split(s, l)
        if phase.closing >= 0:  # of sparse rows: the first task, as it may take as long as several
            if task == 0:
                return ZERO, s.batch, ZERO, width, ZERO
            task -= 1
        first, start = task % chunks * chunk, task // chunks * width
        last, end = min(first + chunk, pad(s.batch, HALF)), min(start + width, s.layers[l].outputs)
    elif kind == GATHER:
        size = gather_split(s)
        first, last, start, end = task * size, min(s.picked, task * size + size), ZERO, ZERO
    elif kind == ROWS_PHASE:
        size = row_split(s)
        first, last = task * size, min((task + 1) * size, pad(s.batch, HALF))
        start, end = ZERO, s.layers[l].outputs
    elif kind == INPUTS:
        first, start, end = task * lanes(s.parameters), ZERO, s.layers[l].columns
        last = first + lanes(s.parameters)
    elif kind == GROUPS:
        size, start, end = group_split(s), ZERO, ZERO
        first, last = task * size, min((task + 1) * size, pad(s.batch, lanes(s.parameters)))
    elif kind == EMBEDDED:
        first, last, start, end = task, task + 1, ZERO, ZERO
    elif kind == COLUMNS:
        first, last, start = ZERO, s.batch, task * lanes(s.parameters)
        end = start + lanes(s.parameters)
    else:  # an update's share of the chunks
        first, last, start, end = task, task + 1, ZERO, ZERO
    return first, last, start, end, max(1, last - first)


@inline
def run_kernel(s, number, l, first, last, start, end, worker):
    """Call the kernel of this number."""
    call(s.kernels[number], s, l, first, last, start, end, worker)


def make_run_task(run_kernel: Function) -> Function:
    """Make the function that does one task of a phase. `run_kernel` calls a kernel; that of clocks.py reads a clock."""

    def run_task(s, number, task, worker):
        phase = s.phases[number]
        if phase.kind == BLOCKS:  # a block of rows, whose own kernels `run_kernel` calls
            call(s.kernels[phase.first], s, phase.layer, task, task + 1, ZERO, ZERO, worker)
            return
        first, last, start, end, strip = _span(s, phase, task)
        if strip == 0:  # the task of the closing kernel
            run_kernel(s, phase.closing, phase.layer, first, last, start, end, worker)
            return
        for i in range(first, last, strip):
            for kernel in range(phase.first, phase.last):
                run_kernel(s, kernel, phase.layer, i, min(i + strip, last), start, end, worker)

    return run_task


run_task: Function = make_run_task(run_kernel)


def make_flushing(run_task: Function) -> Function:
    """Make the same where denormals are taken as zero, as bfloat16's products do wherever they are computed."""
    do_task = inline(run_task)

    def run_task_flushing(s, number, task, worker):
        before = flush_denormals()
        do_task(s, number, task, worker)
        put_back(before)

    return run_task_flushing


run_task_flushing: Function = make_flushing(run_task)


@inline
def run_alone(s, first, last, worker):
    """Do all tasks of phases first:last of the program: one worker alone, on a state of its own."""
    for number in range(first, last):
        for task in range(count_tasks(s, s.phases[number])):
            call(s.run_task, s, number, task, worker)
