"""Losses with their settings, and losses of your own: what `Model(loss=...)` takes beside names."""

from .kernels.entries.loss import Loss, PointLoss
from .kernels.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    LogCosh,
    Poisson,
    SquaredError,
)

__all__ = [
    "Loss",
    "PointLoss",
    "CrossEntropy",
    "BinaryCrossEntropy",
    "SquaredError",
    "AbsoluteError",
    "Huber",
    "Poisson",
    "LogCosh",
]


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
