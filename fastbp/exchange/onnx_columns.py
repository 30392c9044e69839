"""A table's columns as nodes of an ONNX graph, which compute what `Columns.transform` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tables import scaling
from ..tables.categories import BOOLEAN, Levels
from ..tables.column import Column
from ..tables.columns import Columns
from ..tables.numbers import Filled
from .onnx import Graph, value_info

LABELS = "ai.onnx.ml"  # the operators that know text
BLANK = ("", " ")  # text that is a gap; there is no operator that strips
ABOUT = {
    "text": 'text; "" is a gap',
    "boolean": "1 is true, 0 is false, NaN is a gap",
    "number": "numbers; NaN is a gap",
    "date": "days since 1970-01-01, with the time as a fraction; NaN is a gap",
}


def form(column: Column) -> str:
    """Return which of ABOUT the input of a column is."""
    if column.levels is not None:
        return "boolean" if column.levels.texts == BOOLEAN else "text"
    return "number" if column.filled is None or len(column.filled.fill) == 1 else "date"


def inputs(columns: Columns) -> list[Any]:
    """Return the inputs of a graph, one for each column that is used; ValueError for an empty name."""
    found = []
    for name, column in columns.becoming_inputs:
        if not name:
            raise ValueError(
                "the inputs of an ONNX file need names, but a column's name is empty; rename it and fit anew"
            )
        what = form(column)
        found.append(value_info(name, object if what == "text" else np.float64, 1, ABOUT[what]))
    return found


class RawColumns:
    """Nodes that make inputs of a network of raw columns; what several networks need is made once.

    Parameters
    ----------
    graph : Graph
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._made: dict[Any, str] = {}

    def add(self, columns: Columns, dtype: np.dtype) -> str:
        """Add what `columns.transform` computes; return the name of its result."""
        add, parts = self.graph.add, [self._written(*pair) for pair in columns.becoming_inputs]
        x = add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        x = add("Sub", x, self._number(columns.scales.center))
        x = add("Mul", self._clipped(x, scaling.MOST), self._number(columns.scales.factor))
        x = self._clipped(x, scaling.LARGE)
        root = add("Div", x, self._number(scaling.LIMIT))
        root = add("Sqrt", add("Add", add("Mul", root, root), self._number(1)))
        x = add("Div", x, root)
        return x if dtype == np.float64 else self.graph.cast(x, dtype)

    def _written(self, name: str, column: Column) -> str:
        """Return the name of what `column.write` computes, float64 of shape (rows, width)."""
        if column.filled is not None:
            return self._filled(name, column.filled)
        levels: Any = column.levels
        if levels.texts == BOOLEAN:
            return self._once((name, levels), lambda: self._boolean(name))
        return self._once((name, levels), lambda: self._coded(name, levels))

    def _filled(self, name: str, filled: Filled) -> str:
        add, values = self.graph.add, name
        if len(filled.fill) > 1:
            values = self._once((name, "dates"), lambda: self._dates(name))
        gaps = self._once((name, "gaps"), lambda: add("IsNaN", values))
        x = add("Where", gaps, self._number(filled.fill), values)
        if not filled.indicator:
            return x
        said = self._once((name, "missing"), lambda: self._double(add("IsNaN", name)))
        return add("Concat", x, said, axis=1)

    def _boolean(self, name: str) -> str:
        """Return the name of 1 for true, -1 for false and 0 for all else."""
        true, false = (self._double(self.graph.add("Equal", name, self._number(value))) for value in (1, 0))
        return self.graph.add("Sub", true, false)

    def _coded(self, name: str, levels: Levels) -> str:
        """Return the name of the codes of text."""
        self.graph.domains[LABELS] = 2
        numbers = dict.fromkeys(BLANK, 0) | levels.spellings
        numbered = self.graph.add(
            "LabelEncoder", name, domain=LABELS, keys_strings=list(numbers), values_int64s=list(numbers.values()),
            default_int64=levels.count if levels.rest else 0,
        )  # fmt: skip
        if levels.count == 2:
            return self.graph.add("Gather", self._number([0, 1, -1]), numbered)
        each = self.graph.constant(np.arange(1, levels.count + 1), dtype=np.int64)
        return self._double(self.graph.add("Equal", numbered, each))

    def _dates(self, name: str) -> str:
        """Return the name of day, month from 1, and weekday from 0 for Monday, of shape (rows, 3).

        The month is that of the Gregorian calendar: years begin in March and are counted in their era of 400.
        """
        add, number = self.graph.add, self._number

        def divided(x: str, by: int) -> str:
            return add("Floor", add("Div", x, number(by)))

        def rest(x: str, by: int) -> str:
            return add("Sub", x, add("Mul", divided(x, by), number(by)))

        day = add("Floor", name)
        of_era = rest(add("Add", day, number(719468)), 146097)  # from 1 March of the year 0, in its 400 years
        leap_days = add("Sub", divided(of_era, 1460), divided(of_era, 36524))
        year = divided(add("Sub", add("Sub", of_era, leap_days), divided(of_era, 146096)), 365)
        before = add("Sub", add("Add", add("Mul", year, number(365)), divided(year, 4)), divided(year, 100))
        of_year = add("Sub", of_era, before)
        from_march = divided(add("Add", add("Mul", of_year, number(5)), number(2)), 153)
        early = add("Less", from_march, number(10))
        month = add("Add", from_march, add("Where", early, number(3), number(-9)))
        weekday = rest(add("Add", day, number(3)), 7)  # 1970-01-01 was a Thursday
        return add("Concat", name, month, weekday, axis=1)

    def _once(self, key: Any, make: Callable[[], str]) -> str:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _number(self, value: Any) -> str:
        return self.graph.constant(value, dtype=np.float64)

    def _double(self, x: str) -> str:
        return self.graph.cast(x, np.float64)

    def _clipped(self, x: str, most: float) -> str:
        return self.graph.add("Clip", x, self._number(-most), self._number(most))
