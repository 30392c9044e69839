"""The parameters and the optimizer's state of a plan, in panels (kernels/fast/panels.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.samples import Samples
from ..kernels.engine import code
from ..kernels.entries.records import Record, aligned
from ..kernels.program.entry_records import PACKING
from ..kernels.program.layout import parameter_table
from ..network import Network
from .programs import Intake


class Packed:
    """Parameters and state, as `plan.Plan` describes them."""

    def __init__(self, network: Network, dtype: np.dtype, optimizer: Any) -> None:
        self.network, self.dtype, self.optimizer = network, dtype, optimizer
        self.layers, n = parameter_table(network.layer_sizes, network.stack, dtype)
        self.parameters = aligned(n, dtype)
        self._packing = Record(PACKING)
        self.slots: dict[str, np.ndarray] = {}
        self.steps = 0
        self.W0: np.ndarray | None = None  # of the first layer, where it is read as it stands

    def load(self, flat: np.ndarray) -> None:
        """Take a copy of the parameters."""
        self.W0 = None
        self._pack("pack_parameters", self.parameters, flat)

    def load_in_place(self, layers: list[tuple[np.ndarray, ...]], samples: Samples) -> bool:
        """Take a copy of the parameters but W of the first layer, where the rows are sparse, or return False."""
        if not Intake(samples, self.network).sparse:
            return False
        (W, *vectors), *above = layers
        self.W0, first = np.require(W, self.dtype, ["C", "A"]), self.layers[0]
        for number, vector in enumerate(vectors):
            self.parameters[first["b"] + number * first["columns"] :][: len(vector)] = vector
        if above:
            flat = np.concatenate([array.ravel() for layer in above for array in layer], dtype=self.dtype)
            self._pack("pack_parameters", self.parameters, flat, 1)
        return True

    def store(self, flat: np.ndarray) -> None:
        """Write the parameters back."""
        self._pack("unpack_parameters", self.parameters, flat)

    def _pack(self, name: str, panels: np.ndarray, flat: np.ndarray, first: int = 0) -> None:
        """Copy a vector of parameters, from this layer on, into panels or back."""
        layers = self.layers[first:]
        fields = {"panels": panels, "flat": flat, "layers": layers, "n_layers": len(layers)}
        code.entry(name, self.dtype)(self._packing.fill(fields))

    def get_slots(self) -> dict[str, np.ndarray]:
        """Return copies of the optimizer's state."""
        slots = {name: np.zeros(self.network.n_parameters, self.dtype) for name in self.optimizer.rule.slots}
        for name, state in self.slots.items():
            self._pack("unpack_parameters", state, slots[name])
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

    def snapshot(self) -> Any:
        """Return a copy of the step count and the optimizer's state."""
        return self.steps, {name: state.copy() for name, state in self.slots.items()}

    def restore(self, snapshot: Any) -> None:
        """Restore a `snapshot`."""
        self.steps, slots = snapshot
        self.slots = {}
        for name, state in slots.items():
            self._slot(name)[:] = state
