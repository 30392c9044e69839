"""Robust scales of columns, with which outliers come out small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LIMIT = 3.0  # that no number passes
MOST = np.finfo(np.float64).max
LARGE = 1e100  # scaled numbers beyond it are LIMIT, and their squares would not be finite


class Scales(NamedTuple):
    """The centre and the factor of each column.

    Parameters
    ----------
    center, factor : ndarray of shape (columns,)
        The median; and one over the difference of the quartiles, else two over the range, else 0.
    """

    center: np.ndarray
    factor: np.ndarray


def fit(values: np.ndarray) -> Scales:
    """Return the scales of columns of finite numbers, by their median, linear quartiles and range."""
    half = values / 2  # differences of halves are within float64
    low, center, high = np.quantile(half, (0.25, 0.5, 0.75), axis=0)
    spread = high - low
    same = spread == 0
    spread[same] = (half[:, same].max(axis=0) - half[:, same].min(axis=0)) / 2
    with np.errstate(divide="ignore", over="ignore"):
        factor = np.where(spread == 0, 0.0, 0.5 / spread)
    return Scales(2 * center, np.minimum(factor, MOST))


def fit_levels(found: np.ndarray, count: int) -> Scales:
    """Return the scales of columns of 0 and 1, one for each level, as `fit` does of these columns.

    Parameters
    ----------
    found : ndarray of shape (rows,)
        The number of each row's level from 1, or 0.
    count : int
        Number of levels.
    """
    rows, ones = len(found), np.bincount(found, minlength=count + 1)[1:]
    each = {k: _fit_ones(k, rows) for k in np.unique(ones).tolist()}
    return Scales(*np.array([each[k] for k in ones.tolist()]).reshape(count, 2).T)


def _fit_ones(ones: int, rows: int) -> tuple[float, float]:
    """Return the centre and the factor of a column with so many ones, and zeros otherwise."""
    if 0 < ones and 4 * ones + 8 < rows:  # median and quartiles are 0, so the range counts
        return 0.0, 2.0
    center, factor = fit((np.arange(rows) < ones).astype(np.float64)[:, None])
    return float(center[0]), float(factor[0])


def joined(parts: Sequence[Scales]) -> Scales:
    """Return the scales of all columns, from those of some each."""
    return Scales(*(np.concatenate([np.empty(0), *(part[i] for part in parts)]) for i in range(2)))


def of_levels(scales: Scales) -> np.ndarray:
    """Return what 0 and 1 become in columns of these scales, of shape (2, columns)."""
    values = np.zeros((2, len(scales.center)))
    values[1] = 1
    scale(values, scales)
    return values


def scale(values: np.ndarray, scales: Scales) -> None:
    """Replace finite numbers x by z / sqrt(1 + (z / 3)^2) with z = (x - center) factor."""
    with np.errstate(over="ignore"):
        values -= scales.center
        np.clip(values, -MOST, MOST, out=values)  # 0 times infinity is no number
        values *= scales.factor
    np.clip(values, -LARGE, LARGE, out=values)
    root = values / LIMIT
    root *= root
    root += 1
    values /= np.sqrt(root, out=root)
