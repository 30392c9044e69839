"""Rows of the user's data, which are gathered, scaled, converted and checked on their way into a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..kernels.entries.records import address
from ..kernels.program.state import READ_IN_PLACE
from .sparse import SparseRows

PART_BYTES = 4_000_000  # of rows that are converted at once


class DivergenceError(ArithmeticError):
    """Raised by `Model.fit` when training diverges: an error, a parameter or the optimizer's state is NaN or infinite.

    The error of each minibatch is checked before its update, which is then not made. Parameters and the optimizer's
    state are checked before callbacks see them and at the end. The model keeps finite parameters: those just before
    that update, or if they are not finite either, those from before the call or, with callbacks, from its last whole
    epoch. The message says which, at what step and in which layer, and what to try.

    Parameters
    ----------
    step : int
        Number of the step, or of the last one before the check, counted from 1 over all calls of `fit`.
    message : str, optional

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([1, 8, 1], loss="squared_error", learning_rate=1e6, seed=0)
    >>> try:
    ...     model.fit([[1], [2]], [3, 4], epochs=100, verbose=0)
    ... except fastbp.DivergenceError as error:
    ...     print("diverged after less than ten steps:", error.step < 10)
    diverged after less than ten steps: True
    """

    def __init__(self, step: int, message: str = "") -> None:
        super().__init__(message or f"the error of step {step} is not finite")
        self.step = step

    def __reduce__(self) -> tuple[type[DivergenceError], tuple[int, str]]:
        return type(self), (self.step, str(self))


class Sums(NamedTuple):
    """Sums over the rows of a pass.

    Parameters
    ----------
    rows : int
    error, penalty : float
        Each row adds the mean error of its minibatch, and its penalty.
    weighted_error, weight : float
        Each row adds w e and w. `weight` is 0 where rows have no weights.
    correct : float
        Each row that is predicted correctly adds w, or 1 where rows have no weights.
    """

    rows: int
    error: float
    penalty: float
    weighted_error: float
    weight: float
    correct: float

    @property
    def loss(self) -> float:
        """Sum of errors and penalties."""
        return self.error + self.penalty

    def means(self) -> tuple[float, float]:
        """Return the mean loss, penalties included, and the accuracy: weighted means where rows have weights."""
        if self.weight:
            return self.weighted_error / self.weight + self.penalty / self.rows, self.correct / self.weight
        return self.loss / self.rows, self.correct / self.rows

    def plus(self, more: Sums) -> Sums:
        """Return the sums over the rows of both."""
        return Sums(self.rows + more.rows, *(a + b for a, b in zip(self[1:], more[1:], strict=True)))


class Rates(NamedTuple):
    """What changes from step to step: each of shape (steps,), or empty where it is constant.

    Parameters
    ----------
    rates : ndarray
        Learning rates.
    dropouts, decays : ndarray
        Factors of the shares that are dropped, and of the decay of the weights.
    """

    rates: np.ndarray = np.empty(0)
    dropouts: np.ndarray = np.empty(0)
    decays: np.ndarray = np.empty(0)

    def after(self, steps: int) -> Rates:
        """Return those of the steps that follow."""
        return Rates(*(part[steps:] for part in self)) if steps else self

    def now(self, step: int, rate: float) -> tuple[float, float, float]:
        """Return those of a step, the last at most, where `rate` is the learning rate that does not change."""
        parts = zip(self, (rate, 1.0, 1.0), strict=True)
        found = (float(part[min(step, len(part) - 1)]) if part.size else constant for part, constant in parts)
        return tuple(found)  # type: ignore[return-value]


CONSTANT = Rates()
NO_SUMS = Sums(0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class Labelled:
    """Rows with their targets and weights, all checked.

    Parameters
    ----------
    samples : Samples
    y : ndarray
        int64 class numbers of shape (rows,), or numbers of the network's dtype and shape (rows, outputs).
    weights : ndarray of shape (rows,) and the network's dtype, or None
        None if all rows weigh 1.
    """

    samples: Samples
    y: np.ndarray
    weights: np.ndarray | None = None

    def split(self, share: float) -> tuple[Labelled, Labelled]:
        """Return the first rows and the last ones, which are this share of all rows; at least one of each."""
        n = len(self.y)
        first = n - max(1, round(n * share))
        if first < 1:
            raise ValueError(f"validation_split must leave at least one row to train on, got {share} of {n} rows")
        parts = self._slice(slice(0, first)), self._slice(slice(first, n))
        if not all(part.weights is None or part.weights.any() for part in parts):
            raise ValueError(
                f"validation_split must leave rows of weight above 0 on both sides, got {share} of {n} rows"
            )
        return parts

    def _slice(self, rows: slice) -> Labelled:
        samples = Samples(self.samples.X[rows], self.samples.shift, self.samples.scale, self.samples.name)
        return Labelled(samples, self.y[rows], None if self.weights is None else self.weights[rows])

    def total(self) -> float:
        """Return the sum of the rows' weights."""
        return float(len(self.y) if self.weights is None else self.weights.sum(dtype=np.float64))

    def picked(self, rows: np.ndarray | slice) -> Labelled:
        """Return the targets and weights of some rows, with all samples."""
        return Labelled(self.samples, self.y[rows], None if self.weights is None else self.weights[rows])


