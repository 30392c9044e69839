"""Scores of predictions, as scikit-learn defines them."""

from __future__ import annotations

import numpy as np


def accuracy(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the weighted share of the rows that are predicted correctly, in all of their outputs."""
    target = y if predicted.ndim == y.ndim else y[:, 0]
    right = predicted == (target > 0.5 if target.dtype.kind == "f" else target)
    return float(np.average(right if right.ndim == 1 else right.all(axis=1), weights=weights))


def r2(y: np.ndarray, z: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the coefficient of determination, its mean over the outputs: NaN for a single row.

    For an output whose y is constant it is 1 where all predictions are exact, else 0.
    """
    if len(y) < 2:
        return float("nan")
    y, z = y.astype(np.float64), z.astype(np.float64)
    errors = np.average(np.square(y - z), axis=0, weights=weights)
    spreads = np.average(np.square(y - np.average(y, axis=0, weights=weights)), axis=0, weights=weights)
    constant = spreads == 0
    return float(np.where(constant, errors == 0, 1 - errors / np.where(constant, 1, spreads)).mean())
