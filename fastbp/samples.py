"""Rows of the user's data on their way into a network: picked, scaled, converted and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

DIRECT = tuple(map(np.dtype, ("uint8", "float32", "float64")))  # what a compiled gather reads as it lies


class Diverged(ArithmeticError):
    """The error of a minibatch was NaN or infinite; its update was not made."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the error of step {step} is not a finite number")
        self.step = step


class Sums(NamedTuple):
    """What a pass over some rows adds up: each minibatch's mean error, and its penalty, count once for each row."""

    rows: int
    error: float
    hits: int
    penalty: float

    @property
    def loss(self) -> float:
        """Error and penalty."""
        return self.error + self.penalty

    def plus(self, more: Sums) -> Sums:
        """Return the sums over both's rows."""
        error, penalty = self.error + more.error, self.penalty + more.penalty
        return Sums(self.rows + more.rows, error, self.hits + more.hits, penalty)


NO_SUMS = Sums(0, 0.0, 0, 0.0)


@dataclass(slots=True)
class Labelled:
    """Rows, what the network should make of them, and what each counts; all checked.

    Parameters
    ----------
    samples : Samples
    y : ndarray
        int64 class numbers of shape (rows,), or numbers of the network's dtype and shape (rows, outputs).
    weights : ndarray of shape (rows,) and the network's dtype, or None
        What each row counts; None for 1.
    """

    samples: Samples
    y: np.ndarray
    weights: np.ndarray | None = None

    def split(self, share: float) -> tuple[Labelled, Labelled]:
        """Return the first rows, and the last ones that make up this share, at least one of each."""
        n = len(self.y)
        first = n - max(1, round(n * share))
        if first < 1:
            raise ValueError(f"validation_split must leave a row to train on, got {share} of {n} rows")
        parts = self._slice(slice(0, first)), self._slice(slice(first, n))
        if not all(part.weights is None or part.weights.any() for part in parts):
            raise ValueError(f"validation_split must leave rows of some weight on both sides, got {share} of {n} rows")
        return parts

    def _slice(self, rows: slice) -> Labelled:
        samples = Samples(self.samples.X[rows], self.samples.shift, self.samples.scale, self.samples.name)
        return Labelled(samples, self.y[rows], None if self.weights is None else self.weights[rows])

    def picked(self, rows: np.ndarray | slice) -> Labelled:
        """Return some rows' targets and weights with the samples as they are."""
        return Labelled(self.samples, self.y[rows], None if self.weights is None else self.weights[rows])


@dataclass(slots=True)
class Samples:
    """X as the user has it, with what turns a row of it into inputs: x = (X - shift) * scale.

    Parameters
    ----------
    X : ndarray or frames.SparseRows of shape (rows, columns)
        Any real dtype, order or strides, memory maps included; never copied whole.
    shift, scale : float, ndarray of shape (columns,) or None
    name : str
        What errors call X.
    """

    X: np.ndarray
    shift: float | np.ndarray | None = None
    scale: float | np.ndarray | None = None
    name: str = "X"

    @property
    def direct(self) -> bool:
        """Whether a compiled gather can read X where it lies."""
        if not isinstance(self.X, np.ndarray):
            return False
        flags = self.X.flags
        return self.X.dtype in DIRECT and self.X.dtype.isnative and flags.c_contiguous and flags.aligned

    def row_bytes(self, dtype: np.dtype) -> int:
        """Bytes of a row of inputs."""
        return self.X.shape[1] * dtype.itemsize

    def shift_and_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Return both as float64 arrays of one number a column, or both empty where X is taken as it is."""
        if self.shift is None and self.scale is None:
            return np.empty(0), np.empty(0)
        shift = 0.0 if self.shift is None else self.shift
        scale = 1.0 if self.scale is None else self.scale
        columns = self.X.shape[1]
        return np.array(np.broadcast_to(shift, columns)), np.array(np.broadcast_to(scale, columns))

    def gather(self, x: np.ndarray, rows: np.ndarray | slice) -> None:
        """X <- the rows named, in that order, computed in float64 where they are scaled.

        x : out (len(rows), columns)

        Raises ValueError where one holds NaN, infinity or a number too large for x.
        """
        picked = self.X[rows]
        if not isinstance(picked, np.ndarray):  # sparse
            picked = picked.toarray()
        with np.errstate(over="ignore", invalid="ignore"):
            if self.shift is not None or self.scale is not None:
                shift, scale = self.shift_and_scale()
                picked = (picked.astype(np.float64) - shift) * scale
            x[...] = picked
        if not np.isfinite(x).all():
            row, column = np.argwhere(~np.isfinite(x))[0]
            where = np.arange(self.X.shape[0])[rows][row]
            raise ValueError(
                f"{self.name} must hold finite numbers within {x.dtype}, "
                f"got {self.X[where, column]} in row {where}, column {column}"
            )

    def converted(self, rows: np.ndarray, dtype: np.dtype) -> Samples:
        """Return these rows as samples that a compiled gather can read."""
        x = np.empty((len(rows), self.X.shape[1]), dtype)
        self.gather(x, rows)
        return Samples(x, name=self.name)

    def few(self, dtype: np.dtype) -> np.ndarray:
        """Return all rows converted, not yet checked, where they are few."""
        if self.shift is None and self.scale is None and isinstance(self.X, np.ndarray):
            if self.X.dtype == dtype and self.X.flags.carray:  # a kernel would be compiled anew for read-only rows
                return self.X
            with np.errstate(over="ignore"):
                return np.array(self.X, dtype, order="C")
        return self.converted(np.arange(len(self.X)), dtype).X

    def reject(self, row: int, dtype: np.dtype) -> None:
        """Raise the ValueError that a row which a compiled gather found not finite deserves."""
        self.converted(np.array([row]), dtype)
        raise ValueError(f"{self.name} must hold finite numbers within {dtype} once scaled, not so in row {row}")
