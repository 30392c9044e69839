"""What the workers' clocks write: room for it, and the records it becomes. See kernels/engine/clocks.py."""

from __future__ import annotations

import numpy as np

from ...kernels.entries.records import address
from ...kernels.program.state import CLOCK

_COLUMNS = "kernels", "starts", "ends"


class Clocks:
    """A clock for each worker.

    Parameters
    ----------
    workers : int
    runs : int
        Of kernels that each has room for; what is beyond is only counted.

    Attributes
    ----------
    table : ndarray of `CLOCK`
        What `STATE.clocks` points to.
    """

    table: np.ndarray
    workers: int
    runs: int

    def __init__(self, workers: int, runs: int) -> None:
        self.table, self.workers, self.runs = CLOCK.new(workers), workers, runs
        self._columns = np.zeros((workers, len(_COLUMNS), runs), np.int64)
        for clock, columns in zip(self.table, self._columns, strict=True):
            for name, column in zip(_COLUMNS, columns, strict=True):
                clock[name] = address(column), runs

    def clear(self) -> None:
        """Forget what was written."""
        self.table["runs"] = 0

    def read(self) -> tuple[np.ndarray, int]:
        """Return the runs of kernels as rows (worker, number, start, end), and how many there were: of some no row."""
        found = []
        for worker, (runs, columns) in enumerate(zip(self.table["runs"].tolist(), self._columns, strict=True)):
            written = columns[:, : min(runs, self.runs)]
            found.append(np.column_stack([np.full(written.shape[1], worker), *written]))
        return np.concatenate(found), int(self.table["runs"].sum())
