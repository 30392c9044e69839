"""States of callbacks, nested dicts and lists with arrays in them, as JSON and named arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

_PLAIN = bool, int, float, str, type(None)


def packed(value: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    """Return a value as JSON holds it. Arrays are put into `tensors`, under names that begin with `name`.

    Raises TypeError for what is neither of these: None, a number, text, an array of numbers, and dicts with names,
    lists and tuples of them.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
        key = f"{name}.{len(tensors)}"
        tensors[key] = value.astype(value.dtype.newbyteorder("="), order="C")  # a copy: it may change
        return {"array": key}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        value = value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: packed(each, name, tensors) for key, each in value.items()}}
    if isinstance(value, (list, tuple)):
        each = [packed(one, name, tensors) for one in value]
        return each if isinstance(value, list) else {"tuple": each}
    kinds = "None, numbers, text, arrays of numbers, and dicts with names, lists and tuples of these"
    raise TypeError(f"get_state of {name} must return a dict of {kinds}, got {value!r} in it")


def unpacked(kept: Any, tensors: dict[str, np.ndarray]) -> Any:
    """Return the value of which `packed` returned this."""
    if isinstance(kept, list):
        return [unpacked(one, tensors) for one in kept]
    if not isinstance(kept, dict):
        return kept
    ((kind, content),) = kept.items()
    if kind == "array":
        return tensors[content]
    if kind == "dict":
        return {key: unpacked(each, tensors) for key, each in content.items()}
    return tuple(unpacked(one, tensors) for one in content)
