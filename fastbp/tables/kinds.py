"""What a column of a table is: numbers, categories, dates, or nothing that a network can learn from."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import numpy as np

from . import numbers, words
from .cells import Cells, is_inexact
from .given import chosen
from .table import Table

Kind = Literal["number", "category", "boolean", "date", "identifier", "constant", "empty"]
FEW = 2  # different texts that may be all different and no identifier
FEW_LEVELS = 20  # numbers at most that stay categories in a categorical dtype although some are words for gaps
COUNTS = "whole numbers, all different, that count the rows"
MANY_ROWS = 50  # from which whole numbers that leave few out are taken for row numbers
_ID_WORDS = {"id", "ids", "uid", "uuid", "guid", "key", "pk", "identifier", "rowid", "idx"}
_NUMBERED = set(
    "p u z user customer client order product item passenger patient member account employee student session"
    " transaction record row loan policy case sample subject device invoice ticket".split()
)  # of which a name tells the number: PID, userid, EmployeeNumber
_ID_NAMES = {"index", "row", "rownames", "row names", "rownum", "row number", "nr", "no", "number", "unnamed 0", ""}
_TIMES = set("time date year quarter month week day hour minute second age step period".split())
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Decision(NamedTuple):
    """What a column is, its cells in the form that goes with it, and a note on how it was told."""

    kind: Kind
    cells: Cells
    note: str = ""


def decide(cells: Cells, name: str | None, categorical: bool) -> Decision:
    """Return what a column is.

    Parameters
    ----------
    cells : Cells
        Those of all rows.
    name : str or None
        The column's name, by which whole numbers may be told to be identifiers.
    categorical : bool
        Whether the user said that it holds categories.

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp.tables.cells import of_values
    >>> from fastbp.tables.kinds import decide
    >>> decide(of_values(["2024-01-31", "2024-02-29", None], "X"), "joined", False).kind
    'date'
    >>> decide(of_values([17, 23, 5], "X"), "customer_id", False).kind
    'identifier'
    >>> decide(of_values([17, 23, 5], "X"), "price", False).kind
    'number'
    """
    if cells.gaps.all():
        return Decision("empty", cells, "no cell holds a value")
    if categorical:
        codes, texts = cells.coded()
        if cells.form != "boolean":
            cells = Cells("text", codes, tuple(texts), category=True)
        return _constant(Decision("boolean" if cells.form == "boolean" else "category", cells))
    note = ""
    if cells.form == "text":
        cells, note = _read(cells)
    if cells.form == "text" and _all_differ(cells) and len(cells.texts) > FEW:
        return Decision("identifier", cells, "text, and all values are different")
    if cells.form == "number" and (why := _identifies(cells, name)):
        return Decision("identifier", cells, why)
    kinds: dict[str, Kind] = {"number": "number", "boolean": "boolean", "date": "date", "text": "category"}
    return _constant(Decision(kinds[cells.form], cells, note))


def decisions(given: Table, categorical_features: Any = None, numerical_features: Any = None) -> list[Decision]:
    """Return what each column is; whole numbers are no identifiers where nothing else is left to learn from.

    What users say of columns is by names, numbers or a mask. Raises ValueError where a column is said to be both.
    """
    said = chosen("categorical_features", categorical_features, given)
    numerical = chosen("numerical_features", numerical_features, given)
    if (said & numerical).any():
        both = given.called(int(np.argmax(said & numerical)))
        raise ValueError(f"numerical_features must not hold what categorical_features does, got {both} in both")
    names: list[str | None] = [None] * given.columns
    if given.names is not None:
        names[:] = given.names
    cells = [given.cells(i) for i in range(given.columns)]

    def each(called: list[str | None]) -> list[Decision]:
        return [
            _numbers(one, given.called(i)) if numerical[i] else decide(one, called[i], bool(said[i]))
            for i, one in enumerate(cells)
        ]

    found = each(names)
    if any(one.kind not in ("identifier", "constant", "empty") for one in found):
        return found
    return each([None] * given.columns)


def _numbers(cells: Cells, what: str) -> Decision:
    """Return that a column holds numbers, as the user said; ValueError where it holds others."""
    if cells.form != "number":
        cells = Cells("number", numbers.of_cells(cells, what)[:, 0])
    if cells.gaps.all():
        return Decision("empty", cells, "no cell holds a value")
    return _constant(Decision("number", cells))


def _constant(found: Decision) -> Decision:
    """Return a decision, or one that the column is constant: one value in all rows and no gap."""
    values = found.cells.values
    if found.cells.gaps.any() or not (values == values[0]).all():
        return found
    _, texts = found.cells.coded()
    return Decision("constant", found.cells, f"the only value is {texts[0][:40]}")


def _read(cells: Cells) -> tuple[Cells, str]:
    """Return text as what it stands for: booleans, numbers, dates, or itself; and a note where that is not itself."""
    texts = cells.texts
    if all(words.is_true(text) is not None for text in texts):
        truth = np.array([*map(words.is_true, texts), np.nan], np.float64)
        return Cells("boolean", truth[cells.values]), "text of true and false"
    meant = not cells.category or (len(texts) > FEW_LEVELS and any(map(words.is_gap, texts)))
    if meant and (values := words.as_numbers(texts)) is not None:
        whole = words.whole(texts)
        exact = cells if whole and is_inexact(values) else None
        found = Cells("number", np.append(values, np.nan)[cells.values], whole=whole, exact=exact)
        return found, "text that holds numbers"
    if (dates := words.as_dates(texts)) is not None:
        return Cells("date", np.append(dates, np.datetime64("NaT"))[cells.values]), "text that holds dates"
    return cells, ""


def _identifies(cells: Cells, name: str | None) -> str:
    """Return why whole numbers are identifiers, or nothing where they may be measurements.

    They are if all are different, and their name says so, or at least 50 of them leave out few between 0 or 1 and the
    largest, as the numbers of rows do. Numbers that tell a time are none, nor are columns without a name.
    """
    values = cells.values
    if not cells.whole or name is None or len(values) <= FEW or np.isnan(values).any() or not _all_differ(cells):
        return ""
    parts = [part.lower() for part in _PARTS.findall(name)]
    if _ID_WORDS & set(parts) or " ".join(parts) in _ID_NAMES or _names_numbers(parts):
        return "whole numbers, all different, under a name of identifiers"
    low, high = values.min(), values.max()
    dense = high - low < 2 * len(values) and 0 <= low <= max(1, len(values) // 10)
    if len(values) >= MANY_ROWS and dense and not (_TIMES & {part.rstrip("s") for part in parts} or name == "t"):
        return COUNTS
    return ""


def _names_numbers(parts: list[str]) -> bool:
    """Return whether the words of a name are a thing and its number, in one word or two."""
    if len(parts) > 1 and parts[-1] in ("number", "num", "no", "nr"):
        return parts[-2] in _NUMBERED
    return any(part.endswith("id") and part[:-2] in _NUMBERED for part in parts)


def _all_differ(cells: Cells) -> bool:
    there = (cells.exact or cells).values[~cells.gaps]
    return len(np.unique(there)) == len(there)
