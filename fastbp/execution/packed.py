"""The parameters and the optimizer's state of a plan, in panels (kernels/fast/panels.py)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.samples import Samples
from ..kernels.engine import code
from ..kernels.entries.records import HUGE, Record, address, aligned
from ..kernels.program.entry_records import PACKING
from ..kernels.program.layout import parameter_table
from ..kernels.program.state import LAYER, lanes_of, padded
from ..network import Network
from .programs import Intake
from .rows import Layers

MOVED_ROWS = 2048  # of W written at once where its panels are let go on the way: so few that they stay in cache


class Packed:
    """Parameters and state, as `plan.Plan` describes them."""

    network: Network
    dtype: np.dtype
    optimizer: Any
    layers: np.ndarray
    dense: np.ndarray
    parameters: np.ndarray
    halves: np.ndarray
    steps: int

    def __init__(self, network: Network, dtype: np.dtype, optimizer: Any) -> None:
        self.network, self.dtype, self.optimizer = network, dtype, optimizer
        self.layers, n = parameter_table(network.sizes, network.stack, dtype)
        self.dense = self.layers[len(self.layers) - len(network.shapes) :]  # those with W
        self.parameters = aligned(n, dtype)
        lines = -(-n // lanes_of(dtype)) if network.precision else 0
        self.halves = aligned(-(-lines // 2) * lanes_of(np.dtype(np.int32)), np.int32)  # the parameters rounded
        self._packing = Record(PACKING)
        self.slots: dict[str, np.ndarray] = {}
        self.steps = 0
        self.W0: np.ndarray | None = None  # of the first layer, where it is read as it stands

    def load(self, flat: np.ndarray) -> None:
        """Take a copy of the parameters."""
        self.W0 = None
        self._pack("pack_parameters", self.parameters, flat)
        self._round()

    def load_layers(self, layers: Layers) -> None:
        """Take a copy of W and the vectors of each layer."""
        self._load_from(0, layers)

    def _load_from(self, first: int, layers: Layers) -> None:
        self.W0 = None
        for record, (W, *vectors) in zip(self.dense[first:], layers, strict=True):
            W = np.require(W, self.dtype, ["C", "A"])
            self._pack_matrix("pack_parameters", self.parameters, record, W, self._packing)
            for number, vector in enumerate(vectors):
                self._vector(record, number, len(vector))[:] = vector
        self._round()

    def store_layers(self, layers: Layers, last: bool = False) -> None:
        """Write the parameters back into W and the vectors of each layer, and release them if it is the `last` time."""
        self._unpack_layers(self.parameters, layers, last, self._packing)

    def _unpack_layers(self, panels: np.ndarray, layers: Layers, last: bool, packing: Record) -> None:
        """Copy panels into W and the vectors of each layer, and release the large ones if it is the `last` time."""
        for record, (W, *vectors) in zip(self.dense, layers, strict=True):
            for number, vector in enumerate(vectors):
                vector[...] = self._vector(record, number, len(vector), panels)
            fits = W.dtype == self.dtype and W.flags.carray
            if last and W.nbytes >= HUGE:
                self._move_matrix(panels, record, W)
                continue
            found = W if fits else np.empty(W.shape, self.dtype)
            self._pack_matrix("unpack_parameters", panels, record, found, packing)
            if not fits:
                W[...] = found

    def _move_matrix(self, panels: np.ndarray, record: Any, W: np.ndarray) -> None:
        """Copy W of one layer out of its panels, some rows at a time, and release these: no two copies take memory."""
        rows, L, outputs = int(record["rows"]), lanes_of(self.dtype), W.shape[1]
        each, full = panels[int(record["W"]) : int(record["b"])].reshape(-1, rows, L), outputs // L
        for first in range(0, len(W), MOVED_ROWS):
            part, here = W[first : first + MOVED_ROWS], each[:, first : min(len(W), first + MOVED_ROWS)]
            part[:, : full * L].reshape(len(part), full, L)[...] = here[:full].transpose(1, 0, 2)
            if full < len(each):
                part[:, full * L :] = here[full, :, : outputs - full * L]
            for panel in here:
                _release(panel)

    def _vector(self, record: Any, number: int, size: int, panels: np.ndarray | None = None) -> np.ndarray:
        """Return a vector of a layer where it stands, in the parameters or in other panels."""
        panels = self.parameters if panels is None else panels
        return panels[record["b"] + number * record["columns"] :][:size]

    def _pack_matrix(self, name: str, panels: np.ndarray, record: Any, W: np.ndarray, packing: Record) -> None:
        """Copy W of one layer into its panels or back."""
        alone = LAYER.new()
        alone[0] = record
        alone["vectors"] = 0
        fields = {"panels": panels, "flat": W.reshape(-1), "layers": alone, "n_layers": 1}
        code.entry(name, self.dtype)(packing.fill(fields))

    def load_in_place(self, layers: Layers, samples: Samples) -> bool:
        """Take a copy of the parameters but W of the first layer, where the rows are sparse, or return False."""
        if not Intake(samples, self.network).sparse:
            return False
        (W, *vectors), *above = layers
        for number, vector in enumerate(vectors):
            self._vector(self.dense[0], number, len(vector))[:] = vector
        self._load_from(1, above)
        self.W0 = np.require(W, self.dtype, ["C", "A"])
        return True

    def forget(self) -> int:
        """Forget the W that is read as it stands, which is the user's; return how many parameters are held besides."""
        size, self.W0 = 0 if self.W0 is None else self.W0.size, None
        return self.network.n_parameters - size

    def _round(self) -> None:
        """Round the parameters to what products take, where that is bfloat16."""
        if self.halves.size:
            fields = {"panels": self.parameters, "halves": self.halves}
            code.entry("round_parameters", self.dtype)(self._packing.fill(fields))

    def store(self, flat: np.ndarray) -> None:
        """Write the parameters back."""
        self._pack("unpack_parameters", self.parameters, flat)

    def _pack(self, name: str, panels: np.ndarray, flat: np.ndarray) -> None:
        """Copy a vector of parameters into panels or back."""
        fields = {"panels": panels, "flat": flat, "layers": self.dense, "n_layers": len(self.dense)}
        code.entry(name, self.dtype)(self._packing.fill(fields))
        for there, here in self._besides(panels, flat):
            to, source = (there, here) if name == "pack_parameters" else (here, there)
            to[...] = source

    def _besides(self, panels: np.ndarray, flat: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield scales and embeddings where they stand in panels and in a vector of parameters."""
        network, at, rows = self.network, int(self.dense[0]["scale"]), int(self.dense[0]["rows"])
        if at >= 0:
            found = panels[at : at + network.n_members * rows].reshape(-1, rows)[:, : network.inputs]
            yield found, network.scales(flat).reshape(found.shape)
        if (parameters := network.embeddings(flat)) is not None:
            yield from zip(in_panels(network.stack.embedding, panels), flattened(parameters), strict=True)

    def get_slots(self, last: bool = False) -> dict[str, np.ndarray]:
        """Return copies of the optimizer's state, released while it is copied if they are the `last`.

        Several threads may ask at once.
        """
        packing = Record(PACKING)
        slots = {name: np.zeros(self.network.n_parameters, self.dtype) for name in self.optimizer.rule.slots}
        for name in [*self.slots]:
            for there, here in self._besides(self.slots[name], slots[name]):
                here[...] = there
            self._unpack_layers(self.slots[name], self.network.views(slots[name]), last, packing)
            if last:
                del self.slots[name]
        return slots

    def set_slots(self, slots: dict[str, np.ndarray]) -> None:
        """Set the optimizer's state; vectors are only allocated if one is not zero."""
        slots, self.slots = {name: self.network.vector(name, state, self.dtype) for name, state in slots.items()}, {}
        if any(state.any() for state in slots.values()):
            for name, state in slots.items():
                self._pack("pack_parameters", self._slot(name), state)

    def _slot(self, name: str) -> np.ndarray:
        if name not in self.slots:
            self.slots[name] = aligned(len(self.parameters), self.dtype)
        return self.slots[name]

    def snapshot(self, over: Any = None) -> Any:
        """Return a copy of the step count and the optimizer's state, in the memory of another one if given."""
        old = {} if over is None else over[1]
        for name, state in self.slots.items():
            if name in old:
                np.copyto(old[name], state)
            else:
                old[name] = state.copy()
        return self.steps, {name: old[name] for name in self.slots}

    def restore(self, snapshot: Any) -> None:
        """Restore a `snapshot`."""
        self.steps, slots = snapshot
        self.slots = {}
        for name, state in slots.items():
            self._slot(name)[:] = state


def flattened(parameters: Any) -> list[np.ndarray]:
    """Return the arrays of embeddings one after the other."""
    return [*parameters[:4], *parameters.tables]


def in_panels(embedding: Any, panels: np.ndarray) -> list[np.ndarray]:
    """Return views of the same arrays where they stand in the plan's parameters (kernels/program/embedding.py)."""
    L, n, H, O = lanes_of(panels.dtype), len(embedding.numbers), embedding.frequencies, embedding.outputs
    (end, _), room, tables = embedding.parameters(L), padded(H, L), []
    each = panels[:end].reshape(n, embedding.number_size(L))
    for _, levels in embedding.categories:
        tables.append(panels[end : end + levels * embedding.width].reshape(levels, -1))
        end += embedding.table_size(levels, L)
    V = each[:, 2 * room : (2 + O) * room].reshape(n, O, room)[:, :, :H]
    return [each[:, :H], each[:, room : room + H], V, each[:, (2 + O) * room :][:, :O], *tables]


def _release(array: np.ndarray) -> None:
    """Give memory back to the system, whole pages of it, where `aligned` has mapped it; what it held is lost."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    memory = base.obj if isinstance(base, memoryview) else base
    if isinstance(memory, mmap.mmap):
        begin = address(array) - address(np.frombuffer(memory, np.uint8))
        first, end = -(-begin // mmap.PAGESIZE), (begin + array.nbytes) // mmap.PAGESIZE
        if first < end:
            memory.madvise(mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (end - first) * mmap.PAGESIZE)
