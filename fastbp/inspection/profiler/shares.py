"""Which part of a run's time is which kernel's, when several threads compute at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Share(NamedTuple):
    """What one kernel took.

    Parameters
    ----------
    calls : int
    time : float
        A moment in which kernels run on several threads is divided among these: so all times add up to the time in
        which any kernel ran.
    busy : float
        The time of all threads together.
    """

    calls: int = 0
    time: float = 0.0
    busy: float = 0.0

    def plus(self, other: Share) -> Share:
        """Return what both took together."""
        return Share(self.calls + other.calls, self.time + other.time, self.busy + other.busy)


def shares(records: np.ndarray) -> dict[int, Share]:
    """Return what each kernel took, by its number, of records (worker, number, start, end), in their unit of time."""
    numbers, start, end = records[:, 1:].T
    moments = np.concatenate([start, end])
    order = np.argsort(moments, kind="stable")
    running = np.cumsum(np.where(order < len(start), 1, -1))  # kernels, from each moment to the next
    passed = np.diff(moments[order], append=moments[order[-1:]]) * (running > 0) / np.maximum(running, 1)
    clock = np.empty(len(moments))  # that goes the slower, the more kernels run
    clock[order] = np.cumsum(passed) - passed
    calls = np.bincount(numbers)
    time = np.bincount(numbers, clock[len(start) :] - clock[: len(start)])
    busy = np.bincount(numbers, end - start)
    columns = (column.tolist() for column in (calls, time, busy))
    return {number: Share(*share) for number, share in enumerate(zip(*columns, strict=True)) if share[0]}
