"""What the modules of this package share: arguments checked, parameters set, the model's parts named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import network
from ..model import Model


def checked_model(value: Any) -> Model:
    """Return `value`, if it is a model."""
    if not isinstance(value, Model):
        raise TypeError(f"model must be a fastbp.Model, got {type(value).__name__}")
    return value


def set_parameters(model: Model, layers: Iterable[tuple[np.ndarray, ...]]) -> Model:
    """Copy [(W, b), ...], W of shape (inputs, outputs), (W, b, g, c) where normalized, into a model; return it."""
    for layer, new_layer in zip(model.parameters, layers, strict=True):
        for array, new in zip(layer, new_layer, strict=True):
            array[...] = new
    return model


def hidden_activations(model: Model) -> list[str]:
    """Return F of each hidden layer."""
    return model.network.activations[:-1]


def normalized(model: Model) -> list[bool]:
    """Return whether each hidden layer is normalized."""
    return model.network.layer_norms[:-1]


def output_link(model: Model) -> str:
    """Return what becomes of the last layer's t: "softmax", "logistic", "identity" or "exp"."""
    return network.OUTPUTS[model.network.loss]


def quoted(names: Iterable[str]) -> str:
    """Return names in quotes, for an error."""
    return ", ".join(map(repr, names))
