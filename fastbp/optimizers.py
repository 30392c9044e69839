"""Optimizers with their settings: what `Model(optimizer=...)` takes beside names."""

from .kernels import optimizers as _entries
from .kernels.entries.optimizer import Optimizer

__all__ = ["Optimizer", *(entry.__name__ for entry in _entries.ALL)]
globals().update({entry.__name__: entry for entry in _entries.ALL})
