"""Settings of optimizers, losses and activations: numbers within limits, checked where they are given.

`fastbp.data.checks` uses the same functions for all other arguments.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def is_whole(value: Any) -> bool:
    """Return whether `value` is a whole number, and neither a truth value nor a time, which NumPy has as one."""
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.timedelta64))


def number(name: str, value: Any) -> float:
    """Return `value` as a float, if it is a real number and no truth value."""
    if not (is_whole(value) or (isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral))):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be a number within float64, got one beyond 1.8e308") from None


def rate(name: str, value: Any) -> float:
    """Return `value` as a float, if it is a finite number and not negative."""
    given = number(name, value)
    if not (math.isfinite(given) and given >= 0):
        raise ValueError(f"{name} must be finite and not negative, got {value}")
    return given


def above_zero(name: str, value: Any) -> float:
    """Return `value` as a float, if it is a finite number above 0."""
    given = rate(name, value)
    if given == 0:
        raise ValueError(f"{name} must be above 0, got {value}")
    return given


def share(name: str, value: Any) -> float:
    """Return `value` as a float, if it is a number from 0 to below 1."""
    given = rate(name, value)
    if given >= 1:
        raise ValueError(f"{name} must be below 1, got {value}")
    return given


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool, if it is True, False, 1 or 0."""
    if isinstance(value, (bool, np.bool_)) or (is_whole(value) and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {value!r}")


def rates(name: str, value: Any, known: Sequence[str]) -> dict[str, float]:
    """Return the numbers other than 1 of a dict for some of the known names, or of None; none may be negative."""
    given = {} if value is None else value
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} must be a dict of numbers for some of {list(known)}, got {value!r}")
    if unknown := [key for key in given if key not in known]:
        raise ValueError(f"{name} must hold numbers for some of {list(known)}, got {unknown[0]!r}")
    found = {key: rate(f"{name}[{key!r}]", given[key]) for key in known if key in given}
    return {key: factor for key, factor in found.items() if factor != 1}


def choice(name: str, value: Any, known: Sequence[str]) -> str:
    """Return the known name that `value` is, in any case."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r} of type {type(value).__name__}")
    if value.lower() not in known:
        raise ValueError(f"{name} {value!r} is not known; known are {', '.join(map(repr, known))}")
    return value.lower()


def setting(default: Any, check: Any) -> Any:
    """Return a dataclass field with this default, whose value `check(name, value)` returns or refuses."""
    return dataclasses.field(default=default, metadata={"check": check})


class Checked:
    """Base class of frozen dataclasses: fields made by `setting` are checked when an object is made.

    A subclass without fields of its own need not be decorated, which takes a millisecond of each import.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            if check := field.metadata.get("check"):
                object.__setattr__(self, field.name, check(field.name, getattr(self, field.name)))

    def settings(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if "check" in field.metadata
        }
