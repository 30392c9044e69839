"""A source of which some rows are held out at random, and whose y may become other numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .columns import Columns
from .source import Part, Source

_STEP, _FIRST, _SECOND = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))  # of SplitMix64


def drawn(seed: int, piece: int, rows: np.ndarray) -> np.ndarray:
    """Return a number from 0 to below 1 for each row of a piece, which depends on seed, piece and row alone."""
    key = np.random.SeedSequence([seed, piece]).generate_state(1, np.uint64)
    z = key + (rows.astype(np.uint64) + np.uint64(1)) * _STEP
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return (z ^ (z >> np.uint64(31))) / 2.0**64


class View(Source):
    """The rows of a source that are drawn, or those that are not.

    Parameters
    ----------
    source : Source
    seed : int
    share : float
        Of the rows that are held out.
    held_out : bool
        Whether these are the rows that were, or all others.
    y : function, optional
        Returns what y of some rows becomes.
    rows : int, optional
        How many there are, where that is known.
    """

    feature_names: list[str] | None

    def __init__(
        self, source: Source, seed: int, share: float, held_out: bool, y: Callable[[Any], Any] | None = None,
        rows: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(source.memory)
        self._source, self._seed, self._share, self._held_out = source, seed, share, held_out
        self._y, self._rows = y, rows
        self.feature_names = source.feature_names

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self._source)

    @property
    def rows(self) -> int | None:
        """How many rows there are, or None if that is not known."""
        return self._rows

    def _read(self, piece: int, features: bool = True) -> Iterator[Part]:
        for part in self._source._read(piece, features):
            mine = drawn(self._seed, piece, np.arange(part.row, part.row + len(part.X))) < self._share
            mine = mine if self._held_out else ~mine
            if not mine.any():
                continue
            X = part.X.picked(np.flatnonzero(mine)) if isinstance(part.X, Columns) else np.asarray(part.X)[mine]
            y = np.asarray(part.y)[mine]
            yield part._replace(X=X, y=y if self._y is None else self._y(y))

    def _reading_bytes(self) -> int:
        return self._source._reading_bytes()

    def _identity(self) -> dict[str, Any]:
        return self._source._identity() | {"seed": self._seed, "share": self._share, "rows": self._rows}
