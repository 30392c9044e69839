"""A team of workers for one compiled call: phases of tasks, without a launch for each phase.

All workers start once for many minibatches: the caller, and threads to which `helpers.launch` posts the call. The first
to arrive leads: it opens phases one after the other and works at them too; the others help. `tasks` holds the number of
the phase and the tasks that are left of it, from `low` to below `high`; a worker takes a task by compare-and-swap, so
one that slept never mistakes an old phase for the present one. The leader waits only for tasks that others have begun:
a helper that the system has put to sleep, or never started, holds up nothing, and any number of workers on any number
of threads comes to an end.

Even workers take the highest task left and odd ones the lowest, so from phase to phase each meets columns that its own
cache has.

A task must not raise: no other worker would learn of it. Under ``NUMBA_BOUNDSCHECK=1`` there is one worker.
"""

from ..compiler.jit import inline
from ..machine.atomic import atomic_add, atomic_publish, atomic_read, atomic_swap_if, spin_pause, yield_core

PATIENCE = 4000  # pauses before a waiting worker offers its core to others
FINISHED, NO_TASK = -1, -2
BITS = 20  # of `tasks` for each of phase, high and low
MOST = (1 << BITS) - 1


@inline
def take_task(s, worker):
    """Number of a task now this worker's own; NO_TASK if none is open, FINISHED if no more will be."""
    while True:
        word = atomic_read(s, "tasks")
        if word == FINISHED:
            return FINISHED
        low, high = word & MOST, word >> BITS & MOST
        if low == high:
            return NO_TASK
        if worker % 2 == 0:
            if atomic_swap_if(s, "tasks", word, word - (1 << BITS)):
                return high - 1
        elif atomic_swap_if(s, "tasks", word, word + 1):
            return low


@inline
def finish_task(s):
    """Count a task as done."""
    atomic_add(s, "done", 1)


@inline
def open_phase(s, tasks):
    """Open up to MOST tasks of a phase. All other fields that the tasks read must be written before."""
    phase = (s.tasks >> 2 * BITS) + 1 & MOST
    atomic_publish(s, "done", 0)
    atomic_publish(s, "tasks", phase << 2 * BITS | tasks << BITS)


@inline
def wait(turns):
    """One turn of waiting; returns the number of turns so far."""
    if turns < PATIENCE:
        spin_pause()
    else:
        yield_core()
    return turns + 1


@inline
def await_tasks(s, tasks):
    """Wait until so many tasks are done."""
    turns = 0
    while atomic_read(s, "done") < tasks:
        turns = wait(turns)
