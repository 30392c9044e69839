"""One column of a table: what it is, and how its cells become inputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..files.labels import number, same
from . import categories, dates, numbers, words
from .categories import Levels
from .cells import Cells
from .described import Described
from .kinds import Decision
from .numbers import Filled

LEFT_OUT = "left out"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Column:
    """What `fit` found out about a column.

    Parameters
    ----------
    kind : str
        As users read it; see `kinds.decide`.
    note : str
    filled : Filled, optional
        Of numbers (one of them a cell) and dates (three).
    levels : Levels, optional
        Of categories and booleans. A column with neither is left out.
    """

    kind: str
    note: str = ""
    filled: Filled | None = None
    levels: Levels | None = None

    @property
    def used(self) -> bool:
        """Return whether a table must have the column."""
        return self.filled is not None or self.levels is not None

    @property
    def width(self) -> int:
        """Return how many inputs the column becomes."""
        return self.filled.width if self.filled else self.levels.width if self.levels else 0

    @property
    def is_one_hot(self) -> bool:
        """Return whether the column becomes inputs of 0 and 1, one for each level."""
        return self.levels is not None and not self.levels.embedded and self.levels.count != 2

    @property
    def is_number(self) -> list[bool]:
        """Return which inputs are numbers, not codes."""
        numbers = len(self.filled.fill) if self.filled else 0
        return [i < numbers for i in range(self.width)]

    def write(self, cells: Cells, what: str, out: np.ndarray) -> None:
        """Write the inputs of cells, not yet scaled, into `out` of zeros, shape (rows, width)."""
        if self.levels is not None:
            self._check(cells, what)
            self.levels.write(cells, out)
        elif self.filled is not None:
            self.filled.write(_values(cells, what, len(self.filled.fill)), out)

    def values(self, cells: Cells, what: str) -> np.ndarray:
        """Return the inputs of cells, not yet scaled, of shape (rows, width)."""
        out = np.zeros((len(cells.values), self.width))
        self.write(cells, what, out)
        return out

    def numbered(self, cells: Cells, what: str) -> np.ndarray:
        """Return the number of each cell's level from 1, and 0 for gaps and others, of a column with levels."""
        assert self.levels is not None
        self._check(cells, what)
        return self.levels.numbered(cells)

    def _check(self, cells: Cells, what: str) -> None:
        """Raise ValueError for numbers or dates where no category is one, and where none is true or false."""
        if self.levels is not None and self.levels.texts == categories.BOOLEAN:
            _check_truth(cells, what)
            return
        kinds: dict[str, Callable[[str], Any]] = {"number": number, "date": _DATE.match}
        like = kinds.get(cells.form)
        if like is None or self.levels is None or cells.gaps.all():
            return
        if not any(like(text) for text in self.levels.texts):
            known, row = ", ".join(map(repr, self.levels.texts[:3])), int(np.argmin(cells.gaps))
            raise ValueError(f"{what} must hold categories such as {known}, got the {cells.form} {cells.text(row)}")

    def inputs(self, name: str) -> list[str]:
        """Return the names of the inputs."""
        if self.levels is not None:
            if self.levels.texts == categories.BOOLEAN:
                return [name]
            return [f"{name} = {level}" for level in self.levels.inputs]
        if self.filled is None:
            return []
        single = len(self.filled.fill) == 1
        names = [name] if single else [f"{name}: {part}" for part in dates.PARTS]
        return [*names, *[f"{name} is missing"] * self.filled.indicator]

    def described(self, name: str) -> Described:
        """Return what became of the column."""
        if not self.used:
            return Described(name, self.kind, LEFT_OUT, self.note)
        if self.levels is not None and self.levels.embedded:
            return Described(name, self.kind, f"a number of {self.levels.count} levels, to embed", self.note)
        became = "1 input" if self.width == 1 else f"{self.width} inputs"
        return Described(name, self.kind, became + (", always 0" if self.kind == "constant" else ""), self.note)


