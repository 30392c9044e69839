"""Checks of what stands beside a table: rows to train on, columns of categories, columns to be found again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import checks
from .table import Table

_LISTED = 12  # names in an error


def training_rows(train: Any, rows: int) -> np.ndarray:
    """Return the numbers of the rows to train on, at least one, each within the table."""
    array = np.asarray(train)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"train must hold at least one row number, got an array of shape {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"train must hold row numbers, got an array of dtype {array.dtype}")
    if array.min() < 0 or array.max() >= rows:
        raise ValueError(f"train must hold row numbers from 0 to {rows - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)


def chosen(name: str, value: Any, given: Table) -> np.ndarray:
    """Return which columns an argument of the user's chooses, by names, numbers or a mask."""
    mask = np.zeros(given.columns, bool)
    if value is None:
        return mask
    if not checks.is_iterable(value):
        raise TypeError(f"{name} must be a list of names or numbers of columns, or a mask, got {value!r}")
    wanted = list(value)
    if wanted and all(isinstance(one, (bool, np.bool_)) for one in wanted):
        if len(wanted) != given.columns:
            raise ValueError(f"{name} must be a mask of {given.columns} columns, got {len(wanted)}")
        return np.array(wanted, bool)
    for one in wanted:
        if not isinstance(one, str):
            mask[checks.whole_number(f"{name}'s column", one, 0, given.columns - 1)] = True
        elif given.names is None:
            raise ValueError(f"{name} must hold numbers of columns, as X has no names, got {one!r}")
        elif one not in given.names:
            meant = checks.meant(one, given.names) or f"; its columns are {listed(given.names)}"
            raise ValueError(f"{name} must name columns of X, got {one!r}{meant}")
        else:
            mask[given.names.index(one)] = True
    return mask


def found(given: Table, names: Sequence[str] | None, used: Sequence[bool]) -> list[int | None]:
    """Return the place of each fitted column in a table, None for those that are not used.

    Columns are found by name if both tables have names, else by place; then their number must be the same. Numbers from
    0 are names in a frame that has them in another order.
    """
    counted = [str(i) for i in range(len(used))]
    if names is None and given.names is not None and set(given.names) == set(counted):
        names = counted
    if names is None or given.names is None:
        if given.columns != len(used):
            raise ValueError(f"{given.name} must have {len(used)} columns, as in fit, got {given.columns}")
        return [i if needed else None for i, needed in enumerate(used)]
    place = {name: i for i, name in enumerate(given.names)}
    missing = [name for name, needed in zip(names, used, strict=True) if needed and name not in place]
    if missing:
        others = [name for name in given.names if name not in names]
        hint = f"; {given.name} has {listed(others)} instead" if others else ""
        raise ValueError(f"{given.name} must have the columns of fit; missing: {listed(missing)}{hint}")
    return [place[name] if needed else None for name, needed in zip(names, used, strict=True)]


def listed(names: Sequence[str]) -> str:
    """Return some names for an error."""
    return ", ".join(map(repr, names[:_LISTED])) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
