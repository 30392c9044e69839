"""The arrays and records that compiled calls use, kept from one call to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..data.samples import Labelled, Samples
from ..data.sparse import SparseRows
from ..kernels.entries.optimizer import KINDS
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

SORTED = "rank", "found", "features", "feature_ends", "feature_bounds", "feature_rows", "feature_numbers"
SPARE_BYTES = 4_000_000  # most memory kept for a second shape, as training and validation alternate


class Shape(NamedTuple):
    """What determines the sizes of a call's arrays, besides the network."""

    batch_size: int  # rows in all blocks
    workers: int
    blocks: int
    slots: int  # of the optimizer, in each replica
    rule_bytes: int
    replicas: bool  # whether each worker trains a replica of the network
    room: int = -1  # for entries of sparse rows in each block; -1 where rows are dense


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

    network: Network
    dtype: np.dtype
    n: int
    constants: dict[str, Any]
    shape: Shape

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
            now.program = None  # until all is written, since Ctrl-C may come at any time
            now.state.fill(program.fields())
            now.state.keep()
            now.program = program
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
        state.fill({"order": order, "end": len(order), "x_rows": len(X)})
        if isinstance(X, SparseRows):
            state.fill({
                "x_address": address(X.data), "indices_address": address(X.indices),
                "indptr_address": address(X.indptr), "nonzeros": len(X.data),
            })  # fmt: skip
        else:
            state.fill({"x_address": address(X), "x_row_bytes": X.strides[0] if len(X) else 0})
        if scaling[0].size:
            state["shift"], state["scale"] = scaling
        if len(data.y):
            state["y" if self.network.of_classes else "Y"] = data.y
        if data.weights is None:
            self["row_weights"][:] = 1
        else:
            state["weights"] = data.weights

    def sorting(self) -> dict[str, np.ndarray]:
        """Return the entries of a minibatch by feature, allocated at the first call."""
        arrays, room, rows = self._now.arrays, self.shape.room, int(self._now.arrays["layers"][0]["rows"])
        if "rank" not in arrays:
            features = min(room, rows)
            arrays |= {
                "rank": np.full(rows, -1, np.int32), "found": np.zeros(1, np.int64),
                "features": np.empty(features, np.int32), "feature_ends": np.empty(features, np.int64),
                "feature_bounds": np.empty(rows + 1, np.int64),
                "feature_rows": np.empty(room, np.int32), "feature_numbers": np.empty(room, self.dtype),
            }  # fmt: skip
        return {name: arrays[name] for name in SORTED}

    def offsets(self, offsets: np.ndarray, W0: np.ndarray | None, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """Return what x is in every row beside the entries, and b with its share (eq. 7).

        W0 is W of the first layer row by row; without it W stands in panels in `parameters`.
        """
        first, (I, O) = self._now.arrays["layers"][0], self.network.shapes[0]
        rows, columns, b = int(first["rows"]), int(first["columns"]), int(first["b"])
        long, bias = np.zeros(rows, self.dtype), aligned(columns, self.dtype)
        long[:I], bias[:] = offsets, parameters[b : b + columns]
        if W0 is None:
            panels = parameters[int(first["W"]) : b].reshape(-1, rows, lanes_of(self.dtype))
            bias += (long @ panels).ravel()
        else:
            bias[:O] += long[:I] @ W0
        return {"offsets": long, "offset_bias": bias}

    def _made(self, shape: Shape) -> _Call:
        dtype, stack = self.dtype, self.network.stack
        rows = self.network.n_members * batch_rows(block_size(shape.batch_size, shape.blocks), dtype)
        layers, _ = parameter_table(self.network.sizes, stack, dtype)
        length = place_activations(layers, stack, rows, dtype, shape.room >= 0)
        self._write_factors(layers)
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
        if shape.room >= 0:
            room = shape.blocks * shape.room
            made |= {
                "entries": aligned(room, dtype), "entry_columns": np.zeros(room, np.int32),
                "entry_ends": np.zeros(slots, np.int64),
            }  # fmt: skip
        made |= _rounded(self.network, made, slots) | {"rule": aligned((1 + replicas) * shape.rule_bytes, np.uint8)}
        if stack.embedding is not None:
            made["embedded"] = stack.embedding.table(dtype)
        state = Record(STATE)
        state.fill({name: array for name, array in made.items() if name in STATE.fields and name != "rule"})
        state.fill(self.constants | {
            "n_layers": len(stack.activations), "members": stack.members, "team": shape.workers, "batch_rows": rows,
            "blocks": shape.blocks, "rule_bytes": shape.rule_bytes, "rule": address(made["rule"]),
            "sparse": shape.room >= 0,
        })  # fmt: skip
        state.keep()
        return _Call(made, state)

    def _write_factors(self, layers: np.ndarray) -> None:
        """Write what is dropped, sigma, and the factors of rate and decay of each kind of parameters."""
        layers["dropout"] = self.network.with_embedding(self.network.dropouts, 0.0)
        layers["sigma"] = self.network.with_embedding(self.network.sigmas, 1.0)
        for what, given in (("rate", self.network.rate_factors), ("decay", self.network.decay_factors)):
            each = dict(zip(KINDS, given, strict=True))
            for kind in KINDS[:5]:
                layers[f"{kind.removesuffix('s')}_{what}"] = each[kind]
            if self.network.embedding is not None:
                layers[f"W_{what}"][0], layers[f"b_{what}"][0] = each["numbers"], each["categories"]


def _rounded(network: Network, made: dict[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
    """Return room for what layers take and make of so many rows, and for W^T, rounded, if products are of bfloat16."""
    if not network.precision:
        return {}
    size = rows * (int(made["layers"]["rows"].sum()) + int(made["layers"]["columns"][-1]))
    sizes = {"half_rows": size, "half_pairs": size // 2, "half_turned": made["transposed"].size // 2}
    return {name: aligned(size, np.int32) for name, size in sizes.items()}
