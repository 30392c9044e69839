"""Targets of tables: classes or numbers, and rows that have none."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..files import tasks
from . import words
from .cells import Cells
from .table import series

_NAMES: dict[str, Literal["classes", "numbers"]] = {"classification": "classes", "regression": "numbers"}


def classes_or_numbers(y: Any) -> Literal["classes", "numbers"]:
    """Return whether a target is classes to tell apart, or numbers to predict.

    Text and booleans are classes. Numbers are classes if there are two different ones, if they count from 0 or 1
    without a gap, or if they are few and come again. Rows without a target do not count.

    Parameters
    ----------
    y : Series, array or list of shape (rows,), or a table of one column

    Returns
    -------
    {"classes", "numbers"}

    Raises
    ------
    TypeError
        Where y holds dates, or neither numbers nor text.
    ValueError
        Where no row has a target, or a number is infinite.

    Examples
    --------
    >>> from fastbp.tables.targets import classes_or_numbers
    >>> classes_or_numbers(["yes", "no", None])
    'classes'
    >>> classes_or_numbers([0.31, 1.72, 5.25, 1.8])
    'numbers'
    """
    cells = _target(y)
    codes, texts = cells.coded()
    if cells.form == "date":
        raise TypeError("y must hold classes or numbers, got dates")
    if not (codes >= 0).any():
        raise ValueError("y must hold a target in at least one row, got gaps alone")
    if cells.form == "number" and np.isinf(cells.values).any():
        row = int(np.argmax(np.isinf(cells.values)))
        raise ValueError(f"y must hold finite numbers, got {cells.values[row]} in row {row}")
    if cells.form != "number":
        return "classes"
    return _NAMES[tasks.guess([texts[code] for code in codes[codes >= 0].tolist()])[0]]


def has_target(y: Any) -> np.ndarray:
    """Return which rows have a target.

    None, NaN and blank text are none, nor are words for gaps such as "NA" and "?" among text that holds numbers.

    Parameters
    ----------
    y : Series, array or list of shape (rows,), or a table of one column

    Returns
    -------
    ndarray of shape (rows,), bool

    Raises
    ------
    TypeError, ValueError
        Where y is not one column.

    Examples
    --------
    >>> from fastbp.tables.targets import has_target
    >>> has_target(["yes", None, "no", ""])
    array([ True, False,  True, False])
    """
    return ~_target(y).gaps


def _target(y: Any) -> Cells:
    """Return the cells of y, text that holds numbers read as these."""
    cells = series(y, "y")
    if cells.form != "text" or (values := words.as_numbers(cells.texts)) is None:
        return cells
    return Cells("number", np.append(values, np.nan)[cells.values])
