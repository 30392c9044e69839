"""What the modules of this package share: a model's layers with their parameters named, and arguments checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..data import members
from ..kernels.entries.activation import Activation
from ..kernels.losses import LOSSES
from ..model.model import Model

LOSS_OF = {loss.link: name for name, loss in reversed(LOSSES.items())}  # the first loss with each link


class Layer(NamedTuple):
    """A layer of a model.

    Parameters
    ----------
    W : numpy.ndarray of shape (inputs, outputs)
        Of the first layer with the scales of a scaling layer in it; see `first_weights`.
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


def layers_of(model: Model, takes_members: bool = False) -> Iterator[Layer]:
    """Yield the layers of a model; with members the last ones are their output layers, and W holds no scales.

    Raises ValueError where it has members, unless the caller `takes_members`, and where it embeds columns, which no
    other library has alike.
    """
    network = model.network
    if network.embedding is not None:
        raise ValueError("model embeds columns of X: such a model can't be exported, only saved by Model.save")
    if not takes_members:
        members.refuse(network, "a network of PyTorch or scikit-learn")
    parts = zip(model.parameters, network.layer_norms, network.activations, network.dropouts, strict=True)
    for number, ((W, b, *vectors), norm, F, dropout) in enumerate(parts):
        taken = W if number else first_weights(model).astype(W.dtype, copy=False)
        yield Layer(taken, b, tuple(vectors[: 2 * norm]), tuple(vectors[2 * norm :]), F, dropout)


def first_weights(model: Model) -> np.ndarray:
    """Return W_ij s_i, which takes x without a scaling layer, as float64; W itself where the model has no such layer.

    Raises ValueError where a product is beyond the model's dtype.
    """
    W = model.parameters[0][0]
    if not model.network.scaling_layer or model.network.n_members > 1:
        return W
    with np.errstate(all="ignore"):
        product = W.astype(np.float64) * model.scales[:, None]
        if np.isinf(product.astype(W.dtype)).any() and np.isfinite(W).all() and np.isfinite(model.scales).all():
            raise ValueError(
                f"scales times W of the first layer are beyond {W.dtype}, so that they can't be one matrix; the "
                f"largest scale is {np.abs(model.scales).max():g}"
            )
    return product


def checked_model(value: Any) -> Model:
    """Return `value`, if it is a model."""
    if not isinstance(value, Model):
        raise TypeError(f"model must be a fastbp.Model, got {type(value).__name__}")
    return value


def refuse_determined(settings: dict[str, Any], what: str, names: Iterable[str]) -> None:
    """Raise TypeError for a setting of Model that the network from elsewhere determines."""
    for name in names:
        if name in settings:
            raise TypeError(f"{name} must not be given, got {settings[name]!r}: {what} determines it")


def refuse_own_loss(model: Model, what: str, done: str) -> None:
    """Raise ValueError if the loss is the user's own, which has no such counterpart and cannot be exported."""
    if model.loss.is_own:
        raise ValueError(f"loss {model.loss.name!r} has no {what}, so that it can't be {done}")


def trained_with(model: Model) -> list[str]:
    """Return the names of the settings by which a model is trained and scikit-learn's networks are not."""
    config = model.get_config()
    config["epsilon_after_correction"] = config["optimizer"].get("epsilon_after_correction", False)
    config["label_smoothing"] = getattr(model.loss, "label_smoothing", 0)
    config["parametrization"] = model.optimizer.parametrization != "standard"
    config["rate_factors"] = bool(model.optimizer.rate_factors)
    names = ("label_smoothing", "l1", "dropout", "clip_value", "clip_norm", "scaling_layer", "parametrization")
    return [name for name in (*names, "rate_factors", "epsilon_after_correction") if np.any(config[name])]


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
