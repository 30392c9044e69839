"""Text that stands for something else: numbers, dates, true and false, and gaps."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from ..files.labels import number

MISSING = math.nan  # what a gap becomes among numbers
INSTANT = "datetime64[us]"
_GAPS = frozenset(
    ["", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "nat", "null", "(null)", "none", "nil"]
    + ["?", "-", "--", ".", "missing", "unknown"]
)  # words for a gap among numbers and dates
_INFINITE = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
_CODE = re.compile(r"[+-]?0\d+")  # leading zeros make a code of digits
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\d*)?(?: ?(?:Z|UTC|([+-])(\d\d):?(\d\d)))?",
    re.ASCII,
)


def is_gap(text: str) -> bool:
    """Return whether a text stands for a gap in a column of numbers or dates: "", "NA", "?" and the like."""
    return text.strip().lower() in _GAPS


def as_number(text: str) -> float | None:
    """Return the number that a text stands for, NaN for a gap, or None; infinity is a number here."""
    text = text.strip()
    if number(text) is not None or _INFINITE.fullmatch(text):
        return float(text)
    return MISSING if text.lower() in _GAPS else None


def as_numbers(texts: Sequence[str]) -> np.ndarray | None:
    """Return the numbers that texts stand for, NaN for gaps; None if some are no numbers, or none is one.

    Digits with leading zeros are codes: 01234 is no number.
    """
    found = [as_number(text) for text in texts]
    if None in found or any(_CODE.fullmatch(text.strip()) for text in texts):
        return None
    values = np.array(found, np.float64)
    return None if np.isnan(values).all() else values


def whole(texts: Sequence[str]) -> bool:
    """Return whether the texts that are no gaps are whole numbers, written in digits alone."""
    return all(_WHOLE.fullmatch(text.strip()) for text in texts if not is_gap(text))


def as_dates(texts: Sequence[str]) -> np.ndarray | None:
    """Return the ISO dates that texts stand for, with or without a time, NaT for gaps; None if some are no dates.

    Times of a zone become those of UTC.
    """
    found: list[str] = []
    minutes: list[int] = []
    for text in texts:
        match = _DATE.fullmatch(text.strip())
        if match is None and not is_gap(text):
            return None
        day, time, sign, hours, rest = match.groups("") if match else ("NaT", "", "", "", "")
        found.append(f"{day}T{time}" if time else day)
        minutes.append((60 * int(hours) + int(rest)) * (-1 if sign == "+" else 1) if sign else 0)
    try:
        instants = np.array(found, INSTANT)
    except ValueError:  # no such day
        return None
    return None if np.isnat(instants).all() else instants + np.array(minutes, "timedelta64[m]")


def is_true(text: str) -> bool | None:
    """Return what true and false stand for, in any case, or None for another text."""
    return {"true": True, "false": False}.get(text.strip().lower())
