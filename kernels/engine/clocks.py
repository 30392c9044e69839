"""Kernels with a clock around each, for the profiler: `run_task` made once more, with two readings around a call.

Training calls `run_task` by its address in the state. With the address of `run_task_clocked` in its place every kernel
of a program is clocked, and training and the kernels are the same compiled code as without clocks. Each worker writes
into a `CLOCK` of its own which kernel ran, by its number in `STATE.kernels`, when it began and when it ended.

A block of rows is not clocked as a whole, but each of its kernels is. What it does itself is to prefetch: that is
written down under its own number.
"""

from ..compiler.jit import inline
from ..entries.typed import Function
from ..machine.calls import call
from ..machine.clock import ticks
from ..tasks.row_kernels import prefetch_share
from .row_blocks import make_row_block
from .run import make_flushing, make_run_task


@inline
def _write(clock, number, began):
    """Write down that the kernel of this number ran until now; what finds no room is only counted."""
    ended, run, kernels, starts, ends = ticks(), clock.runs, clock.kernels, clock.starts, clock.ends
    clock.runs = run + 1
    if run < kernels.size:
        kernels[run], starts[run], ends[run] = number, began, ended


@inline
def run_kernel_clocked(s, number, l, first, last, start, end, worker):
    """Call the kernel of this number between two readings of the clock."""
    began = ticks()
    call(s.kernels[number], s, l, first, last, start, end, worker)
    _write(s.clocks[worker], number, began)


@inline
def prefetch_clocked(s, share, shares, worker):
    """Prefetch between two readings of the clock."""
    began = ticks()
    prefetch_share(s, share, shares)
    _write(s.clocks[worker], s.phases[s.forward].first, began)


run_task_clocked: Function = make_run_task(run_kernel_clocked)
row_block_clocked: Function = make_row_block(prefetch_clocked)
for _function in (run_task_clocked, row_block_clocked):
    _function.__name__ = _function.__qualname__ = f"{_function.__name__}_clocked"
run_task_clocked_flushing: Function = make_flushing(run_task_clocked)
run_task_clocked_flushing.__name__ = run_task_clocked_flushing.__qualname__ = "run_task_clocked_flushing"
