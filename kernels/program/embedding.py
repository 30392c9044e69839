"""What embeddings of X's columns are, as programs take them, and where their parameters stand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .state import EMBEDDED, lanes_of, padded


class Embedding(NamedTuple):
    """A first layer that embeds the columns of X.

    Parameters
    ----------
    columns : int
        Of X.
    numbers : tuple of int
        Columns of numbers x, which become x and `outputs` sums of cosines of it.
    categories : tuple of (int, int)
        Columns of level numbers from 0, and how many levels each has: they become rows of tables of `width` columns.
    frequencies, outputs, width : int
    """

    columns: int
    numbers: tuple[int, ...]
    categories: tuple[tuple[int, int], ...]
    frequencies: int
    outputs: int
    width: int

    @property
    def passed(self) -> list[int]:
        """Columns that stay as they are."""
        taken = {*self.numbers, *(column for column, _ in self.categories)}
        return [column for column in range(self.columns) if column not in taken]

    @property
    def size(self) -> int:
        """Return how many inputs the columns become: first numbers, then what stays, then categories."""
        return len(self.numbers) * (1 + self.outputs) + len(self.passed) + len(self.categories) * self.width

    def number_size(self, lanes: int) -> int:
        """Return the length of a number's parameters: w, b, V of each output, and c, each filled up to vectors."""
        return (2 + self.outputs) * padded(self.frequencies, lanes) + padded(self.outputs, lanes)

    def table_size(self, levels: int, lanes: int) -> int:
        """Return the length of a category's table, filled up to whole vectors."""
        return padded(levels * self.width, lanes)

    def parameters(self, lanes: int) -> tuple[int, int]:
        """Return the length of all parameters of numbers, and that of all tables."""
        tables = sum(self.table_size(levels, lanes) for _, levels in self.categories)
        return len(self.numbers) * self.number_size(lanes), tables

    def table(self, dtype: np.dtype) -> np.ndarray:
        """Return the records of X's columns."""
        records, L, to, at = EMBEDDED.new(self.columns), lanes_of(dtype), 0, 0
        for column in self.numbers:
            records[column] = to, 1 + self.outputs, at, 0
            to, at = to + 1 + self.outputs, at + self.number_size(L)
        for column in self.passed:
            records[column] = to, 1, -1, 0
            to += 1
        for column, levels in self.categories:
            records[column] = to, self.width, at, levels
            to, at = to + self.width, at + self.table_size(levels, L)
        return records
