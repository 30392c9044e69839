"""Whether a short call is shared among threads: not while another process keeps the cores busy.

A launch ends when its last thread has ended, and a thread that waits for a core waits for milliseconds. Where a call
takes tens of microseconds, it is then sooner done by one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SHORT_FLOP = 2e8  # work of calls that are judged, some milliseconds; in longer ones a late thread matters little
LEAST_GFLOPS = 4  # of a call on free cores, by which is judged whether one was late
LATE = 3e-4  # seconds that a launch on free cores never takes
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 2.0  # seconds without shared calls, after the first late one and at most


class Sharing:
    """Tells whether the next short call is to be shared, from whether earlier ones were late.

    After a late call the next ones are not shared for a while, twice as long after each late call in a row.

    Parameters
    ----------
    clock : callable
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock, self._pause, self._until = clock, FIRST_PAUSE, float("-inf")

    def begin(self) -> float | None:
        """Return the time if a call is to be shared now, or None."""
        now = self.clock()
        return now if now >= self._until else None

    def end(self, began: float, flop: float) -> None:
        """Judge a shared call of so many floating-point operations."""
        now = self.clock()
        if now - began > LATE + flop / (LEAST_GFLOPS * 1e9):
            self._until = now + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._pause = FIRST_PAUSE
