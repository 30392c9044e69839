"""Rows of a source that were checked, and the buffers in which they are put together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .columns import Columns


class Rows(NamedTuple):
    """Checked rows of a part, and where they come from."""

    X: Any
    y: np.ndarray | None
    weights: np.ndarray | None
    name: str
    row: int

    def picked(self, first: int, end: int) -> Rows:
        """Return some of the rows."""
        y, weights = (None if each is None else each[first:end] for each in (self.y, self.weights))
        return Rows(self.X[first:end], y, weights, self.name, self.row + first)


class Buffer:
    """Room for the rows of a block, and where those that it holds come from."""

    y: np.ndarray | None
    weights: np.ndarray | None
    rows: int

    def __init__(self, X: np.ndarray, y: np.ndarray | None, weights: np.ndarray | None) -> None:
        self.X, self.y, self.weights = X, y, weights
        self.clear()

    def clear(self) -> Buffer:
        """Hold no rows any more."""
        self.rows, self._starts, self._names = 0, list[int](), list[tuple[str, int]]()
        return self

    def take(self, rows: Rows) -> None:
        """Append rows."""
        here = slice(self.rows, self.rows + len(rows.X))
        if isinstance(rows.X, Columns):
            rows.X.into(self.X[here])
        else:
            self.X[here] = rows.X
        for own, given in ((self.y, rows.y), (self.weights, rows.weights)):
            if own is not None:
                own[here] = given
        self._starts.append(self.rows)
        self._names.append((rows.name, rows.row))
        self.rows = here.stop

    def origins(self) -> Callable[[int], str]:
        """Return a function that says where a row comes from."""
        starts, names = self._starts, self._names

        def named(row: int) -> str:
            at = bisect_right(starts, row) - 1
            name, first = names[at]
            return f"row {first + row - starts[at]} of {name}"

        return named
