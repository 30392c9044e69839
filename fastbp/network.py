"""What a network is: its layers' sizes, and one flat vector of parameters with W, b and so on as views of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
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
    layer_norm : bool or tuple of bool
        Whether t of every hidden layer, or of each, is normalized, with parameters g and c.
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
    layer_norm: bool | tuple[bool, ...] = False
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
    def layer_norms(self) -> list[bool]:
        """Whether t of each layer is normalized."""
        hidden = len(self.layer_sizes) - 2
        each = list(self.layer_norm) if isinstance(self.layer_norm, tuple) else [self.layer_norm] * hidden
        return [*each, False]

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

    @cached_property
    def n_parameters(self) -> int:
        """Length of the flat vector Omega of eq. 9."""
        return sum((inputs + vectors) * outputs for (inputs, outputs), vectors in self._with_vectors())

    def views(self, flat: np.ndarray) -> list[tuple[np.ndarray, ...]]:
        """Split a flat vector of parameters, or of their gradients, into [(W, b), ...] without copying.

        A layer that is normalized is (W, b, g, c).
        """
        layers, start = [], 0
        for (inputs, outputs), vectors in self._with_vectors():
            middle, end = start + inputs * outputs, start + (inputs + vectors) * outputs
            layers.append((flat[start:middle].reshape(inputs, outputs), *flat[middle:end].reshape(vectors, outputs)))
            start = end
        return layers

    def _with_vectors(self) -> Iterator[tuple[tuple[int, int], int]]:
        """Yield the shape of each layer's W, and how many vectors as long as its output there are: b, g and c."""
        return zip(self.shapes, [3 if norm else 1 for norm in self.layer_norms], strict=True)

    def summary(self) -> str:
        """Return layers, shapes and parameter counts as text."""
        last = len(self.shapes) - 1
        rows = [("layer", "stages", "W", "b", "parameters")]
        for layer, ((inputs, outputs), vectors) in enumerate(self._with_vectors()):
            function = OUTPUTS[self.loss] if layer == last else self.activations[layer]
            stages = f"linear + {'layer_norm + ' * self.layer_norms[layer]}{function}"
            count = f"{(inputs + vectors) * outputs:,}"
            rows.append((str(layer + 1), stages, f"({inputs}, {outputs})", f"({outputs},)", count))
        rows.append(("", "", "", "total", f"{self.n_parameters:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join(lines)
