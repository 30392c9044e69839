"""A column's cells in one of four forms, whatever library and dtype it came in."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from .words import INSTANT

Form = Literal["number", "boolean", "date", "text"]
SECOND = np.timedelta64(1, "s")
_DURATIONS = (datetime.time, datetime.timedelta, np.timedelta64)
_NO_VALUE = ("NAType", "NaTType")  # of pandas


@dataclass(frozen=True)
class Cells:
    """A column's cells.

    Parameters
    ----------
    form : {"number", "boolean", "date", "text"}
    values : ndarray of shape (rows,)
        Integers, or float64 with NaN for gaps, also for booleans, which are 0 and 1; datetime64 with NaT; or for text
        the number of each cell among `texts`, -1 for gaps.
    texts : tuple of str
        The different texts of the cells, in no order.
    whole : bool
        Whether numbers are integers by their dtype.
    category : bool
        Whether the dtype is a categorical one.
    narrow : numpy.dtype, optional
        Of numbers that had fewer digits than float64, whose texts have these.
    exact : Cells, optional
        Text of whole numbers so large that float64 takes several for one.
    """

    form: Form
    values: np.ndarray
    texts: tuple[str, ...] = ()
    whole: bool = False
    category: bool = False
    narrow: np.dtype | None = None
    exact: Cells | None = None

    @property
    def gaps(self) -> np.ndarray:
        """Return which cells are missing."""
        if self.form == "text":
            return self.values < 0
        return np.isnat(self.values) if self.form == "date" else np.isnan(self.values)

    def coded(self) -> tuple[np.ndarray, Sequence[str]]:
        """Return the number of each cell among texts, -1 for gaps, and the texts: one for each different value."""
        if self.form == "text":
            return self.values, self.texts
        if self.exact is not None:
            return self.exact.coded()
        there = ~self.gaps
        found, its = np.unique(self.values[there], return_inverse=True)
        codes = np.full(len(there), -1)
        codes[there] = its
        if self.form == "boolean":
            texts = ["False" if value == 0 else "True" for value in found.tolist()]
        else:
            kept = found.astype(self.narrow) if self.narrow else found.tolist() if self.form == "number" else found
            texts = [text_of(value) for value in kept]
        return codes, texts

    def text(self, row: int) -> str:
        """Return a cell as errors show it."""
        if self.form == "text":
            return repr(self.texts[self.values[row]][:40])
        return str(self.values[row])


def text_of(value: Any) -> str:
    """Return the text of a value that is a category: 1 and 1.0 are both "1", and text is itself."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (numbers.Real, Decimal)):
        if isinstance(value, numbers.Integral):
            return str(int(value))
        number = float(str(value) if isinstance(value, np.floating) else value)  # 1.1 in float32 is 1.1 in float64
        return str(int(number)) if number.is_integer() else repr(number)
    if isinstance(value, (datetime.date, np.datetime64)):
        text = str(value).replace("T", " ")
        day, _, time = text.partition(" ")
        return text if time.strip("0:.") else day
    return str(value)


def of_array(array: np.ndarray, what: str) -> Cells:
    """Return the cells of an array of shape (rows,); TypeError for a dtype that holds nothing of use."""
    kind = array.dtype.kind
    if kind in "iu":
        return Cells("number", array, whole=True)
    if kind == "f":
        return Cells("number", array.astype(np.float64), narrow=narrow(array.dtype))
    if kind == "b":
        return Cells("boolean", array.astype(np.float64))
    if kind == "M":
        return Cells("date", array.astype(INSTANT))
    if kind == "m":
        return Cells("number", array / SECOND)
    if kind in "OUT":
        return of_values(array.tolist(), what)
    raise refused(what, f"dtype {array.dtype}")


def of_values(values: list[Any], what: str) -> Cells:
    """Return the cells of a list of anything; TypeError names what is neither number, text, date nor missing."""
    try:
        codes, different = numbered(values)
    except TypeError:
        raise refused(what, "cells that are lists or the like") from None
    return of_codes(codes, different, what)


def numbered(values: list[Any]) -> tuple[np.ndarray, list[Any]]:
    """Return the number of each value among the different ones, and these in the order in which they come.

    Booleans among anything else are 1 and 0, which they equal.
    """
    truths = {*map(type, values)} & {bool, np.bool_}
    if truths and not all(type(value) in truths or is_missing(value) for value in values):
        values = [int(value) if type(value) in truths else value for value in values]
    different = list(dict.fromkeys(values))
    place = {value: i for i, value in enumerate(different)}
    return np.fromiter(map(place.__getitem__, values), np.int64, len(values)), different


