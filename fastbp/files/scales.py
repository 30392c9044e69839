"""Scales that suit a network: of inputs, and of numbers to predict."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ..model.model import Model


def scaling(X: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | float]:
    """Return (shift, scale), with which (X - shift) * scale suits a network.

    Parameters
    ----------
    X : ndarray of shape (rows, columns)
        The rows trained on.

    Returns
    -------
    shift, scale
        None and 1/255 for uint8. Otherwise two float64 arrays of shape (columns,): the mean, and one over
        the standard deviation or, where that is larger, a tenth of the range; 1 where a column is constant.

    Raises
    ------
    ValueError
        Where numbers are too large for their mean and deviation.
    """
    return (None, 1 / 255) if X.dtype == np.uint8 else scaling_of(*_moments(X))


def scaling_of(mean: np.ndarray, deviation: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (shift, scale) as `scaling` has them, from mean, standard deviation and range of each column."""
    # a column that is nearly always the same would come out with values by the hundred, and training diverge
    deviation = np.maximum(deviation, extent / 10)
    if not np.isfinite(deviation).all():
        raise ValueError(f"column {int(np.argmin(np.isfinite(deviation)))} holds numbers too large to scale")
    # the deviation of equal numbers is a rounding error, not 0
    constant = (extent == 0) | (deviation < np.finfo(np.float64).tiny)
    return mean, 1 / np.where(constant, 1.0, deviation)


def _moments(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, standard deviation and range of each column."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
        return mean, deviation, X.max(axis=0).astype(np.float64) - X.min(axis=0)


class TargetScale(NamedTuple):
    """The scale on which a network learns the numbers that it predicts.

    Parameters
    ----------
    mean, deviation : float
        Of the rows trained on; the network learns (y - mean) / deviation.
    dtype : {"float32", "float64"}
        In which a network can predict such numbers.
    """

    mean: float
    deviation: float
    dtype: str

    def standardized(self, y: np.ndarray) -> np.ndarray:
        """Return y on the network's scale."""
        return (y - self.mean) / self.deviation

    def restored(self, model: Model) -> Model:
        """Return a copy of a model that learned `standardized` numbers; it predicts them on their own scale.

        The scale becomes part of the last layer, whose outputs are its weighted sums as they are.
        """
        model = copy.deepcopy(model)
        W, b, *_ = model.parameters[-1]
        W[...] = W * self.deviation
        b[...] = b * self.deviation + self.mean
        return model

    def score(self, predicted: np.ndarray, y: np.ndarray) -> tuple[float | None, float]:
        """Return R2, or None where all y are equal, and the root of the mean square error."""
        z, y = self.standardized(predicted.astype(np.float64)), self.standardized(y)
        error, spread = float(np.mean((z - y) ** 2)), float(np.var(y))
        return 1 - error / spread if np.ptp(y) else None, error**0.5 * self.deviation


def target_scale(y: np.ndarray) -> TargetScale:
    """Return the scale of numbers to predict.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        The rows trained on.

    Raises
    ------
    ValueError
        Where all numbers are equal, or too large for their mean and deviation.
    """
    if np.ptp(y) == 0:
        raise ValueError(f"all rows have the target {y[0]:g}, two different ones are needed")
    return target_scale_of(*_moments(y.astype(np.float64).reshape(-1, 1)))


def target_scale_of(mean: np.ndarray, deviation: np.ndarray, extent: np.ndarray) -> TargetScale:
    """Return the scale of numbers to predict, from their mean, standard deviation and range, each of shape (1,)."""
    try:
        shift, scale = scaling_of(mean, deviation, extent)
    except ValueError:
        raise ValueError("the target holds numbers too large to scale") from None
    middle, unit = float(shift[0]), float(1 / scale[0])
    fits = abs(middle) < 1e4 * unit and 1e-30 < unit < 1e30  # float32 has 7 digits, and ends at 3e38
    return TargetScale(middle, unit, "float32" if fits else "float64")
