"""What the modules of this package share: a model's layers with their parameters named, and arguments checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..kernels.entries.activation import Activation
from ..kernels.losses import LOSSES
from ..model.model import Model

LOSS_OF = {loss.link: name for name, loss in reversed(LOSSES.items())}  # the first loss with each link


class Layer(NamedTuple):
    """A layer of a model.

    Parameters
    ----------
    W : numpy.ndarray of shape (inputs, outputs)
    b : numpy.ndarray of shape (outputs,)
    norm : tuple of numpy.ndarray
        g and c where it is normalized, else empty.
    slopes : tuple of numpy.ndarray
        The parameter of its activation where that has one, else empty.
    F : Activation
        The identity for the last layer.
    dropout : float
    """

    W: np.ndarray
    b: np.ndarray
    norm: tuple[np.ndarray, ...]
    slopes: tuple[np.ndarray, ...]
    F: Activation
    dropout: float


def layers_of(model: Model) -> Iterator[Layer]:
    """Yield the layers of a model."""
    network = model.network
    parts = zip(model.parameters, network.layer_norms, network.activations, network.dropouts, strict=True)
    for (W, b, *vectors), norm, F, dropout in parts:
        yield Layer(W, b, tuple(vectors[: 2 * norm]), tuple(vectors[2 * norm :]), F, dropout)


def checked_model(value: Any) -> Model:
    """Return `value`, if it is a model."""
    if not isinstance(value, Model):
        raise TypeError(f"model must be a fastbp.Model, got {type(value).__name__}")
    return value


def refuse_own_loss(model: Model, what: str, done: str) -> None:
    """Raise ValueError if the loss is the user's own, which has no such counterpart and cannot be exported."""
    if model.loss.is_own:
        raise ValueError(f"loss {model.loss.name!r} has no {what}, so that it can't be {done}")


def set_parameters(model: Model, layers: Iterable[tuple[np.ndarray, ...]]) -> Model:
    """Copy [(W, b, ...), ...], W of shape (inputs, outputs), in the order of `Model.parameters`; return the model.

    Raises ValueError where one has another shape: NumPy would repeat it.
    """
    for number, (layer, new_layer) in enumerate(zip(model.parameters, layers, strict=True), 1):
        for array, new in zip(layer, new_layer, strict=True):
            if np.shape(new) != array.shape:
                raise ValueError(f"layer {number} must have parameters of shape {array.shape}, got {np.shape(new)}")
            array[...] = new
    return model


def quoted(names: Iterable[str]) -> str:
    """Return names in quotes, for an error."""
    return ", ".join(map(repr, names))
