"""Labels as printed in a data set, and the class numbers they stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def number(text: str) -> int | float | None:
    """Return the finite number that a text stands for, whole ones exactly, or None."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def encode(labels: Sequence[str], class_names: list[str] | None = None) -> tuple[np.ndarray, list[str]]:
    """Turn labels into class numbers.

    Parameters
    ----------
    labels : sequence of str
        If all are numbers, they keep their numeric order, and those that are equal (1 and 1.0) are one class.
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
    kinds = set(labels).union(class_names or ())
    values = {text: number(text) for text in kinds}
    keys: dict[str, Any] = {text: text for text in kinds} if None in values.values() else values
    if class_names is None:
        # of 1, 1.0 and 01 the last one stays: the shortest
        printed = {keys[text]: text for text in sorted(kinds, key=lambda text: (-len(text), text))}
        class_names = [printed[key] for key in sorted(printed)]
    place = {keys[text]: i for i, text in enumerate(class_names)}
    unknown = sorted(text for text in kinds if keys[text] not in place)
    if unknown:
        raise ValueError(f"label {unknown[0]!r} is not among the classes to learn")
    return np.array([place[keys[text]] for text in labels], np.int64), class_names
