"""Columns of numbers, and how gaps are filled: by medians, and a column says where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import words
from .cells import Cells


@dataclass(frozen=True)
class Filled:
    """How gaps are filled.

    Parameters
    ----------
    fill : ndarray of shape (k,)
        What stands in for a gap in each of k numbers: their medians.
    indicator : bool
        Whether a column more is 1 where there is a gap, else 0.
    """

    fill: np.ndarray
    indicator: bool

    @property
    def width(self) -> int:
        """Return how many inputs a column becomes."""
        return len(self.fill) + self.indicator

    @classmethod
    def fit(cls, values: np.ndarray, train: np.ndarray) -> Filled:
        """Take the medians of the training rows; the indicator is made if any row has a gap."""
        gaps = np.isnan(values[:, 0])
        there = values[train][~gaps[train]] / 2  # halves, as the mean of the middle two may be beyond float64
        fill = 2 * np.median(there, axis=0) if len(there) else np.zeros(values.shape[1])
        return cls(fill, bool(gaps.any()))

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        """Write values of shape (rows, k), NaN where they are missing, into `out` of shape (rows, width)."""
        gaps = np.isnan(values)
        k = len(self.fill)
        out[:, :k] = np.where(gaps, self.fill, values)
        if self.indicator:
            out[:, k] = gaps[:, 0]


def of_cells(cells: Cells, what: str) -> np.ndarray:
    """Return cells as numbers of shape (rows, 1), NaN for gaps; text that holds numbers is read, booleans are 0 and 1.

    Raises ValueError for a cell that holds no number, or an infinite one, and names it.
    """
    if cells.form == "date":
        gaps = cells.gaps
        if gaps.all():
            return np.full((len(gaps), 1), np.nan)
        row = int(np.argmin(gaps))
        raise ValueError(f"{what} must hold numbers, got dates, such as {cells.text(row)} in row {row}")
    values = cells.values
    if cells.form == "text":
        found = [words.as_number(text) for text in cells.texts]
        if None in found:
            row = int(np.argmax(np.isin(cells.values, [i for i, value in enumerate(found) if value is None])))
            raise ValueError(f"{what} must hold numbers, got {cells.text(row)} in row {row}")
        values = np.array([*found, words.MISSING], np.float64)[cells.values]
    if (infinite := np.isinf(values)).any():
        row = int(np.argmax(infinite))
        raise ValueError(f"{what} must hold finite numbers, got {values[row]} in row {row}")
    return values.astype(np.float64, copy=False)[:, None]
