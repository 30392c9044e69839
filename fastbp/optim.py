"""Optimizers: their settings and the state they keep. The loops over parameters are kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class SGD:
    """Plain gradient descent, W <- W - alpha dE/dW (eq. 54)."""

    learning_rate: float
    default_learning_rate: ClassVar[float] = 0.1
    slots: ClassVar[tuple[str, ...]] = ()  # vectors of state, each as long as the parameters


OPTIMIZERS = {"sgd": SGD}
