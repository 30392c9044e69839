"""What a network is: its layers' sizes, and one flat vector of parameters with W and b as views of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Network:
    """Fully connected layers, ReLU between them, softmax at the end (eqs. 42-46 for any number of layers).

    Parameters
    ----------
    layer_sizes : tuple of int
        Inputs, the hidden layers' units, classes.
    activation : str
        F of every hidden layer; the last has none (eq. 44).
    """

    layer_sizes: tuple[int, ...]
    activation: str = "relu"

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer's W."""
        return list(pairwise(self.layer_sizes))

    @property
    def n_parameters(self) -> int:
        """Length of the flat vector Omega of eq. 9."""
        return sum(inputs * outputs + outputs for inputs, outputs in self.shapes)

    def views(self, flat: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Split a flat vector of parameters, or of their gradients, into [(W, b), ...] without copying."""
        layers, start = [], 0
        for inputs, outputs in self.shapes:
            middle, end = start + inputs * outputs, start + inputs * outputs + outputs
            layers.append((flat[start:middle].reshape(inputs, outputs), flat[middle:end]))
            start = end
        return layers

    def summary(self) -> str:
        """Return layers, shapes and parameter counts as text."""
        last = len(self.shapes) - 1
        rows = [("layer", "stages", "W", "b", "parameters")]
        for layer, (inputs, outputs) in enumerate(self.shapes):
            stages = "linear + softmax" if layer == last else f"linear + {self.activation}"
            count = f"{inputs * outputs + outputs:,}"
            rows.append((str(layer + 1), stages, f"({inputs}, {outputs})", f"({outputs},)", count))
        rows.append(("", "", "", "total", f"{self.n_parameters:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join(lines)
