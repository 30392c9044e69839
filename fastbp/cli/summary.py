"""What one pass over a source finds out: how many rows there are, scales of the inputs, what the target is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..data.sources.source import Part, PieceError, Source
from ..data.sources.view import drawn
from ..files import scales, tasks

MOST_LABELS = 10_000  # different ones that are kept: more are numbers to predict, or no target


class _Labels(Sequence[str]):
    """The labels of many rows, of which the different ones are kept."""

    def __init__(self) -> None:
        self.kinds: dict[str, None] = {}
        self.rows = 0

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Any:
        return iter(self.kinds)

    def __getitem__(self, at: Any) -> Any:
        return list(self.kinds)[at]


class Moments:
    """Mean, deviation and range of columns, of rows that come in parts (Chan, Golub and LeVeque, 1983)."""

    n: int
    mean: np.ndarray

    def __init__(self) -> None:
        self.n = 0

    def add(self, X: np.ndarray) -> None:
        """Count more rows."""
        if len(X):
            with np.errstate(over="ignore", invalid="ignore"):  # the scales find out
                self._add(X)

    def _add(self, X: np.ndarray) -> None:
        n, mean = len(X), X.mean(axis=0, dtype=np.float64)
        squares = np.square(X - mean).sum(axis=0)
        low, high = X.min(axis=0), X.max(axis=0)
        if not self.n:
            self.mean, self._squares, self._low, self._high = mean, squares, low, high
        else:
            moved = mean - self.mean
            self._squares += squares + np.square(moved) * (self.n * n / (self.n + n))
            self.mean = self.mean + moved * (n / (self.n + n))
            self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self.n += n

    def all(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean, standard deviation and range of each column, from which `files.scales` makes scales."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.mean, np.sqrt(self._squares / self.n), self._high.astype(np.float64) - self._low


class Summary:
    """What a pass over a source finds out. Rows held out do not count for the scales.

    Parameters
    ----------
    source : Source
    seed : int
    share : float
        Of the rows that are held out.
    task : {"classification", "regression"} or None
    name : str
        Of the data, for errors.
    """

    train: int
    test: int
    dtype: np.dtype
    target: tasks.Target

    def __init__(self, source: Source, seed: int, share: float, task: str | None, name: str) -> None:
        self._labels, self._many, self._columns, self._numbers = _Labels(), False, Moments(), Moments()
        self.train = self.test = 0
        self.dtype = np.dtype(np.float64)
        for piece in range(len(source)):
            for part in source._read(piece):
                held = drawn(seed, piece, np.arange(part.row, part.row + len(part.X))) < share
                self._add(part, held)
        if not self.train or not self.test:
            raise ValueError(f"{name}: {self.train + self.test} rows are too few to hold some out")
        self._name = name
        self.target = self._target(task)

    @property
    def columns(self) -> int:
        """How many columns X has."""
        return len(self._columns.mean)

    def scaling(self) -> tuple[np.ndarray | None, np.ndarray | float]:
        """Return the shift and scale of the inputs."""
        empty = np.empty((0, 0), np.uint8)
        return scales.scaling(empty) if self.dtype == np.uint8 else scales.scaling_of(*self._columns.all())

    def target_scale(self) -> scales.TargetScale | None:
        """Return the scale of numbers to predict, or None for classes."""
        return None if self.target.class_names else scales.target_scale_of(*self._numbers.all())

    def numbered(self) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function from y as the source has it to class numbers, or to numbers on the network's scale."""
        scale = self.target_scale()
        if scale is not None:
            return lambda y: scale.standardized(y.astype(np.float64))
        place = {label: number for label, number in zip(self._labels, self.target.y.tolist(), strict=True)}

        def numbers(y: np.ndarray) -> np.ndarray:
            kinds, where = np.unique(y, return_inverse=True)
            return np.array([place[label] for label in _printed(kinds)], np.int64)[where]

        return numbers

    def _add(self, part: Part, held: np.ndarray) -> None:
        X, y = np.asarray(part.X), np.asarray(part.y)
        self.dtype = X.dtype
        for what, numbers in (("X", X), ("the target", y.reshape(len(y), -1))):
            if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
                row = part.row + int(np.argmin(np.isfinite(numbers).all(axis=1)))
                raise PieceError(f"{part.name}: {what} must hold finite numbers, row {row} does not")
        self._columns.add(X[~held])
        if y.dtype.kind in "buif":
            self._numbers.add(y[~held].astype(np.float64).reshape(-1, 1))
        self._labels.rows += len(y)
        if len(self._labels.kinds) <= MOST_LABELS:
            self._labels.kinds |= dict.fromkeys(_printed(np.unique(y)))
        self.test += int(held.sum())
        self.train += int((~held).sum())

    def _target(self, task: str | None) -> tasks.Target:
        """Return the target; its y holds the class of each different label."""
        kinds = list(self._labels.kinds)
        if self._numbers.n == self.train and (len(kinds) > MOST_LABELS or task == "regression"):
            if task == "classification":
                raise ValueError(f"{self._name}: the target holds more than {MOST_LABELS:,} different labels")
            found = tasks.Target(np.empty(0), [], [], [])
        elif len(kinds) > MOST_LABELS:
            raise ValueError(f"{self._name}: the target holds more than {MOST_LABELS:,} different labels")
        elif task == "regression":
            raise ValueError(f"{self._name}: the target must hold numbers for --task regression, got {kinds[0]!r}")
        else:
            try:
                found = tasks.target(self._labels, task)
            except ValueError as error:
                raise ValueError(f"{self._name}: {error}") from None
        if len(kinds) == 1:
            raise ValueError(f"{self._name}: all rows have the label {kinds[0]!r}, two different ones are needed")
        return found


def _printed(labels: np.ndarray) -> list[str]:
    """Return labels as text, whole numbers of floating point without a point."""
    return [str(int(y)) if isinstance(y, float) and y == int(y) else str(y) for y in labels.tolist()]
