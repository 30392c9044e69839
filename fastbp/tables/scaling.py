"""Robust scales of columns, with which outliers come out small."""

from __future__ import annotations

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
