"""Predictions of a few rows from the model's own parameters, without packing them: each weight is read once."""

from __future__ import annotations

import numpy as np

from ..data.samples import Samples
from ..kernels.engine import compilation
from ..kernels.engine.predict_row import ROOM, ROW, row_worker
from ..kernels.entries.records import Record, aligned
from ..network import Network
from . import threads

FEW_ROWS = 4  # of which each reads the parameters where they are, rather than packing them
ROW_WEIGHTS = 100_000  # of a layer, from which one row of it is split among threads
_CLEARED = dict.fromkeys(("tasks", "done", "arrived", "layer", "W"), 0)


class _Room:
    """The memory that one row needs, kept for the next: a record, its words, and the outputs of two layers."""

    def __init__(self, sizes: np.ndarray, dtype: np.dtype) -> None:
        self.record, self.h = Record(ROW), aligned(2 * (int(sizes.max()) + ROOM), dtype)
        self.backwards = False
        self.record.fill({"h": self.h, "sizes": sizes, "n_layers": len(sizes) - 1})


class RowPredictor:
    """Predicts up to `FEW_ROWS` rows of a network of ReLU layers and softmax. Several threads may use it at once."""

    def __init__(self, network: Network, dtype: np.dtype, n_threads: int | None) -> None:
        self.dtype, self.n_threads = dtype, n_threads
        self.sizes, shapes = np.array(network.layer_sizes), np.array(network.shapes)
        self._alone = np.ones(len(shapes), np.int64)
        self._shared = np.where(shapes.prod(axis=1) > ROW_WEIGHTS, threads.count(n_threads), 1).astype(np.int64)
        self._shares = bool((self._shared > 1).any())
        names = [activation.name for activation in network.activations]
        self._can = network.of_classes and set(names[:-1]) <= {"relu"} and not any(network.layer_norms)
        self._rooms: list[_Room] = []

    def predict(self, buffer: np.ndarray, samples: Samples, z: np.ndarray) -> bool:
        """Fill z and return True, or return False for other networks or more rows. See `plan.Plan.predict_rows`."""
        if len(z) > FEW_ROWS or not self._can:
            return False
        X = samples.few(self.dtype)
        try:
            room = self._rooms.pop()
        except IndexError:  # as many threads at once as never before
            room = _Room(self.sizes, self.dtype)
        wanted = threads.limit(self.n_threads) if self._shares else 1
        with threads.team(wanted, masked=self.n_threads is None) as workers:
            if not self._rows(room, buffer, X, z, workers):
                samples.gather(np.empty_like(X), slice(None))
        self._rooms.append(room)
        return True

    def _rows(self, room: _Room, buffer: np.ndarray, X: np.ndarray, z: np.ndarray, workers: int) -> bool:
        """Predict row after row; return False at one that is not finite."""
        record = room.record
        record.fill({"flat": buffer, "splits": self._shared if workers > 1 else self._alone, "x": X[0], "z": z[0]})
        for row in range(len(z)):
            if row:
                record.fill({"x": X[row], "z": z[row]})
            room.backwards = not room.backwards  # what was read last is still in the cache
            record.fill(_CLEARED)
            record["backwards"] = room.backwards
            compilation.start(row_worker, self.dtype, record.address, workers)
            if not record["finite"]:
                return False
        return True
