"""Optimizers with their settings: what `Model(optimizer=...)` takes beside names."""

from .kernels.entries.optimizer import Optimizer
from .kernels.optimizers import SGD, Adam, AdamW, Lion, NAdam, RMSprop

__all__ = [
    "Optimizer",
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "Lion",
    "NAdam",
]


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
