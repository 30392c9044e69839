"""Log-cosh: half the square of small differences, the size of large ones (Green, 1990)."""

import math
from typing import ClassVar

from ..entries import functions
from ..entries.functions import where
from ..entries.loss import Loss, Points
from ..entries.typed import Tile

LN2 = 0.6931471805599453


class LogCosh(Points, Loss):
    """E = sum_j ln cosh(z_j - y_j), z = t (Green, 1990).

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 1], loss=fastbp.losses.LogCosh(), seed=0)
    """

    name: ClassVar[str] = "log_cosh"
    flop: ClassVar[int] = 12
    formula = "E = sum_j ln cosh(t_j - y_j)"
    gradient_formula = "dE/dt_j = tanh(t_j - y_j)"
    source = "Green, 1990"

    @staticmethod
    def error(t: float, y: float) -> float:
        """|d| + ln(1 + e^-2|d|) - ln 2, near 0 ln(1 + 2 sinh(d/2)^2), where that would lose digits."""
        size = abs(t - y)
        if size < 1:
            return math.log1p(2 * math.sinh(size / 2) ** 2)
        return size + math.log1p(math.exp(-2 * size)) - LN2

    @staticmethod
    def gradient(t: float, y: float) -> float:
        """Return tanh d."""
        return math.tanh(t - y)

    @staticmethod
    def tile_error(t: Tile, z: Tile, y: Tile) -> Tile:
        """|d| + ln(1 + e) - ln 2 with e = e^-2|d|; near 0 ln(1 + m^2 / (4 e)) / 2 with m = 1 - e."""
        size = where(z < y, y - z, z - y)
        m = 0.0 - functions.expm1(size * -2.0)
        near = functions.log1p(m * m * 0.25 / (1.0 - m))
        return where(size < 1.0, near * 0.5, size + functions.log1p(1.0 - m) - LN2)

    @staticmethod
    def tile_gradient(z: Tile, y: Tile) -> Tile:
        """Return tanh d."""
        return functions.tanh(z - y)
