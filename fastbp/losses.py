"""Losses with their settings, and losses of your own: what `Model(loss=...)` takes beside names."""

from .kernels import losses as _entries
from .kernels.entries.loss import Loss, PointLoss

__all__ = ["Loss", "PointLoss", *(entry.__name__ for entry in _entries.ALL)]
globals().update({entry.__name__: entry for entry in _entries.ALL})
