"""Binary cross-entropy as scikit-learn computes it, rounding and all."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ..entries.functions import log, where
from ..entries.loss import Loss, Points
from ..entries.typed import Tile


@dataclass(frozen=True)
class LogLoss(Points, Loss):
    """Binary cross-entropy whose z is kept from 0 and 1, as scikit-learn reports it; the gradient is not clipped.

    Parameters
    ----------
    floor : float
        How near z may come to 0 and 1.
    """

    floor: float = 1e-7

    name: ClassVar[str] = "log_loss"
    link: ClassVar[str] = "logistic"
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    fields: ClassVar[tuple[str, ...]] = ("floor",)
    flop: ClassVar[int] = 12
    formula = "E = -sum_j y_j ln z_j + (1 - y_j) ln(1 - z_j) with z no nearer to 0 and 1 than `floor`"

    @staticmethod
    def error(t: float, y: float, floor: float) -> float:
        """-y ln z - (1 - y) ln (1 - z), z clipped."""
        z = 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))
        z = min(max(z, floor), 1 - floor)
        return -(y * math.log(z) + (1 - y) * math.log(1 - z))

    @staticmethod
    def gradient(t: float, y: float, floor: float) -> float:
        """Return z - y."""
        return (1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))) - y

    @staticmethod
    def tile_error(t: Tile, z: Tile, y: Tile, floor: float) -> Tile:
        """-y ln z - (1 - y) ln (1 - z), z clipped."""
        z = where(z < floor, floor, where(1.0 - floor < z, 1.0 - floor, z))
        return 0.0 - (y * log(z) + (1.0 - y) * log(1.0 - z))

    @staticmethod
    def tile_gradient(z: Tile, y: Tile, floor: float) -> Tile:
        """Return z - y."""
        return z - y
