"""Activations, and activations of your own: what `Model(activation=...)` takes beside names.

`exp`, `expm1`, `log`, `log1p` and `tanh` are for your own point functions: compiled, they are the library's.
"""

from .kernels import activations as _entries
from .kernels.entries.activation import Activation
from .kernels.entries.functions import exp, expm1, log, log1p, tanh

__all__ = ["Activation", "exp", "expm1", "log", "log1p", "tanh", *(name.upper() for name in _entries.ACTIVATIONS)]
globals().update({name.upper(): entry for name, entry in _entries.ACTIVATIONS.items()})
