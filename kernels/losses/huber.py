"""Huber's loss (Huber, 1964, eq. 3.7)."""

from dataclasses import dataclass
from typing import ClassVar

from ..entries.functions import where
from ..entries.loss import Loss, Points
from ..entries.settings import above_zero, setting
from ..entries.typed import Tile


@dataclass(frozen=True)
class Huber(Points, Loss):
    """E = sum_j d_j^2 / 2 with d = z - y, and delta (|d_j| - delta / 2) where |d_j| > delta; z = t.

    Parameters
    ----------
    delta : float, default 1.0
        Residual size at which the loss becomes linear.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 1], loss=fastbp.losses.Huber(delta=0.5), seed=0)
    """

    delta: float = setting(1.0, above_zero)

    name: ClassVar[str] = "huber"
    aliases_of_one: ClassVar[tuple[str, ...]] = ("HuberLoss", "SmoothL1Loss")
    fields: ClassVar[tuple[str, ...]] = ("delta",)
    formula = "E = sum_j d_j^2 / 2 with d = t - y, and delta (|d_j| - delta / 2) where |d_j| > delta"
    gradient_formula = "dE/dt_j = d_j, no larger than delta"
    source = "Huber, 1964, eq. 3.7"

    @staticmethod
    def error(t: float, y: float, delta: float) -> float:
        """d^2 / 2, or delta (|d| - delta / 2)."""
        d = t - y
        return d * d / 2 if abs(d) <= delta else delta * (abs(d) - delta / 2)

    @staticmethod
    def gradient(t: float, y: float, delta: float) -> float:
        """Return d, no larger than delta."""
        return min(max(t - y, -delta), delta)

    @staticmethod
    def tile_error(t: Tile, z: Tile, y: Tile, delta: float) -> Tile:
        """d^2 / 2, or delta (|d| - delta / 2)."""
        size = where(z < y, y - z, z - y)
        return where(delta < size, (size - 0.5 * delta) * delta, size * size * 0.5)

    @staticmethod
    def tile_gradient(z: Tile, y: Tile, delta: float) -> Tile:
        """Return d, no larger than delta."""
        return where(z - y < -delta, -delta, where(delta < z - y, delta, z - y))
