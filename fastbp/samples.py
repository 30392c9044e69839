"""Rows of the user's data on their way into a network: picked, scaled, converted and checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Samples:
    """X as the user has it, with what turns a row of it into inputs: x = (X - shift) * scale.

    Parameters
    ----------
    X : ndarray of shape (rows, columns)
        Any real dtype, order or strides, memory maps included; never copied whole.
    shift, scale : float, ndarray of shape (columns,) or None
        Applied in float64; the result is rounded once, to the network's dtype.
    name : str
        What errors call X.
    """

    X: np.ndarray
    shift: float | np.ndarray | None = None
    scale: float | np.ndarray | None = None
    name: str = "X"

    def gather(self, x: np.ndarray, rows: np.ndarray | slice) -> None:
        """X <- the rows named, in that order; ValueError where one holds NaN, infinity or too large a number.

        x : out (len(rows), columns)
        """
        picked = self.X[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            if self.shift is not None or self.scale is not None:
                picked = picked.astype(np.float64)
                picked -= 0.0 if self.shift is None else self.shift
                picked *= 1.0 if self.scale is None else self.scale
            x[...] = picked
        if not np.isfinite(x).all():
            row, column = np.argwhere(~np.isfinite(x))[0]
            where = np.arange(len(self.X))[rows][row]
            raise ValueError(
                f"{self.name} must hold finite numbers within {x.dtype}, "
                f"got {self.X[where, column]} in row {where}, column {column}"
            )
