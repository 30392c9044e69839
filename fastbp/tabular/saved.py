"""Saved models of tables: columns, networks and classes in a sealed file, without pickle."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..model.model import Model
from ..tables.columns import Columns
from .fitting import Member

if TYPE_CHECKING:
    from .model import TableModel

_CURVES = "errors", "losses"


def save(model: TableModel, path: str | os.PathLike[str]) -> None:
    """Write a model of a table to a file, whole or not at all; raise OSError where that is impossible."""
    from ..files import sealed
    from ..files.writing import write_whole

    config: dict[str, Any] = {
        "target": model.target,
        "classes": None if model.classes is None else model.classes.tolist(),
        "dtype": None if model.classes is None else model.classes.dtype.str,
        "members": [],
    }
    tensors: dict[str, np.ndarray] = {}
    for i, member in enumerate(model.members):
        about, arrays = _packed(member)
        config["members"].append(about)
        tensors |= {f"members.{i}.{name}": array for name, array in arrays.items()}
    write_whole(sealed.packed(sealed.TABLE, config, tensors), path)


def unpacked(data: bytes, metadata: dict[str, str]) -> tuple[list[Member], np.ndarray | None, str | None]:
    """Return what a `TableModel` is made of, from a file's content; raise where `save` writes no such."""
    from ..files import sealed

    config: dict[str, Any] = json.loads(metadata["config"])
    tensors, classes = sealed.tensors(data), None
    if config["classes"] is not None:
        dtype = np.dtype(config["dtype"])
        classes = np.array(config["classes"], dtype if dtype.kind != "U" else None)  # of text the width follows
        if classes.ndim != 1 or classes.dtype.kind not in "biufUO" or not len(classes):
            raise ValueError(f"classes must be a list of text or numbers, got {classes.dtype} of shape {classes.shape}")
    members = []
    for i, about in enumerate(config["members"]):
        start = f"members.{i}."
        mine = {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
        members.append(_member(about, mine))
        outputs = members[-1].model.layer_sizes[-1]
        if outputs != (1 if classes is None else len(classes)):
            raise ValueError(f"network {i} has {outputs} outputs, which are not those of the classes")
    if not members:
        raise ValueError("there are no networks")
    return members, classes, config["target"]


def _packed(member: Member) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the settings and the arrays of one network with its columns."""
    from ..files import models

    columns, arrays = member.columns.to_config()
    tensors = {f"columns.{name}": array for name, array in arrays.items()}
    network = member.model.get_config()
    del network["n_threads"]  # it is the machine's, and the next may have fewer
    tensors |= {f"network.{name}": array for name, array in models.arrays(member.model.network, member.model._flat)}
    tensors |= {name: np.asarray(getattr(member, name), np.float64) for name in _CURVES}
    scale = {"mean": member.mean, "deviation": member.deviation, "best_epoch": member.best_epoch}
    limits = None if member.limits is None else list(member.limits)
    return {"columns": columns, "network": network, "limits": limits, **scale}, tensors


def _member(about: dict[str, Any], tensors: dict[str, np.ndarray]) -> Member:
    from ..files import models

    start = "columns."
    arrays = {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
    columns = Columns.from_config(about["columns"], arrays)
    network = about["network"]
    models.check_shapes(tensors, network, "network.")
    model = Model(**network)
    state = model.get_state()
    for name, array in models.arrays(model.network, state["parameters"]):
        array[...] = models.fitting(tensors, f"network.{name}", array.shape, array.dtype)
    model.set_state(state)
    inputs = columns.n_outputs + len(columns.embedded)
    if model.layer_sizes[0] != inputs:
        raise ValueError(f"columns give {inputs} inputs, the network takes {model.layer_sizes[0]}")
    scale = float(about["mean"]), float(about["deviation"])
    limits = about["limits"] if about["limits"] is None else (float(about["limits"][0]), float(about["limits"][1]))
    curves = tensors["errors"], tensors["losses"]
    return Member(columns, model, *scale, about["best_epoch"], *curves, limits=limits)