def of_codes(codes: np.ndarray, values: list[Any], what: str, category: bool = False) -> Cells:
    """Return the cells of a column that is given as a number for each cell, -1 for gaps, and the values so numbered."""
    if any(isinstance(value, _DURATIONS) for value in values):
        values = [seconds(value) if isinstance(value, _DURATIONS) else value for value in values]
    there = [value for value in values if not is_missing(value)]
    form = "text" if category else _form_of(there, what)
    if form == "text":
        return _texts(codes, values, category)
    if form == "date":
        instants = np.array([_instant(value) for value in values], INSTANT)
        return Cells("date", _taken(codes, instants, np.datetime64("NaT")))
    whole = all(isinstance(value, numbers.Integral) for value in there)
    try:
        found = np.array([np.nan if is_missing(value) else float(value) for value in values], np.float64)
    except OverflowError:
        raise ValueError(f"{what} must hold numbers within float64, got a larger one") from None
    kinds = {value.dtype if isinstance(value, np.floating) else None for value in there}
    kind = narrow(kinds.pop()) if len(kinds) == 1 else None
    exact = _texts(codes, values, False) if whole and is_inexact(found) else None
    return Cells(form, _taken(codes, found, np.nan), whole=whole, narrow=kind, exact=exact)


def is_inexact(values: np.ndarray) -> bool:
    """Return whether float64 may have taken several whole numbers for one."""
    return bool(len(values)) and bool((np.abs(values) >= 2.0**53).any())


def narrow(kind: Any) -> np.dtype | None:
    """Return a dtype of NumPy, or of a library that calls its own alike, if it is of floats shorter than float64."""
    name = str(kind).lower()
    return np.dtype(name) if name in ("float16", "float32") else None


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, NaT or pandas's NA."""
    if value is None or type(value).__name__ in _NO_VALUE:
        return True
    return value.is_nan() if isinstance(value, Decimal) else bool(value != value)  # a signalling NaN can't be compared


def seconds(value: Any) -> float:
    """Return a duration or a time of the day in seconds."""
    if is_missing(value):
        return np.nan
    if isinstance(value, datetime.time):
        return 3600 * value.hour + 60 * value.minute + value.second + value.microsecond / 1e6
    return float(np.timedelta64(value, "us") / SECOND)


def refused(what: str, came: str) -> TypeError:
    """Return the error to raise about a column that holds anything else."""
    return TypeError(f"{what} must hold numbers, booleans, text, categories or dates, got {came}; leave it out")


def _form_of(values: list[Any], what: str) -> Form:
    kinds = {type(value) for value in values}
    if all(issubclass(kind, (bool, np.bool_)) for kind in kinds):
        return "boolean" if kinds else "number"
    if all(issubclass(kind, (numbers.Real, Decimal, np.bool_)) for kind in kinds):
        return "number"
    if all(issubclass(kind, (datetime.date, np.datetime64)) for kind in kinds):
        return "date"
    for kind in kinds:
        if not issubclass(kind, (str, numbers.Real, Decimal, np.bool_, datetime.date, np.datetime64)):
            raise refused(what, f"a cell of type {kind.__name__}")
    return "text"


def _texts(codes: np.ndarray, values: list[Any], category: bool) -> Cells:
    """Return text cells: equal texts are one, blank ones are gaps, and those of no cell are left out."""
    used = np.zeros(len(values) + 1, bool)
    used[codes] = True
    place: dict[str, int] = {}
    numbering = np.full(len(values) + 1, -1)
    for i in np.flatnonzero(used[:-1]):
        if not is_missing(values[i]) and (text := text_of(values[i])).strip():
            numbering[i] = place.setdefault(text, len(place))
    return Cells("text", numbering[codes], tuple(place), category=category)


def _taken(codes: np.ndarray, values: np.ndarray, missing: Any) -> np.ndarray:
    return np.append(values, missing)[codes]  # -1 takes the last


def _instant(value: Any) -> np.datetime64:
    """Return a date as NumPy has it, with its zone's time as that of UTC."""
    if is_missing(value):
        return np.datetime64("NaT")
    ahead = value.utcoffset() if isinstance(value, datetime.datetime) else None
    if ahead is not None:
        value = value.replace(tzinfo=None)
    if hasattr(value, "to_datetime64"):
        value = value.to_datetime64()
    return np.datetime64(value, "us") - np.timedelta64(ahead or 0, "us")
