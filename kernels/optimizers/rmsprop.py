"""RMSprop (Tieleman and Hinton, 2012, lecture 6.5 of Neural Networks for Machine Learning)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ..entries import functions
from ..entries.functions import fma, rounded
from ..entries.optimizer import Optimizer, Rule
from ..entries.settings import rate, setting, share
from ..entries.typed import Fields, Tile


def numbers(s: Fields, alpha: float, step: int) -> tuple[float, ...]:
    """Return alpha, rho and epsilon."""
    return alpha, s.rho, s.epsilon


def rmsprop_step(W: float, dW: float, v: float, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return W and v after a step."""
    alpha, rho, eps = numbers
    v = rounded(rho * v + (1 - rho) * dW * dW, v)
    return W - alpha * dW / (math.sqrt(v) + eps), v


def rmsprop_tile(W: Tile, dW: Tile, v: Tile, numbers: tuple[float, ...]) -> tuple[Tile, ...]:
    """The same of tiles."""
    alpha, rho, eps = numbers
    v = fma(v, rho, dW * dW * (1 - rho))
    return W - dW * alpha / (functions.sqrt(v) + eps), v


RMSPROP = Rule(
    "rmsprop", ("v",), ("rho", "epsilon"), numbers, rmsprop_step, rmsprop_tile, flop=8,
    formula="v <- rho v + (1 - rho) (dE/dW)^2;  W <- W - alpha dE/dW / (sqrt(v) + eps)",
    source="Tieleman, Hinton, 2012, lecture 6.5",
)  # fmt: skip


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton, 2012, lecture 6.5 of Neural Networks for Machine Learning).

    Parameters
    ----------
    learning_rate : float, default 0.001
    rho : float, default 0.9
        Decay of the mean of the gradient's square.
    epsilon : float, default 1e-7
        Added to the divisor. A model refuses one that is 0 in its dtype.
    rate_factors : dict of {str: float}, optional
        Factors of the learning rate of "W", "b", "gain", "slope" and "scales", as in `Optimizer`.
    parametrization : {"standard", "ntk"}, default "standard"
        "ntk" takes the steps of V, where W = V / sqrt(inputs).

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 3], optimizer=fastbp.optimizers.RMSprop(rho=0.95), seed=0)
    """

    learning_rate: float = 0.001
    rho: float = setting(0.9, share)
    epsilon: float = setting(1e-7, rate)

    name: ClassVar[str] = "rmsprop"
    rules: ClassVar[tuple[Rule, ...]] = (RMSPROP,)

    @property
    def rule(self) -> Rule:
        """RMSprop's."""
        return RMSPROP
