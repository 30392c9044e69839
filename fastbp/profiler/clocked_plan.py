"""The fast plan with a clock: of each compiled call how long it takes, and of each kernel in it if asked for."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..kernels import build, clock, clocked, workspace
from ..plan_fast import FastPlan
from .shares import Share, shares

FIRST_ROOM = 1 << 18  # words of each worker, for a step of unknown length


class ClockedPlan(FastPlan):
    """Steps like any other's, timed.

    Attributes
    ----------
    clocks : bool
        Whether there is a clock around each kernel.
    steps_done : dict of bool to int
        Steps with clocks and without.
    seconds : dict of bool to float
        Of these, in compiled code.
    shares : dict of (int, int) to Share
        What each kernel and layer took, in ticks.
    records : ndarray
        Those of the last call with clocks, their times in seconds from its start.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.clocks, self.descends, self._words = False, False, FIRST_ROOM
        self.records, self._areas = np.empty((0, 5)), clocked.areas(1, 0)
        self.reset()

    def reset(self) -> None:
        """Forget all that was timed, but not how many words a step writes."""
        self.steps_done, self.seconds = {False: 0, True: 0}, {False: 0.0, True: 0.0}
        self.shares: dict[tuple[int, int], Share] = {}
        self._ticks = 0

    @property
    def ticks_a_second(self) -> float:
        """How fast the clock ran."""
        return self._ticks / self.seconds[True]

    def _run(self, *arguments: Any) -> None:
        work, ws, X_dtype, loss, optimizer, out, at, end = arguments
        now = ws.now
        build.prepare(work, ws, X_dtype, loss, optimizer, end)
        steps = -(-(end - at) // int(now[workspace.BATCH_SIZE]))
        if self.clocks:
            shape = int(now[workspace.WORKERS]), clocked.BEGIN + self._words * steps
            if self._areas.shape[0] != shape[0] or self._areas.shape[1] < shape[1]:
                self._areas = clocked.areas(shape[0], self._words * steps)
            before = clocked.set_clocks(now, self._areas, self.dtype)
        self.descends = bool(now[workspace.MODE] == workspace.DESCEND)
        begun, first = time.perf_counter(), clock.read_clock()
        build.start(work, ws, out, at, end)
        last, ended = clock.read_clock(), time.perf_counter()
        self.steps_done[self.clocks] += steps
        self.seconds[self.clocks] += ended - begun
        if self.clocks:
            clocked.remove_clocks(now, before)
            self._collect(first, last, ended - begun, steps)

    def _collect(self, first: int, last: int, seconds: float, steps: int) -> None:
        records, words = clocked.read(self._areas)
        self._words = -(-words // steps)  # if one worker took all tasks of every step
        self._ticks += last - first
        for key, new in shares(records).items():
            self.shares[key] = self.shares.get(key, Share()).plus(new)
        self.records = records.astype(np.float64)
        self.records[:, 3:] = (records[:, 3:] - first) * (seconds / (last - first))
