"""What a target is: classes to tell apart, or numbers to predict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .labels import encode, merged, number, same

TASKS = ("classification", "regression")
FEW_NUMBERS, FEW_FRACTIONS = 20, 10  # different ones at most that are taken for classes


class Target(NamedTuple):
    """A data set's target.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        int64 class numbers, or float64 numbers to predict.
    class_names : list of str
        Empty for numbers.
    remarks, doubts : list of str
        How the target was read where that was guessed, and what is worth a second look.
    """

    y: np.ndarray
    class_names: list[str]
    remarks: list[str]
    doubts: list[str]


def check(task: str | None) -> str | None:
    """Return `task`, if it is one or None."""
    if task is not None and task not in TASKS:
        raise ValueError(f"task must be 'classification', 'regression' or None, got {task!r}")
    return task


def target(labels: Sequence[str], task: str | None = None, class_names: list[str] | None = None) -> Target:
    """Return the target that labels stand for.

    Parameters
    ----------
    labels : sequence of str
    task : {"classification", "regression"} or None
        None guesses; see `guess`.
    class_names : list of str, optional
        The classes, where they are settled already.

    Raises
    ------
    ValueError
        For a label that is not among `class_names`, or is no number in regression; and for more than 20 labels that
        hardly come again, where classes are a guess.
    """
    remarks: list[str] = []
    doubts: list[str] = []
    guessed = task is None
    if task is None:
        task, reason = guess(labels)
        other = TASKS[TASKS[0] == task]
        hint = "" if reason == "text" else f"; --task {other} changes that"
        remarks = [f"task: {task}, as the target holds {reason}{hint}"]
    if task == "regression":
        return Target(_numbers(labels), [], remarks, doubts)
    for spellings in merged(labels):
        listed = ", ".join(map(repr, spellings[:4]))
        doubts.append(f"the labels {listed} are one class, as they are one number")
    y, names = encode(labels, class_names)
    if guessed and len(names) > FEW_NUMBERS and 2 * len(names) > len(labels):
        raise ValueError(
            f"the target holds {len(names):,} different labels in {len(labels):,} rows, such as {labels[0][:40]!r}: "
            "write numbers to predict in digits with a decimal point, or give --task classification"
        )
    return Target(y, names, remarks, doubts)


def guess(labels: Sequence[str]) -> tuple[str, str]:
    """Return the task that labels suggest, and why.

    Text is classes, and so are codes with leading zeros. Numbers are classes if there are two different ones, if they
    count from 0 or 1 without a gap, or if they are few and come again; else they are numbers to predict.

    Returns
    -------
    task, reason : str

    Examples
    --------
    >>> from fastbp.files.tasks import guess
    >>> guess(["cat", "dog", "dog"])
    ('classification', 'text')
    >>> guess(["0.31", "1.72", "5.25", "1.8"])
    ('regression', '4 different numbers in 4 rows')
    """
    kinds = {same(text) for text in set(labels)}
    values = {text: number(text) for text in kinds}
    if None in values.values():
        return "classification", "text"
    if any(text.lstrip("+-").startswith("0") and text.lstrip("+-")[1:2].isdigit() for text in kinds):
        return "classification", "codes with leading zeros"
    if not all(math.isfinite(float(text)) for text in kinds):
        return "classification", "numbers beyond those of float64"
    numbers = sorted(value for value in values.values() if value is not None)
    many, rows = len(numbers), len(labels)
    whole = all(value == value.to_integral_value() for value in numbers)
    repeated = 2 * many <= rows
    counted = whole and numbers[0] in (0, 1) and numbers[-1] - numbers[0] == many - 1
    classes = (
        many <= 2
        or (counted and (many <= FEW_NUMBERS or repeated))
        or (repeated and many <= (FEW_NUMBERS if whole else FEW_FRACTIONS))
    )
    reason = f"{many:,} different {'whole ' if whole else ''}numbers in {rows:,} rows"
    return "classification" if classes else "regression", reason


def _numbers(labels: Sequence[str]) -> np.ndarray:
    """Return labels as float64; ValueError names the first that is no finite number."""
    for row, text in enumerate(labels):
        if number(text) is None or not math.isfinite(float(text)):
            raise ValueError(f"the target holds {text[:40]!r} in row {row}, expected finite numbers for regression")
    return np.array([float(text) for text in labels])
