"""What a network is: its layers' sizes, and one flat vector of parameters with W and b as views of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

ACTIVATIONS = ("relu", "identity", "logistic", "tanh")
OUTPUTS = {  # what each loss makes of the last layer's t
    "cross_entropy": "softmax",
    "binary_cross_entropy": "logistic",
    "log_loss": "logistic",  # the same, clipped as scikit-learn clips it
    "squared_error": "identity",
    "poisson": "exp",
}


@dataclass(frozen=True)
class Network:
    """Fully connected layers and what they minimize; ReLU and softmax with cross-entropy are eqs. 42-46.

    Parameters
    ----------
    layer_sizes : tuple of int
        Inputs, the hidden layers' units, outputs.
    activation : str or tuple of str
        F of every hidden layer, or of each; the last has none (eq. 44).
    loss : str
        E, which says, too, what becomes of the last layer's t.
    l2 : float
        Adds l2 / 2 times the sum of all squared weights to E.
    alpha : float
        The same, divided by the sum of the minibatch's weights, as scikit-learn has it.
    most : float
        At which the error of a row, or of one of its outputs, is cut off; gradients are not.
    """

    layer_sizes: tuple[int, ...]
    activation: str | tuple[str, ...] = "relu"
    loss: str = "cross_entropy"
    l2: float = 0.0
    alpha: float = 0.0
    most: float = math.inf

    @property
    def activations(self) -> list[str]:
        """F of each layer."""
        hidden = len(self.layer_sizes) - 2
        each = [self.activation] * hidden if isinstance(self.activation, str) else list(self.activation)
        return [*each, "identity"]

    @property
    def of_classes(self) -> bool:
        """Whether y are class numbers, one a row."""
        return self.loss == "cross_entropy"

    @property
    def penalized(self) -> bool:
        """Whether E has a penalty on the weights."""
        return self.l2 > 0 or self.alpha > 0

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
            stages = f"linear + {OUTPUTS[self.loss] if layer == last else self.activations[layer]}"
            count = f"{inputs * outputs + outputs:,}"
            rows.append((str(layer + 1), stages, f"({inputs}, {outputs})", f"({outputs},)", count))
        rows.append(("", "", "", "total", f"{self.n_parameters:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join(lines)
