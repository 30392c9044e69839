"""Optimizers: their settings and the names of the state they keep. The loops over parameters are kernels."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any, ClassVar

from . import checks


@dataclass(frozen=True)
class SGD:
    """Gradient descent, W <- W - alpha dE/dW (eq. 54), with momentum if asked for."""

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        checks.share("momentum", self.momentum)
        checks.flag("nesterov", self.nesterov)

    @property
    def kernel(self) -> str:
        """Name of the update: "sgd" is done within the backward pass."""
        return ("nesterov" if self.nesterov else "momentum") if self.momentum else "sgd"

    @property
    def slots(self) -> tuple[str, ...]:
        """Vectors of state, each as long as the parameters."""
        return ("m",) if self.momentum else ()

    @property
    def numbers(self) -> tuple[float, ...]:
        """Settings in the order that the kernels take them."""
        return self.learning_rate, self.momentum


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma, Ba, 2015) with bias correction, epsilon as at the end of the paper's section 2."""

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    kernel: ClassVar[str] = "adam"
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    def __post_init__(self) -> None:
        checks.share("beta_1", self.beta_1)
        checks.share("beta_2", self.beta_2)
        checks.rate("epsilon", self.epsilon)

    @property
    def numbers(self) -> tuple[float, ...]:
        """Settings in the order that the kernels take them."""
        return astuple(self)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam that takes a share of the parameters off with each step (Loshchilov, Hutter, 2019)."""

    weight_decay: float = 0.01
    kernel: ClassVar[str] = "adamw"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.rate("weight_decay", self.weight_decay)


@dataclass(frozen=True)
class RMSProp:
    """RMSProp (Tieleman, Hinton, 2012, lecture 6.5 of Neural Networks for Machine Learning)."""

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-7
    kernel: ClassVar[str] = "rmsprop"
    slots: ClassVar[tuple[str, ...]] = ("v",)

    def __post_init__(self) -> None:
        checks.share("rho", self.rho)
        checks.rate("epsilon", self.epsilon)

    @property
    def numbers(self) -> tuple[float, ...]:
        """Settings in the order that the kernels take them: one is Adam's alone."""
        return self.learning_rate, self.rho, 0.0, self.epsilon


Optimizer = SGD | Adam | AdamW | RMSProp
OPTIMIZERS: dict[str, Any] = {"sgd": SGD, "adam": Adam, "adamw": AdamW, "rmsprop": RMSProp}


def make(name: str, learning_rate: float | None, settings: dict[str, Any]) -> Optimizer:
    """Return an optimizer by name; settings that are None stand at its default."""
    kind = OPTIMIZERS[checks.choice("optimizer", name, OPTIMIZERS)]
    given = {key: value for key, value in settings.items() if value is not None}
    unknown = [key for key in given if key not in kind.__dataclass_fields__]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: not a setting of optimizer {name!r}")
    if learning_rate is not None:
        given["learning_rate"] = checks.rate("learning_rate", learning_rate)
    return kind(**given)