@dataclass(slots=True)
class Samples:
    """X as the user gave it, and how its rows become inputs of the network: x = (X - shift) * scale.

    Parameters
    ----------
    X : ndarray or frames.SparseRows of shape (rows, columns)
        Any real dtype, order or strides, memory maps included; never copied whole.
    shift, scale : float, ndarray of shape (columns,) or None
    name : str
        Name of X in error messages.
    origins : function, optional
        Returns the words for a row in error messages, such as "row 3 of part-1.npy"; by default its number in X.
    """

    X: np.ndarray
    shift: float | np.ndarray | None = None
    scale: float | np.ndarray | None = None
    name: str = "X"
    origins: Callable[[int], str] | None = None

    @property
    def direct(self) -> bool:
        """Whether compiled kernels can read X in place."""
        if not isinstance(self.X, np.ndarray):
            return False
        flags = self.X.flags
        return self.X.dtype in READ_IN_PLACE and self.X.dtype.isnative and flags.c_contiguous and flags.aligned

    @property
    def place(self) -> int:
        """Where X stands if compiled kernels read it there, else 0."""
        if isinstance(self.X, SparseRows):
            return address(self.X.data)
        return address(self.X) if self.direct else 0

    def row_bytes(self, dtype: np.dtype) -> int:
        """Return the size of a row of inputs in bytes."""
        return self.X.shape[1] * dtype.itemsize

    def shift_and_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Return both as float64 arrays of one number for each column, or two empty arrays if X is not scaled."""
        if self.shift is None and self.scale is None:
            return np.empty(0), np.empty(0)
        shift = 0.0 if self.shift is None else self.shift
        scale = 1.0 if self.scale is None else self.scale
        columns = self.X.shape[1]
        return _numbers(shift, columns), _numbers(scale, columns)

    def gather(self, x: np.ndarray, rows: np.ndarray | slice) -> None:
        """Copy some rows to x, in this order; they are scaled in float64.

        x : out (len(rows), columns)

        Raises ValueError if one holds NaN, infinity or a number too large for x.
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
                f"got {self.X[where, column]} in {self._named(where)}, column {column}"
            )

    def converted(self, rows: np.ndarray, dtype: np.dtype) -> Samples:
        """Return a copy of these rows that compiled kernels can read."""
        x = np.empty((len(rows), self.X.shape[1]), dtype)
        self.gather(x, rows)
        return Samples(x, name=self.name)

    def few(self, dtype: np.dtype) -> np.ndarray:
        """Return all rows converted but not checked. For few rows; not copied if they have the right dtype."""
        if self.shift is None and self.scale is None and isinstance(self.X, np.ndarray):
            if self.X.dtype == dtype and self.X.flags.carray:  # kernels are compiled for writable arrays
                return self.X
            with np.errstate(over="ignore"):
                return np.array(self.X, dtype, order="C")
        return self.converted(np.arange(len(self.X)), dtype).X

    def reject(self, row: int, dtype: np.dtype) -> None:
        """Raise the ValueError for a row that a compiled kernel found not to be finite."""
        self.converted(np.array([row]), dtype)
        where = self._named(row)
        raise ValueError(f"{self.name} must hold finite numbers within {dtype} after scaling; {where} does not")

    def _named(self, row: int) -> str:
        return f"row {row}" if self.origins is None else self.origins(row)

    def require_scaled(self, scales: np.ndarray) -> None:
        """Raise ValueError where trained scales of the columns take an input beyond their dtype."""
        largest, most, X = float(np.abs(scales).max(initial=0)), float(np.finfo(scales.dtype).max), self.X
        if largest <= 1 or not len(X):
            return
        if self.shift is None and self.scale is None:
            numbers = X if isinstance(X, np.ndarray) else X.data
            if not numbers.size or largest * max(-float(numbers.min()), float(numbers.max())) <= most:
                return
        step = max(1, PART_BYTES // self.row_bytes(scales.dtype))
        for first in range(0, len(X), step):
            rows = np.arange(first, min(first + step, len(X)))
            self.scaled(self.converted(rows, scales.dtype).X, scales, first)

    def scaled(self, x: np.ndarray, scales: np.ndarray, first: int = 0) -> np.ndarray:
        """Return inputs, from row `first` on, times trained scales; raise ValueError for one beyond the dtype."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.asarray(x * scales)
        finite = np.isfinite(found)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise ValueError(
                f"{self.name} must hold finite numbers within {scales.dtype} times the trained scales, got "
                f"{x[row, column]:g} times {scales[column]:g} in {self._named(first + row)}, column {column}"
            )
        return found


def _numbers(value: float | np.ndarray, columns: int) -> np.ndarray:
    """Return one number for each column as a new float64 array."""
    return np.array(np.broadcast_to(value, columns), np.float64)
