"""Saved models: their settings, parameters, and the state of their training, in a sealed file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import embeddings
from ..kernels.activations import ACTIVATIONS
from ..kernels.entries.activation import Activation
from ..kernels.entries.loss import Loss
from ..kernels.losses import LOSSES
from . import sealed
from .writing import path_of, write_whole

if TYPE_CHECKING:
    from ..model.model import Model
    from ..network import Network

VECTORS = {"b": "bias", "g": "norm.weight", "c": "norm.bias"}  # names of a layer's vectors, all others' their own
LONGEST = 1000  # most characters of an error that are quoted
FOREIGN = AttributeError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError  # what its content raises


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all; the same model gives the same bytes.

    Parameters
    ----------
    model : Model
    path : path
        A file there is replaced.

    Raises
    ------
    OSError
        Where the file can't be written; what was there is then as it was.
    """
    write_whole(_packed(model), path)


def load(path: str | os.PathLike[str], custom: Mapping[str, Activation | Loss] | None = None) -> Model:
    """Read a model that `Model.save` wrote: its predictions and its further training are the same to the bit.

    A file of a tabular estimator or of ``fastbp train`` on a table gives a `fastbp.tabular.model.TableModel`.

    Parameters
    ----------
    path : path
    custom : mapping of str to Activation or Loss, optional
        The activations and losses of your own that the model has, by their names: a file keeps no functions.

    Returns
    -------
    Model or TableModel

    Raises
    ------
    ValueError
        Where the file is no model, a byte of it is damaged, another version of fastbp wrote it, or `custom` lacks what
        it has.
    TypeError
        Where `path` is no path, or `custom` holds anything else.
    OSError
        Where the file can't be read.

    Examples
    --------
    >>> import fastbp
    >>> fourth = fastbp.losses.PointLoss("fourth", lambda z, y: (z - y) ** 4 / 4, lambda z, y: (z - y) ** 3)
    >>> fastbp.Model([4, 8, 1], loss=fourth).save("model.fastbp")
    >>> model = fastbp.load("model.fastbp", custom={"fourth": fourth})
    """
    path, custom = path_of(path), _checked(custom)
    data, metadata = sealed.read(path)
    if metadata["format"] == sealed.CHECKPOINT:
        raise ValueError(f"{path}: a checkpoint of a training, which Model.fit(resume=folder) goes on with, no model")
    try:
        if metadata["format"] == sealed.TABLE:
            from ..tabular import model, saved

            return model.TableModel(*saved.unpacked(data, metadata))  # type: ignore[return-value]  # as the docs say
        return _unpacked(data, metadata, custom)
    except MissingError as error:
        raise ValueError(f"{path}: {_brief(error)}") from None
    except FOREIGN as error:  # no damage, the checksum is right: whatever it is, the file was not made by `save`
        raise ValueError(f"{path}: not a model that fastbp can use: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    """Return what an error says, without the end of a long text, which may quote all of a file."""
    text = str(error)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _packed(model: Model) -> tuple[bytes, memoryview]:
    """Return the whole file of a model."""
    config, state = model.get_config(), model.get_state()
    tensors: dict[str, np.ndarray] = {}
    del config["n_threads"]  # it is the machine's, and the next may have fewer
    tensors.update(arrays(model.network, state["parameters"]))
    for slot, values in state["optimizer"].items():
        tensors[f"optimizer.{slot}"] = values
    for name in ("shift", "scale"):
        if isinstance(config[f"input_{name}"], list):
            tensors[f"input.{name}"] = np.array(config.pop(f"input_{name}"), np.float64)
    metadata = {"steps": str(state["steps"]), "random": json.dumps(state["random"])}
    return sealed.packed(sealed.MODEL, config, tensors, metadata)


def arrays(network: Network, flat: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each array of parameters, views of `flat`, with its name in the file."""
    for i, ((W, *vectors), named) in enumerate(zip(network.views(flat), network.vectors, strict=True)):
        yield f"layers.{i}.weight", W
        for vector, (name, _) in zip(vectors, named, strict=True):
            yield f"layers.{i}.{VECTORS.get(name, name)}", vector
    if network.scaling_layer:
        yield "scales", network.scales(flat)
    if (embedded := network.embeddings(flat)) is not None:
        yield from ((f"embedding.{name}", getattr(embedded, name)) for name in "wbVc")
        yield from ((f"embedding.tables.{i}", table) for i, table in enumerate(embedded.tables))


class MissingError(LookupError):
    """A file's model has an activation or loss that is not given."""


def _checked(custom: Any) -> Mapping[str, Any]:
    """Return a mapping of names to activations and losses, if it is one or None."""
    if custom is None:
        return {}
    if not isinstance(custom, Mapping) or not all(isinstance(one, (Activation, Loss)) for one in custom.values()):
        raise TypeError(f"custom must map names to objects of fastbp.activations and fastbp.losses, got {custom!r}")
    return custom


def _unpacked(data: bytes, metadata: dict[str, str], custom: Mapping[str, Any]) -> Model:
    from ..model.model import Model

    tensors = sealed.tensors(data)
    config: dict[str, Any] = json.loads(metadata["config"])
    for name in ("shift", "scale"):
        if f"input.{name}" in tensors:
            config[f"input_{name}"] = tensors.pop(f"input.{name}")
    check_shapes(tensors, config)
    model = Model(**config | _own(config, custom))
    kept = model.get_state()
    for name, array in arrays(model.network, kept["parameters"]):
        array[...] = fitting(tensors, name, array.shape, array.dtype)
        del tensors[name]
    slots = {name.removeprefix("optimizer."): tensor for name, tensor in tensors.items()}
    state = {"steps": int(metadata["steps"]), "random": json.loads(metadata["random"]), "optimizer": slots}
    model.set_state(kept | state)
    return model


def check_shapes(tensors: Mapping[str, np.ndarray], config: dict[str, Any], start: str = "") -> None:
    """Raise ValueError if the weights are not those of the layers, before room is made for layers of any size."""
    columns, *others = config["layer_sizes"]
    embedding = embeddings.checked(config.get("embedding"), columns, np.dtype(config["dtype"]))
    inputs = columns if embedding is None else embedding.of(columns).size
    for i, shape in enumerate(pairwise((inputs, *others))):
        fitting(tensors, f"{start}layers.{i}.weight", shape, np.dtype(config["dtype"]))


def _own(config: dict[str, Any], custom: Mapping[str, Any]) -> dict[str, Any]:
    """Return activations and loss of a config, those that are a user's as objects."""
    activation, loss = config["activation"], config["loss"]
    if isinstance(activation, list):
        found: Any = [_one("activation", name, name, ACTIVATIONS, custom, Activation) for name in activation]
    else:
        found = _one("activation", activation, activation, ACTIVATIONS, custom, Activation)
    return {"activation": found, "loss": _one("loss", loss["name"], loss, LOSSES, custom, Loss)}


def _one(what: str, name: str, kept: Any, known: Mapping[str, Any], custom: Mapping[str, Any], kind: type) -> Any:
    """Return the user's object of this name, or what the file keeps of a built-in one."""
    if isinstance(custom.get(name), kind):
        return custom[name]
    if name in known:
        return kept
    hint = f"give it as load(path, custom={{{name!r}: ...}})"
    raise MissingError(f"the model's {what} {name!r} is not one of fastbp's; {hint}")


def fitting(tensors: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return the tensor of this name, if there is one of this shape and dtype."""
    if name not in tensors:
        raise ValueError(f"no tensor {name}")
    tensor = tensors[name]
    if tensor.shape != shape or tensor.dtype != dtype:
        raise ValueError(f"{name} of shape {tensor.shape} and dtype {tensor.dtype}, expected {shape} of {dtype}")
    return tensor