def fit(found: Decision, what: str, train: np.ndarray, most: int, embed_above: int | None) -> Column:
    """Return what is needed of a column to make inputs of it: medians of rows that train, levels of all rows.

    Levels that are embedded are of the rows that train.
    """
    cells, note = found.cells, found.note
    if found.kind in ("identifier", "empty"):
        return Column(found.kind, note)
    if cells.form in ("number", "date"):
        values = _values(cells, what, 1 if cells.form == "number" else len(dates.PARTS))
        filled = Filled.fit(values, train)
        return Column(found.kind, _joined(note, _gaps(cells, "the median, and an input that says where")), filled)
    above = None if found.kind in ("boolean", "constant") else embed_above
    levels = categories.fit(cells, most, above, train)
    if found.kind == "boolean":
        return Column(found.kind, _joined(note, _gaps(cells, "neither true nor false")), levels=levels)
    if found.kind == "constant":
        return Column(found.kind, note, levels=replace(levels, embedded=False))
    codes, texts = cells.coded()
    seen = len(np.unique(codes[train][codes[train] >= 0])) if levels.embedded else len(texts)
    kept = f"{seen:,} levels" + (f", the {most - 1:,} commonest kept, the rest are one" if levels.rest else "")
    return Column(found.kind, _joined(note, kept, _gaps(cells, "no level")), levels=levels)


def _check_truth(cells: Cells, what: str) -> None:
    """Raise ValueError where no cell is true or false, 1 or 0, and not all are gaps."""
    gaps = cells.gaps
    if cells.form == "text":
        gaps = gaps | np.array([*map(words.is_gap, cells.texts), True])[cells.values]
        truth = [same(text) in ("0", "1") or words.is_true(text) is not None for text in cells.texts]
        known = np.array([*truth, False])[cells.values]
    else:
        known = np.isin(cells.values, (0, 1)) & (cells.form != "date")
    if not known.any() and not gaps.all():
        row = int(np.argmin(gaps))
        raise ValueError(f"{what} must hold true and false, or 1 and 0, got the {cells.form} {cells.text(row)}")


def _values(cells: Cells, what: str, parts: int) -> np.ndarray:
    return numbers.of_cells(cells, what) if parts == 1 else dates.of_cells(cells, what)


def _gaps(cells: Cells, stands: str) -> str:
    count = int(cells.gaps.sum())
    return f"{count:,} {'gap' if count == 1 else 'gaps'}: {stands}" if count else ""


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def to_config(column: Column) -> tuple[dict[str, Any], np.ndarray]:
    """Return a column as JSON can hold it, and the numbers that stand in for gaps."""
    config: dict[str, Any] = {"kind": column.kind, "note": column.note}
    if column.levels is not None:
        levels = column.levels
        config["levels"] = {"texts": list(levels.texts), "rest": levels.rest, "embedded": levels.embedded}
    if column.filled is None:
        return config, np.empty(0)
    config["filled"] = {"numbers": len(column.filled.fill), "indicator": column.filled.indicator}
    return config, column.filled.fill


def _numbers_filled(config: dict[str, Any]) -> int:
    """Return how many numbers stand in for the gaps of a column that `to_config` gave."""
    if "filled" not in config:
        return 0
    count = config["filled"]["numbers"]
    if count not in (1, len(dates.PARTS)):
        raise ValueError(f"a column must have 1 or {len(dates.PARTS)} numbers, got {count!r}")
    return int(count)


def all_from_config(configs: list[dict[str, Any]], fill: np.ndarray) -> tuple[list[Column], int]:
    """Return the columns that `to_config` gave, and how many numbers of `fill` are theirs."""
    columns, place = [], 0
    for each in configs:
        ahead = place + _numbers_filled(each)
        columns.append(_from_config(each, fill[place:ahead]))
        place = ahead
    return columns, place


def _from_config(config: dict[str, Any], fill: np.ndarray) -> Column:
    """Return the column that `to_config` gave; KeyError, TypeError or ValueError where it did not."""
    levels = filled = None
    if (kept := config.get("levels")) is not None:
        texts = kept["texts"]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"levels must be a list of strings, got {str(texts)[:40]}")
        if len(set(texts)) < len(texts) or not (texts or kept["rest"]):
            raise ValueError("levels must be different, and at least one")
        levels = Levels(tuple(texts), bool(kept["rest"]), bool(kept["embedded"]))
    elif (kept := config.get("filled")) is not None:
        filled = Filled(fill, bool(kept["indicator"]))
    return Column(str(config["kind"]), str(config["note"]), filled, levels)
