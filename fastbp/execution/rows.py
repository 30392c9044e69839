"""Predictions of a few rows from the model's own parameters, without packing them: each weight is read once."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np

from ..data.samples import Samples
from ..kernels.engine import code
from ..kernels.entries.records import Record, aligned
from ..kernels.program.entry_records import ROOM, ROW
from ..kernels.program.phases import Kernel
from ..kernels.program.state import padded
from ..network import FUSED, Network
from . import helpers, threads

FEW_ROWS = 4  # of which each reads the parameters where they are, rather than packing them
ROW_WEIGHTS = 100_000  # of a layer, from which one row of it is split among threads


class _Room:
    """The memory that one row needs on so many workers, kept for the next: a record, x, z, the outputs of two layers.

    x and z are copied, which takes less time than to find out where an array stands.
    """

    def __init__(self, fields: dict[str, Any], workers: int) -> None:
        flat, sizes, record = fields["flat"], fields["sizes"], Record(ROW)
        dtype = flat.dtype
        self.x, self.z = aligned(sizes[0], dtype), aligned(sizes[-1], dtype)
        arrays = {"x": self.x, "z": self.z, "h": aligned(3 * (padded(int(sizes.max()), ROOM) + ROOM), dtype)}
        record.fill(fields | arrays).keep()
        self._record, self._kept, self._backwards = record, (fields, arrays), False
        self.dtype, self.workers = dtype, workers

    def predict(self, x: np.ndarray, z: np.ndarray) -> bool:
        """Fill z and return True, or return False if x is not finite."""
        record = self._record
        self.x[:] = x
        self._backwards = not self._backwards  # what was read last is still in the cache
        record.reset()
        record["backwards"] = self._backwards
        helpers.launch("row_worker", self.dtype, record, self.workers)
        z[:] = self.z
        return bool(record["finite"])


class RowPredictor:
    """Predicts up to `FEW_ROWS` rows of a network without normalized layers. Several threads may use it at once.

    Parameters
    ----------
    flat : ndarray
        The network's parameters, followed by ROOM more elements.
    """

    def __init__(self, network: Network, flat: np.ndarray, n_threads: int | None) -> None:
        self.network, self.flat, self.n_threads = network, flat, n_threads
        shapes = np.array(network.shapes, np.int64)
        self._alone = np.ones(len(shapes), np.int64)
        self._shared = np.where(shapes.prod(axis=1) > ROW_WEIGHTS, threads.limit(n_threads), 1).astype(np.int64)
        self._weights = int(shapes.prod(axis=1).sum())
        self._shares = bool((self._shared > 1).any())
        self._can = not any(network.layer_norms)
        self._fields: dict[str, Any] = {}
        self._rooms: defaultdict[int, list[_Room]] = defaultdict(list)  # by the number of workers

    def predict(self, samples: Samples, z: np.ndarray) -> bool:
        """Fill z and return True, or return False for other networks or more rows. See `plan.Plan.predict_rows`."""
        if len(z) > FEW_ROWS or not self._can:
            return False
        X, wanted = samples.few(self.flat.dtype), threads.limit(self.n_threads) if self._shares else 1
        flop = 2.0 * self._weights * len(z) if self.n_threads is None else math.inf
        with threads.team(wanted, flop) as workers:
            rooms = self._rooms[workers]
            try:
                room = rooms.pop()
            except IndexError:  # as many threads at once as never before
                room = _Room(self._constants() | {"splits": self._shared if workers > 1 else self._alone}, workers)
            finite = all([room.predict(X[row], z[row]) for row in range(len(z))])
        rooms.append(room)
        if not finite:
            samples.gather(np.empty_like(X), slice(None))
        return True

    def _constants(self) -> dict[str, Any]:
        """Return the fields of the record that no call changes, its kernels compiled at the first call."""
        if not self._fields:
            network, dtype = self.network, self.flat.dtype
            functions = [
                0 if F.name in FUSED else code.kernel(Kernel("activate_row", F.key), dtype) for F in network.activations
            ]
            self._fields = {
                "flat": self.flat,
                "sizes": np.array(network.layer_sizes, np.int64),
                "vectors": np.array([len(vectors) for vectors in network.vectors], np.int64),
                "activations": np.array(functions, np.int64),
                "rectifies": np.array([F.name.startswith("relu") for F in network.activations], np.int64),
                "output": code.kernel(Kernel("output_row", network.loss.link), dtype),
                "n_layers": len(network.shapes),
            }
        return self._fields
