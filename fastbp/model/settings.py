"""What of a model may be assigned: each value is checked, and settings that training can't take up are refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import checks, classes
from ..execution import threads

_FIXED = (
    "network", "dtype", "kernels", "layer_sizes", "activation", "optimizer", "loss", "seed", "l1", "l2",
    "dropout", "label_smoothing", "layer_norm", "clip_value", "clip_norm", "initializer", "scaling_layer", "embedding",
    "precision",
)  # fmt: skip
_OF_INPUTS = ("input_shift", "input_scale")  # the rows of a running training keep those that it began with


def assigned(model: Any, name: str, value: Any) -> Any:
    """Return what an attribute of a model becomes if this is assigned to it.

    Raises
    ------
    AttributeError
        If a model can't be changed so.
    RuntimeError
        If the attribute can't be set while a call changes the model.
    ValueError, TypeError
        If the value is not allowed.
    """
    made = model.__dict__
    if name in _FIXED and "network" in made and (name in made or name not in ("dtype", "kernels", "initializer")):
        _require_same(model, name, value)
    if name in _OF_INPUTS and "_use" in made and made["_use"].busy:
        raise RuntimeError(f"{name} can't be set while a call of fit changes the model; set it before or after")
    return _CHECKED[name](model, value) if name in _CHECKED else value


def _require_same(model: Any, name: str, value: Any) -> None:
    """Raise AttributeError where a setting would change, unless it is one that a subclass has for itself.

    A subclass may name the attribute in its class, keep a setting as it is, and keep its seed.
    """
    kind, config = type(model), model.get_config()
    declared = getattr(kind, name, None)
    its_own = hasattr(kind, name) and not (isinstance(declared, property) and declared.fset is None)
    plain = isinstance(value, (bool, int, float, str, list, tuple, type(None)))
    same = plain and name in config and (list(value) if isinstance(value, tuple) else value) == config[name]
    if its_own or same or (name == "seed" and kind.__module__ != f"{__package__}.model"):
        return
    raise AttributeError(
        f"{name} of a model can't be changed: make a new one, such as "
        f"fastbp.Model(**model.get_config() | {{{name!r}: ...}})"
    )


def _input_scale(model: Any, value: Any) -> Any:
    found = checks.per_column("input_scale", value, model.layer_sizes[0])
    if found is not None and not np.any(found):
        raise ValueError("input_scale must not be 0 for all columns: the inputs of all rows would be the same")
    return found


_CHECKED = {
    "n_threads": lambda model, value: checks.threads(value, threads.most()),
    "input_shift": lambda model, value: checks.per_column("input_shift", value, model.layer_sizes[0]),
    "input_scale": _input_scale,
    "feature_names": lambda model, value: checks.names("feature_names", value, model.layer_sizes[0]),
    "class_names": lambda model, value: classes.checked(value, model.network),
}  # what methods rely on of the attributes that may be set
