"""Half the Poisson deviance, for counts."""

import math
from typing import ClassVar

from ..entries.functions import log, where
from ..entries.loss import Loss, Points
from ..entries.typed import Tile


class Poisson(Points, Loss):
    """E = sum_j y_j ln(y_j / z_j) - y_j + z_j with z = exp(t): half the Poisson deviance; 0 ln 0 = 0.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 1], loss=fastbp.losses.Poisson(), seed=0)
    """

    name: ClassVar[str] = "poisson"
    link: ClassVar[str] = "exp"
    domain: ClassVar[tuple[float, float]] = (0.0, math.inf)
    flop: ClassVar[int] = 9
    formula = "E = sum_j y_j ln(y_j / z_j) - y_j + z_j with z = exp(t): half the Poisson deviance; 0 ln 0 = 0"

    @staticmethod
    def error(t: float, y: float) -> float:
        """Y ln (y / z) - y + z."""
        return (y * (math.log(y) - t) if y > 0 else 0) + (math.exp(t) - y)

    @staticmethod
    def gradient(t: float, y: float) -> float:
        """Return z - y."""
        return math.exp(t) - y

    @staticmethod
    def tile_error(t: Tile, z: Tile, y: Tile) -> Tile:
        """Y ln (y / z) - y + z."""
        return where(0.0 < y, y * (log(y) - t), 0.0) - y + z

    @staticmethod
    def tile_gradient(z: Tile, y: Tile) -> Tile:
        """Return z - y."""
        return z - y
