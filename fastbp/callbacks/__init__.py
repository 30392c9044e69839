"""Callbacks of `Model.fit`: early stopping, lower rates on a plateau, checkpoints, diagnoses, and a base class."""

from __future__ import annotations

from .base import Callback
from .checkpoint import Checkpoint
from .diagnosing import Diagnose
from .monitoring import EarlyStopping, ReduceLearningRate

__all__ = ["Callback", "Checkpoint", "Diagnose", "EarlyStopping", "ReduceLearningRate"]


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
