"""Whether the first row of a table names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .labels import number

_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
ENOUGH = 2  # signs by which a row of numbers is taken for names


class Header(NamedTuple):
    """Whether the first row holds names, and what to say about it: None where it was clear."""

    named: bool
    doubt: str | None = None


def decide(first: Sequence[str], others: Sequence[Sequence[str]], label: int | None = None) -> Header:
    """Return whether the first row of a table holds the names of its columns.

    It does if half of its cells or more are text, where numbers are due. A row of numbers does if the label's cell is
    text and all other labels are numbers, or if two signs or more say so: its numbers are whole and run in order, they
    all differ, they stand above fractions, they are far from those below, its label is no other row's.

    Parameters
    ----------
    first : sequence of str
        The first row's cells.
    others : sequence of sequence of str
        Some rows after it.
    label : int or None
        The column that may hold text.

    Returns
    -------
    Header

    Examples
    --------
    >>> from fastbp.files.header import decide
    >>> decide(["size", "kind"], [["1", "cat"]], 1).named
    True
    >>> rows = [["5.1", "3.5", "1.4", "cat"], ["4.9", "3.1", "1.5", "dog"]]
    >>> decide(["0", "1", "2", "kind"], rows, 3).named
    True
    >>> decide(rows[0], rows[1:], 3).named
    False
    """
    features = _without(first, label)
    text = sum(bool(cell) and number(cell) is None for cell in features)
    if text:
        return Header(2 * text >= len(features))
    signs = _signs(first, others, label)
    if label is not None and _label_is_a_name(first[label], [row[label] for row in others]):
        return _taken_for_names([*signs, f"{first[label]!r} stands above labels that are numbers"])
    if len(set(first)) < len(first) or not all(first):
        return Header(False)  # names differ, and each column has one
    if len(signs) >= ENOUGH:
        return _taken_for_names(signs)
    if signs:
        doubt = f"the first line is taken for a row of data, although {signs[0]}; --header takes it for names"
        return Header(False, doubt)
    return Header(False)


def _taken_for_names(signs: list[str]) -> Header:
    why = " and ".join(signs[:3])
    return Header(True, f"the first line is taken for names of columns, as {why}; --no-header takes it for data")


def _without(cells: Sequence[str], label: int | None) -> list[str]:
    return [cell for i, cell in enumerate(cells) if i != label]


def _label_is_a_name(cell: str, others: Sequence[str]) -> bool:
    return bool(cell and others) and number(cell) is None and all(number(other) is not None for other in others)


def _signs(first: Sequence[str], others: Sequence[Sequence[str]], label: int | None) -> list[str]:
    """Return what suggests that a row of numbers holds names, in words; nothing where there is no other row."""
    features, rows = _without(first, label), [_without(row, label) for row in others]
    signs = []
    if rows and features and all(map(_is_whole, features)):
        if len(features) > 2 and _runs(features) and not any(map(_runs, rows)):
            signs.append(f"its numbers run from {features[0]} to {features[-1]} in order")
        if len(features) > 2 and _differ(features) and not any(map(_differ, rows)):
            signs.append("its numbers all differ, as names do")
        columns = list(zip(*rows, strict=True))
        if 2 * sum(not any(map(_is_whole, column)) for column in columns) >= len(columns):
            signs.append("it holds whole numbers above fractions")
        if len(rows) >= 5 and all(_outside(c, column) for c, column in zip(features, columns, strict=True)):
            signs.append("its numbers are far from those below them")
    if label is not None and first[label]:
        labels = [row[label] for row in others]
        if first[label] not in labels and 0 < 2 * len(set(labels)) <= len(labels):
            signs.append(f"{first[label]!r} is no other row's label")
    return signs


def _is_whole(cell: str) -> bool:
    return _WHOLE.fullmatch(cell) is not None


def _runs(cells: Sequence[str]) -> bool:
    """Return whether whole numbers rise or fall by equal steps, or four or more rise by any steps."""
    if not all(map(_is_whole, cells)):
        return False
    steps = {int(b) - int(a) for a, b in zip(cells, cells[1:], strict=False)}
    return 0 not in steps and (len(steps) == 1 or (len(cells) > 3 and min(steps) > 0))


def _differ(cells: Sequence[str]) -> bool:
    return len(set(cells)) == len(cells)


def _outside(cell: str, column: Sequence[str]) -> bool:
    """Return whether a number is further from those of a column than these are from each other."""
    values = [float(value) for other in column if (value := number(other)) is not None]
    if not values:
        return False
    low, high = min(values), max(values)
    return float(cell) > high + (high - low) or float(cell) < low - (high - low)
