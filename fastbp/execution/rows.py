"""Predictions of a few rows from the user's own parameters, without packing them: each weight is read once."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np

from ..data.samples import Samples
from ..kernels.engine import code
from ..kernels.entries.records import Record, address, aligned
from ..kernels.program.entry_records import ROOM, ROW
from ..kernels.program.phases import Kernel
from ..kernels.program.state import lanes_of, padded
from ..network import FUSED, Network
from . import helpers, threads

FEW_ROWS = 4  # of which each reads the parameters where they are, rather than packing them
MOST_ROWS, MOST_PRODUCTS = 32, 150_000  # likewise of small networks, whose parameters stay in cache
Layers = list[tuple[np.ndarray, ...]]  # W and the vectors of each layer, as `Network.views` has them
ROW_WEIGHTS = 100_000  # of a layer, from which one row of it is split among threads


class _Room:
    """The memory that rows need on so many workers, kept for the next: a record, x, z, the outputs of two layers.

    x, z and the vectors of layers are copied, which takes less time than to find out where an array stands.
    """

    def __init__(self, fields: dict[str, Any], workers: int, dtype: np.dtype) -> None:
        sizes, record = fields["sizes"], Record(ROW)
        x, z = (aligned(MOST_ROWS * size, dtype) for size in (sizes[0], sizes[-1]))
        self.x, self.z = x.reshape(MOST_ROWS, -1), z.reshape(MOST_ROWS, -1)
        arrays = {"x": x, "z": z, "h": aligned(3 * (padded(int(sizes.max()), ROOM) + ROOM), dtype)}
        if "weights" not in fields:
            arrays |= self._places(list(pairwise(sizes.tolist())), dtype)
        record.fill(fields | arrays).keep()
        self._record, self._kept, self._backwards = record, (fields, arrays), 0
        self.dtype, self.workers, self._enter = dtype, workers, code.entry("row_worker", dtype)

    def _places(self, shapes: list[tuple[int, int]], dtype: np.dtype) -> dict[str, np.ndarray]:
        """Make room for what `point_to` copies; return the fields that say where it stands."""
        self._copies = []
        places = np.zeros((5, len(shapes)), np.int64)
        self._weights = places[0]
        for l, (inputs, outputs) in enumerate(shapes):
            rest = min(inputs, -(-ROOM // outputs)) if outputs % lanes_of(dtype) else 0
            room = [aligned(size + ROOM, dtype) for size in (outputs, outputs, rest * outputs)]
            places[1:, l] = *map(address, room), rest
            b, slopes, tail = room
            self._copies.append((inputs - rest, b[:outputs], slopes[:outputs], tail[:-ROOM].reshape(rest, outputs)))
        return dict(zip(("weights", "biases", "slopes", "tails", "tail_rows"), places, strict=True))

    def point_to(self, layers: Layers) -> None:
        """Take the parameters of the next rows: W stays where it is."""
        for l, ((W, *vectors), (end, b, slopes, tail)) in enumerate(zip(layers, self._copies, strict=True)):
            self._weights[l] = address(W)
            b[:] = vectors[0]
            if len(vectors) > 1:
                slopes[:] = vectors[1]
            if len(tail):
                tail[:] = W[end:]

    def predict(self, X: np.ndarray, z: np.ndarray) -> bool:
        """Fill z and return True, or return False if X or z is not finite."""
        record, rows = self._record, len(z)
        self.x[:rows] = X
        record.reset()
        record["rows"], record["backwards"] = rows, self._backwards
        self._backwards ^= rows & 1  # what was read last is still in the cache
        if self.workers == 1:
            self._enter(record)
        else:
            helpers.launch("row_worker", self.dtype, record, self.workers)
        z[:] = self.z[:rows]
        return bool(record["finite"])


class RowPredictor:
    """Predicts a few rows of a network without normalized layers. Several threads may use it at once.

    Parameters
    ----------
    dtype : numpy.dtype
    n_threads : int or None
    flat : ndarray, optional
        The network's parameters, followed by ROOM more elements. Without it each call is given `layers`.
    """

    network: Network
    dtype: np.dtype
    n_threads: int | None
    flat: np.ndarray | None

    def __init__(
        self, network: Network, dtype: np.dtype, n_threads: int | None, flat: np.ndarray | None = None
    ) -> None:
        self.network, self.dtype, self.n_threads, self.flat = network, dtype, n_threads, flat
        shapes = np.array(network.shapes, np.int64)
        self._alone = np.ones(len(shapes), np.int64)
        self._shared = np.where(shapes.prod(axis=1) > ROW_WEIGHTS, threads.limit(n_threads), 1).astype(np.int64)
        self._weights = int(shapes.prod(axis=1).sum())
        self._shares = bool((self._shared > 1).any())
        plain = network.n_members == 1 and network.embedding is None
        self._can = not any(network.layer_norms) and plain
        self._most = max(FEW_ROWS, min(MOST_ROWS, MOST_PRODUCTS // self._weights))
        self._fields: dict[str, Any] = {}
        self._rooms: defaultdict[int, list[_Room]] = defaultdict(list)  # by the number of workers

    def predict(self, samples: Samples, z: np.ndarray, layers: Layers | None = None) -> bool | None:
        """Fill z and return whether it is finite, or return None for other networks or more rows.

        `layers` holds (W, b) of each layer, and a parameter of its activation: W C-contiguous and of the dtype.
        """
        if not self._can or len(z) > self._most:
            return None
        X = self._inputs(samples)
        finite = self._filled(X, z, layers)
        if not finite:
            samples.gather(np.empty_like(X), slice(None))  # raises for an X that is not finite
        return finite

    def outputs(self, X: np.ndarray) -> np.ndarray | None:
        """Return z of rows that kernels can read as they are, or None where `Samples` must be made of them.

        It is None, too, where X or z is not finite.
        """
        fits = X.dtype == self.dtype and X.ndim == 2 and X.shape[1] == self.network.layer_sizes[0] and X.flags.carray
        if not (fits and self._can and 0 < len(X) <= self._most) or self.network.scaling_layer:
            return None
        z = np.empty((len(X), self.network.layer_sizes[-1]), self.dtype)
        return z if self._filled(X, z) else None

    def _filled(self, X: np.ndarray, z: np.ndarray, layers: Layers | None = None) -> bool:
        """Fill z and return True, or return False if X or z is not finite."""
        wanted = threads.limit(self.n_threads) if self._shares else 1
        flop = 2.0 * self._weights * len(z) if self.n_threads is None else math.inf
        with threads.team(wanted, flop) as workers:
            rooms = self._rooms[workers]
            try:
                room = rooms.pop()
            except IndexError:  # as many threads at once as never before
                splits = self._shared if workers > 1 else self._alone
                room = _Room(self._constants() | {"splits": splits}, workers, self.dtype)
            if layers is not None:
                room.point_to(layers)
            finite = room.predict(X, z)
        rooms.append(room)
        return finite

    def _inputs(self, samples: Samples) -> np.ndarray:
        """Return x of each row; raise ValueError where a trained scale takes one beyond the dtype."""
        X = samples.few(self.dtype)
        if self.flat is None or not self.network.scaling_layer:
            return X
        try:
            return samples.scaled(X, self.network.scales(self.flat))
        except ValueError:
            samples.gather(np.empty_like(X), slice(None))  # raises for X itself
            raise

    def _constants(self) -> dict[str, Any]:
        """Return the fields of the record that no call changes, its kernels compiled at the first call."""
        if not self._fields:
            network, dtype = self.network, self.dtype
            functions = [
                0 if F.name in FUSED else code.kernel(Kernel("activate_row", F.key), dtype) for F in network.activations
            ]
            fields = {
                "sizes": np.array(network.sizes, np.int64),
                "activations": np.array(functions, np.int64),
                "rectifies": np.array([F.name.startswith("relu") for F in network.activations], np.int64),
                "output": code.kernel(Kernel("output_row", network.loss.link), dtype),
                "n_layers": len(network.shapes),
            }
            self._fields = fields | ({} if self.flat is None else _places_in(network, self.flat))
        return self._fields


def _places_in(network: Network, flat: np.ndarray) -> dict[str, np.ndarray]:
    """Return where the layers' parameters stand in a vector of them, as the fields of a record."""
    layers = network.views(flat)
    at = {"weights": [W for W, *_ in layers], "biases": [b for _, b, *_ in layers], "slopes": [v[-1] for v in layers]}
    places = {name: np.array([address(array) for array in arrays], np.int64) for name, arrays in at.items()}
    none = np.zeros(len(layers), np.int64)
    return places | {"tails": none, "tail_rows": none}
