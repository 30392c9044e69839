"""Cross-entropy of outputs that are yes or no, each for itself."""

import math
from typing import ClassVar

from ..entries import functions
from ..entries.functions import where
from ..entries.loss import Loss, Points
from ..entries.typed import Tile


class BinaryCrossEntropy(Points, Loss):
    """E = sum_j ln(1 + exp(t_j)) - y_j t_j, z the logistic function of t: y is from 0 to 1 for each output.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 1], loss=fastbp.losses.BinaryCrossEntropy(), seed=0)
    """

    name: ClassVar[str] = "binary_cross_entropy"
    link: ClassVar[str] = "logistic"
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    flop: ClassVar[int] = 11
    aliases_of_one: ClassVar[tuple[str, ...]] = ("binary_crossentropy", "BCELoss", "BCEWithLogitsLoss", "bce")
    formula = (
        "E = sum_j ln(1 + exp(t_j)) - y_j t_j = -sum_j y_j ln z_j + (1 - y_j) ln(1 - z_j), z the logistic function of t"
    )

    @staticmethod
    def error(t: float, y: float) -> float:
        """-y ln z - (1 - y) ln (1 - z)."""
        return max(t, 0) - y * t + math.log1p(math.exp(-abs(t)))

    @staticmethod
    def gradient(t: float, y: float) -> float:
        """Return z - y."""
        return (1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))) - y

    @staticmethod
    def tile_error(t: Tile, z: Tile, y: Tile) -> Tile:
        """ln(1 + e^t) - y t."""
        size = where(t < 0.0, 0.0 - t, t)
        return where(0.0 < t, t, 0.0) - t * y + functions.log(functions.exp(0.0 - size) + 1.0)

    @staticmethod
    def tile_gradient(z: Tile, y: Tile) -> Tile:
        """Return z - y."""
        return z - y
