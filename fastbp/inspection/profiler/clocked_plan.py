"""The fast plan with a clock: of each compiled call how long it takes, and of each kernel in it if asked for."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ...execution import helpers
from ...execution.fast_plan import FastPlan
from ...kernels.engine import code, compilation
from ...kernels.engine.clocks import run_task_clocked, run_task_clocked_flushing
from ...kernels.entries.records import Record
from ...kernels.machine import clock
from ...kernels.program.phases import Entries, Kernel, Program, numbered
from .clocks import Clocks
from .shares import Share, shares

FIRST_ROOM = 1 << 16  # runs of kernels of each worker, for a step of unknown length


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
    kernels : list of (Kernel, int)
        Those of the last call with clocks, each with its layer.
    shares : dict of (Kernel, int) to Share
        What each took, in ticks.
    records : ndarray of shape (runs, 4)
        Those of the last call with clocks: worker, number in `kernels`, start and end in seconds from the call's start.
    """

    clocks: bool
    steps_done: dict[bool, int]
    seconds: dict[bool, float]
    records: np.ndarray

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.clocks, self._runs, self._room = False, FIRST_ROOM, Clocks(1, 0)
        self.kernels: list[tuple[Kernel, int]] = []
        self.records = np.empty((0, 4))
        self.reset()

    def reset(self) -> None:
        """Forget all that was timed, but not how many kernels run in a step."""
        self.steps_done, self.seconds = {False: 0, True: 0}, {False: 0.0, True: 0.0}
        self.shares: dict[tuple[Kernel, int], Share] = {}
        self._ticks = 0

    @property
    def ticks_a_second(self) -> float:
        """How fast the clock ran."""
        return self._ticks / self.seconds[True]

    @property
    def descends(self) -> bool:
        """Whether the backward pass of the last call updated the parameters."""
        return bool(self.buffers.state["descends"])

    @property
    def entries(self) -> float | None:
        """Entries of a row of the last call on average, where the first layer works on them."""
        return self._intake.each

    def _assembled(self, made: tuple[Any, ...], rows: np.dtype | Entries) -> code.Assembled:
        return self._assemble(*self._program(made, rows))

    def _assemble(self, whole: Program, block: Program | None) -> code.Assembled:
        if not self.clocks:
            return super()._assemble(whole, block)
        if block:
            clocked = whole.forward[0]._replace(kernels=(Kernel("row_block_clocked"),))
            whole = whole._replace(forward=(clocked,))
        self.kernels = numbered(whole, block)
        clocked = run_task_clocked_flushing if self.network.precision else run_task_clocked
        runner, _ = compilation.task_runner(self.dtype, clocked)
        assembled = super()._assemble(whole, block)
        return assembled._replace(ranges=assembled.ranges | {"run_task": runner})

    def _start(self, work: str, state: Record, workers: int) -> None:
        rows = state["end"]
        steps = -(-rows // state["batch_size"])
        if self.clocks:
            self._wind(workers, self._runs * steps)
        begun, first = time.perf_counter(), clock.read_clock()
        helpers.launch(work, self.dtype, state, workers)
        last, ended = clock.read_clock(), time.perf_counter()
        self.steps_done[self.clocks] += steps
        self.seconds[self.clocks] += ended - begun
        if self.clocks:
            self._collect(first, last, ended - begun, steps)

    def _wind(self, workers: int, runs: int) -> None:
        """Make room for so many runs of kernels of each worker, and point the state to it."""
        if self._room.workers < workers or self._room.runs < runs:
            self._room = Clocks(workers, runs)
        self._room.clear()
        self.buffers.state["clocks"] = self._room.table

    def _collect(self, first: int, last: int, seconds: float, steps: int) -> None:
        records, runs = self._room.read()
        self._runs = -(-runs // steps)  # if one worker took all tasks of every step
        self._ticks += last - first
        for number, new in shares(records).items():
            key = self.kernels[number]
            self.shares[key] = self.shares.get(key, Share()).plus(new)
        self.records = records.astype(np.float64)
        self.records[:, 2:] = (records[:, 2:] - first) * (seconds / (last - first))
