"""Labels as printed in a data set, and the class numbers they stand for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_PLAIN = re.compile(r"([+-]?)(0|[1-9]\d*)?(?:\.(\d*))?", re.ASCII)


def number(text: str) -> Decimal | None:
    """Return the finite number that a text stands for, exactly, or None.

    Numbers are written in ASCII digits, with or without a sign, a point and an exponent. Python's `float` takes more:
    1_000, digits of other scripts, and the words for infinity and NaN.
    """
    try:
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:  # an exponent of twenty digits
        return None


def same(text: str) -> str:
    """Return what all spellings of one number share, and no other text has.

    3, +3 and 3.0 are one number, as are .5 and 0.50. Anything that may be a code is a text of its own: leading zeros
    (01234), exponents (1e2), 1_1, digits of other scripts.
    """
    found = _PLAIN.fullmatch(text)
    if found is None or number(text) is None:
        return text
    sign, whole, fraction = found[1], found[2] or "0", (found[3] or "").rstrip("0")
    magnitude = f"{whole}.{fraction}" if fraction else whole
    return f"-{magnitude}" if sign == "-" and magnitude != "0" else magnitude


def merged(labels: Sequence[str]) -> list[list[str]]:
    """Return the labels of which `encode` makes one class, where these are several: 1 and 1.0."""
    kinds = set(labels)
    if any(number(text) is None for text in kinds):
        return []
    spellings: dict[str, list[str]] = {}
    for text in sorted(kinds, key=_short_first):
        spellings.setdefault(same(text), []).append(text)
    return [each for each in spellings.values() if len(each) > 1]


def encode(labels: Sequence[str], class_names: list[str] | None = None) -> tuple[np.ndarray, list[str]]:
    """Turn labels into class numbers.

    Parameters
    ----------
    labels : sequence of str
        If all are numbers, they keep their numeric order, and the spellings of one number (see `same`) are one class.
    class_names : list of str, optional
        The classes, where they are settled already.

    Returns
    -------
    y : ndarray of shape (len(labels),), int64
    class_names : list of str
        As printed, numbers in their order, text in alphabetical order.

    Raises
    ------
    ValueError
        For a label that is not among `class_names`.
    """
    kinds = set(labels)
    values = {text: number(text) for text in (kinds if class_names is None else class_names)}
    numeric = None not in values.values()
    key = same if numeric else str
    if class_names is None:
        printed = {key(text): text for text in sorted(kinds, key=_short_first, reverse=True)}  # the shortest stays
        order: Any = (lambda text: (values[text], text)) if numeric else None
        class_names = sorted(printed.values(), key=order)
    place = {key(text): i for i, text in enumerate(class_names)}
    unknown = sorted(text for text in kinds if key(text) not in place)
    if unknown:
        raise ValueError(f"label {unknown[0]!r} is not among the classes to learn")
    return np.array([place[key(text)] for text in labels], np.int64), class_names


def _short_first(text: str) -> tuple[int, str]:
    return len(text), text
