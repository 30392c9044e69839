"""Activations, and activations of your own: what `Model(activation=...)` takes beside names.

`exp`, `expm1`, `log`, `log1p` and `tanh` are for your own point functions: compiled, they are the library's.
"""

from .kernels.activations import (
    BLENDED_MISH,
    BLENDED_SELU,
    ELU,
    GELU,
    IDENTITY,
    LEAKY_RELU,
    LOGISTIC,
    MISH,
    PRELU,
    RELU,
    SELU,
    SILU,
    SOFTPLUS,
    TANH,
)
from .kernels.entries.activation import Activation
from .kernels.entries.functions import exp, expm1, log, log1p, tanh

__all__ = [
    "Activation",
    "exp",
    "expm1",
    "log",
    "log1p",
    "tanh",
    "RELU",
    "IDENTITY",
    "LOGISTIC",
    "TANH",
    "LEAKY_RELU",
    "GELU",
    "SILU",
    "ELU",
    "SELU",
    "MISH",
    "SOFTPLUS",
    "PRELU",
    "BLENDED_SELU",
    "BLENDED_MISH",
]


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
