"""What a network is: its layers' sizes, and one flat vector of parameters with W and b as views of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

ACTIVATIONS = ("relu", "identity", "logistic", "tanh", "leaky_relu", "gelu", "silu")
OUTPUTS = {  # what each loss makes of the last layer's t
    "cross_entropy": "softmax",
    "binary_cross_entropy": "logistic",
    "log_loss": "logistic",  # the same, clipped as scikit-learn clips it
    "squared_error": "identity",
    "absolute_error": "identity",
    "huber": "identity",
    "poisson": "exp",
}

LOSSES = tuple(name for name in OUTPUTS if name != "log_loss")  # a user's


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
    l1, l2 : float
        Add l1 times the sum of all weights' sizes and l2 / 2 times that of their squares to E.
    alpha, l1_share : float
        As l2 and l1, divided by the sum of the minibatch's weights, as scikit-learn has its penalty.
    number : float
        What the loss asks for: Huber's delta, or where cross-entropy is cut off; infinity for nowhere.
    label_smoothing : float
        Share of y that is spread over all classes.
    dropout : float or tuple of float
        Share of every hidden layer's outputs, or of each one's, that is dropped in training.
    clip_value, clip_norm : float
        Limits of dE/dW: of each of its elements, then of its length.
    """

    layer_sizes: tuple[int, ...]
    activation: str | tuple[str, ...] = "relu"
    loss: str = "cross_entropy"
    l1: float = 0.0
    l2: float = 0.0
    alpha: float = 0.0
    l1_share: float = 0.0
    number: float = math.inf
    label_smoothing: float = 0.0
    dropout: float | tuple[float, ...] = 0.0
    clip_value: float = math.inf
    clip_norm: float = math.inf

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
    def classifies(self) -> bool:
        """Whether outputs are right or wrong, so that there is an accuracy."""
        return OUTPUTS[self.loss] in ("softmax", "logistic")

    @property
    def dropouts(self) -> list[float]:
        """Share of each layer's outputs that is dropped."""
        hidden = len(self.layer_sizes) - 2
        each = list(self.dropout) if isinstance(self.dropout, tuple) else [self.dropout] * hidden
        return [*each, 0.0]

    @property
    def descends_plainly(self) -> bool:
        """Whether a step is dE/dW times the rate and nothing else."""
        return not (self.l1 or self.l2 or self.alpha or self.l1_share) and math.isinf(
            min(self.clip_value, self.clip_norm)
        )

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
