"""The arrays and records that compiled calls use, kept from one call to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..data.samples import Labelled, Samples
from ..kernels.entries.records import Record, address, aligned
from ..kernels.program.layout import parameter_table, place_activations
from ..kernels.program.state import (
    CHUNK,
    PANELS,
    STATE,
    VECTORS,
    batch_rows,
    block_size,
    labels_dtype,
    lanes_of,
    padded,
)
from ..network import Network

SPARE_BYTES = 4_000_000  # most memory kept for a second shape, as training and validation alternate


class Shape(NamedTuple):
    """What determines the sizes of a call's arrays, besides the network."""

    batch_size: int  # rows in all blocks
    workers: int
    blocks: int
    slots: int  # of the optimizer, in each replica
    rule_bytes: int
    replicas: bool  # whether each worker trains a replica of the network


NO_SHAPE = Shape(0, 0, 0, 0, 0, False)


@dataclass(slots=True)
class _Call:
    """The arrays of calls of one shape, their state, and the program whose records the state points to."""

    arrays: dict[str, np.ndarray]
    state: Record = field(default_factory=lambda: Record(STATE))
    program: Any = None


class Buffers:
    """The arrays of the present call by their names in `STATE`, and those of the previous shape.

    Parameters
    ----------
    network : Network
    dtype : numpy.dtype
    n : int
        Number of parameters, padding of the panels included.
    constants : dict
        Fields of every call's state.
    """

    def __init__(self, network: Network, dtype: np.dtype, n: int, constants: dict[str, Any]) -> None:
        self.network, self.dtype, self.n, self.constants = network, dtype, n, constants
        self.shape = NO_SHAPE
        self._now = _Call({})
        self._spare = NO_SHAPE, self._now

    @property
    def state(self) -> Record:
        """The record of the present call."""
        return self._now.state

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an array of the present call."""
        return self._now.arrays[name]

    def reset(self, program: Any) -> Record:
        """Return the state as it is before a call that runs this program."""
        now = self._now
        now.state.reset()
        if now.program is not program:
            now.program = program
            now.state.fill(program.fields())
            now.state.keep()
        return now.state

    def take(self, shape: Shape) -> None:
        """Allocate the arrays for calls of this shape, or reuse those of the previous shape."""
        if shape == self.shape:
            return
        (self.shape, self._now), self._spare = self._spare, (self.shape, self._now)
        if sum(array.nbytes for array in self._spare[1].arrays.values()) > SPARE_BYTES:
            self._spare = NO_SHAPE, _Call({})
        if shape != self.shape:
            self._now, self.shape = self._made(shape), shape

    def gradients(self) -> np.ndarray:
        """Return the gradients of each block, allocated at the first call."""
        arrays = self._now.arrays
        if "gradients" not in arrays:
            size = (1 + self.shape.replicas) * self.shape.blocks * self.n
            arrays["gradients"] = aligned(size, self.dtype)
        return arrays["gradients"]

    def strips(self) -> np.ndarray:
        """Return each worker's room for some panels of W, allocated at the first call."""
        arrays, L = self._now.arrays, lanes_of(self.dtype)
        if "strips" not in arrays:
            rows = max(padded(size, L) for size in self.network.layer_sizes[:-1])
            arrays["strips"] = aligned(self.shape.workers * rows * PANELS * L, self.dtype)
        return arrays["strips"]

    def point_to_rows(
        self, data: Labelled, samples: Samples, order: np.ndarray, scaling: tuple[np.ndarray, np.ndarray]
    ) -> None:
        """Write into the state where the rows of a call are. The caller keeps them."""
        state, X = self.state, samples.X
        state.fill({
            "order": order, "end": len(order), "x_address": address(X), "x_rows": len(X),
            "x_row_bytes": X.strides[0] if len(X) else 0,
        })  # fmt: skip
        if scaling[0].size:
            state["shift"], state["scale"] = scaling
        if len(data.y):
            state["y" if self.network.of_classes else "Y"] = data.y
        if data.weights is None:
            self["row_weights"][:] = 1
        else:
            state["weights"] = data.weights

    def _made(self, shape: Shape) -> _Call:
        dtype, stack = self.dtype, self.network.stack
        rows = batch_rows(block_size(shape.batch_size, shape.blocks), dtype)
        layers, _ = parameter_table(self.network.layer_sizes, stack, dtype)
        length = place_activations(layers, stack, rows, dtype)
        layers["dropout"] = self.network.dropouts
        slots, L = shape.blocks * rows, lanes_of(dtype)
        outputs = 0 if self.network.of_classes else int(layers["columns"][-1])
        widest = max(padded(size, L) for size in self.network.layer_sizes[1:])
        sums, replicas = 2 * -(-self.n // CHUNK) * L, shape.workers * shape.replicas
        made = {
            "layers": layers,
            "own": STATE.new(shape.workers * (1 + shape.replicas)),
            "activations": aligned(shape.blocks * length, dtype),
            "transposed": aligned(shape.workers * widest * VECTORS * L, dtype),
            "replicas": aligned(replicas * ((1 + shape.slots) * self.n + sums), dtype),
            "sums": aligned(sums, dtype),
            "errors": aligned(slots, dtype),
            "correct_rows": aligned(slots, dtype),
            "labels": aligned(slots, labels_dtype(dtype)),
            "targets": aligned(slots * outputs, dtype),
            "row_weights": aligned(slots, dtype),
        }
        made["rule"] = aligned((1 + replicas) * shape.rule_bytes, np.uint8)
        state = Record(STATE)
        state.fill({name: array for name, array in made.items() if name in STATE.fields and name != "rule"})
        state.fill(self.constants | {
            "n_layers": len(layers), "team": shape.workers, "batch_rows": rows, "blocks": shape.blocks,
            "rule_bytes": shape.rule_bytes, "rule": address(made["rule"]),
        })  # fmt: skip
        state.keep()
        return _Call(made, state)
