"""The size of the difference."""

from typing import ClassVar

from ..entries.functions import where
from ..entries.loss import Loss, Points
from ..entries.typed import Tile


class AbsoluteError(Points, Loss):
    """E = sum_j |z_j - y_j|, z = t.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 1], loss=fastbp.losses.AbsoluteError(), seed=0)
    """

    name: ClassVar[str] = "absolute_error"
    flop: ClassVar[int] = 3
    aliases_of_one: ClassVar[tuple[str, ...]] = ("mae", "mean_absolute_error", "L1Loss")
    formula = "E = sum_j |t_j - y_j|"
    gradient_formula = "dE/dt_j = sign(t_j - y_j)"

    @staticmethod
    def error(t: float, y: float) -> float:
        """|t - y|."""
        return abs(t - y)

    @staticmethod
    def gradient(t: float, y: float) -> float:
        """Return the sign of t - y."""
        return 1 if t > y else -1 if t < y else 0

    @staticmethod
    def tile_error(t: Tile, z: Tile, y: Tile) -> Tile:
        """|z - y|."""
        return where(z < y, y - z, z - y)

    @staticmethod
    def tile_gradient(z: Tile, y: Tile) -> Tile:
        """Return the sign of z - y."""
        return where(y < z, 1.0, where(z < y, -1.0, (z - y) * 0.0))
