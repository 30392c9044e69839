"""The arrays that compiled calls work on, kept from one call to the next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .kernels import build, update, workspace
from .kernels.workspace import aligned
from .network import Network

SPARE_BYTES = 4_000_000  # of arrays kept for the call after the next: training and validation take turns


class Shape(NamedTuple):
    """What the sizes of a call's arrays follow from, the network aside."""

    batch_size: int  # rows in all blocks
    workers: int
    blocks: int
    slots: int  # of the optimizer, in each replica
    replicas: bool  # whether each worker trains a copy of the network (kernels/replica.py)


NO_SHAPE = Shape(0, 0, 0, 0, False)


class Arrays:
    """The arrays of the present call, by their names in a `Workspace`, and those of the one before the last.

    Parameters
    ----------
    network : Network
    dtype : numpy.dtype
    n : int
        Parameters, with what fills up their panels.
    """

    def __init__(self, network: Network, dtype: np.dtype, n: int) -> None:
        self.network, self.dtype, self.n = network, dtype, n
        self.shape = NO_SHAPE
        self._now: dict[str, np.ndarray] = {}
        self._spare: tuple[Shape, dict[str, np.ndarray]] = NO_SHAPE, {}

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an array of the present call."""
        return self._now[name]

    def take(self, shape: Shape) -> None:
        """Make the arrays for calls of this shape, or take up those of the call before the last."""
        if shape == self.shape:
            return
        (self.shape, self._now), self._spare = self._spare, (self.shape, self._now)
        if sum(array.nbytes for array in self._spare[1].values()) > SPARE_BYTES:
            self._spare = NO_SHAPE, {}
        if shape != self.shape:
            self._now, self.shape = self._made(shape), shape

    def gradient(self) -> np.ndarray:
        """Return G, made where no call has asked for it."""
        if "G" not in self._now:
            self._now["G"] = aligned((1 + self.shape.replicas) * self.shape.blocks * self.n, self.dtype)
        return self._now["G"]

    def _made(self, shape: Shape) -> dict[str, np.ndarray]:
        batch_size, workers, blocks, slots, replicas = shape
        sizes, dtype, normalized = self.network.layer_sizes, self.dtype, self.network.layer_norms
        rows = workspace.batch_rows(workspace.block_size(batch_size, blocks), dtype)
        layers, _, a = workspace.layout(sizes, rows, dtype, normalized)
        build.set_activations(layers, self.network.activations, self.network.dropouts, dtype)
        targets = 0 if self.network.of_classes else workspace.padded(sizes[-1], workspace.LINE // dtype.itemsize)
        sums, states = update.sums_size(self.n, dtype), workers if replicas else 1
        made = {
            "layers": layers,
            "now": aligned(states * (1 + workers) * workspace.WORDS, np.intp),
            "A": aligned(blocks * a * build.parts(self.network.activations, normalized), dtype),
            "S": aligned(workspace.scratch(sizes, workers, dtype), dtype),
            "R": aligned(replicas * states * ((1 + slots) * self.n + sums), dtype),
            "sums": aligned(sums, dtype),
            "e": aligned(blocks * rows, dtype),
            "right": aligned(blocks * rows, dtype),
            "labels": aligned(blocks * rows, workspace.labels_dtype(dtype)),
            "targets": aligned(blocks * rows * targets, dtype),
            "w": aligned(blocks * rows, dtype),
            "settings": aligned(states * workspace.SETTINGS, np.float64),
            "totals": aligned(states * workspace.TOTALS, np.float64),
        }
        made["now"][workspace.BATCH_ROWS], made["now"][workspace.BLOCKS] = rows, blocks
        if any(normalized):
            build.set_normalization(made["now"], dtype)
        return made
