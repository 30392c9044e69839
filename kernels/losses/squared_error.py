"""Half the square of the difference."""

from typing import ClassVar

from ..entries.loss import Loss, Points
from ..entries.typed import Tile


class SquaredError(Points, Loss):
    """E = 1/2 sum_j (z_j - y_j)^2, z = t.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 1], loss=fastbp.losses.SquaredError(), seed=0)
    """

    name: ClassVar[str] = "squared_error"
    formula = "E = 1/2 sum_j (t_j - y_j)^2"

    @staticmethod
    def error(t: float, y: float) -> float:
        """(t - y)^2 / 2."""
        difference = t - y
        return difference * difference / 2

    @staticmethod
    def gradient(t: float, y: float) -> float:
        """Return t - y."""
        return t - y

    @staticmethod
    def tile_error(t: Tile, z: Tile, y: Tile) -> Tile:
        """(z - y)^2 / 2."""
        return (z - y) * (z - y) * 0.5

    @staticmethod
    def tile_gradient(z: Tile, y: Tile) -> Tile:
        """Return z - y."""
        return z - y
