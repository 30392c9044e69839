"""Threads that help with compiled calls: they spin for a while after each, then sleep until they are called again.

The caller of `launch` never waits for a helper that has not begun: what is posted to one that sleeps, or for which the
system has no core, is taken back when the call's work is done. Each stage of a helper is a number in its record:

    RESTING -> POSTED -> AT_WORK -> RESTING     posted by `launch`, or taken back by it: POSTED -> RESTING
    RESTING -> ASLEEP -> POSTED                 it waits for a lock that `launch` releases

Each that says ASLEEP acquires the lock once, and who ends that stage releases it once. The lock is one of Python's, for
whose functions no thread needs the interpreter: it has no descriptor, which a program may close and open as a file.
"""

from ..compiler.jit import inline
from ..entries.typed import Fields, Function
from ..machine.atomic import atomic_publish, atomic_read, atomic_swap_if, spin_pause
from ..machine.calls import call, call_system
from ..machine.records import record_at
from ..program.entry_records import HELPER
from .team import wait

RESTING, POSTED, AT_WORK, ASLEEP, DISMISSED = range(5)
helper_at: Function = record_at(HELPER)


@inline
def _rest(h):
    """Spin until there is something to do; after `patience` pauses say that sleep comes next, and sleep."""
    turns = 0
    while atomic_read(h, "stage") == RESTING:
        if turns < h.patience:
            spin_pause()
            turns += 1
        elif atomic_swap_if(h, "stage", RESTING, ASLEEP):
            call_system(h.acquire, h.lock, 1)
            return


def help_out(h: Fields) -> None:
    """Do what is posted, time after time, until dismissed: an entry point that a thread of its own calls once."""
    while atomic_read(h, "stage") != DISMISSED:
        _rest(h)
        if atomic_swap_if(h, "stage", POSTED, AT_WORK):
            call(h.work, h.record)
            atomic_publish(h, "stage", RESTING)


@inline
def _post(h, work, record):
    """Give a helper this work, and wake it if it sleeps. One that is dismissed is left alone."""
    h.work, h.record = work, record
    if atomic_swap_if(h, "stage", RESTING, POSTED):
        return
    if atomic_swap_if(h, "stage", ASLEEP, POSTED):
        call_system(h.release, h.lock)


@inline
def _release(h):
    """Take back what a helper has not begun, or wait until it has done it."""
    if atomic_swap_if(h, "stage", POSTED, RESTING):
        return
    turns = 0
    while atomic_read(h, "stage") == AT_WORK:
        turns = wait(turns)


def launch(r: Fields) -> None:
    """Run an entry point on its record here and, at the same time, once on each helper: an entry point."""
    helpers = r.helpers
    for k in range(r.n_helpers):
        _post(helper_at(helpers[k], r), r.work, r.record)
    call(r.work, r.record)
    for k in range(r.n_helpers):
        _release(helper_at(helpers[k], r))


def dismiss(h: Fields) -> None:
    """Let a helper's thread end: an entry point. It must have no work."""
    if atomic_swap_if(h, "stage", RESTING, DISMISSED):
        return
    if atomic_swap_if(h, "stage", ASLEEP, DISMISSED):
        call_system(h.release, h.lock)
