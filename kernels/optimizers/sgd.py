"""Gradient descent (eqs. 9, 54), with momentum if asked for."""

from dataclasses import dataclass
from typing import ClassVar

from ..entries.functions import fma
from ..entries.optimizer import Optimizer, Rule
from ..entries.settings import flag, setting, share
from ..entries.typed import Fields, Tile


def plain_numbers(s: Fields, alpha: float, step: int) -> tuple[float, ...]:
    """Return alpha."""
    return (alpha,)


def plain_step(W: float, dW: float, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """W - alpha dE/dW."""
    return (W - numbers[0] * dW,)


def plain_tile(W: Tile, dW: Tile, numbers: tuple[float, ...]) -> tuple[Tile, ...]:
    """W - alpha dE/dW of tiles."""
    return (fma(dW, -numbers[0], W),)


def numbers(s: Fields, alpha: float, step: int) -> tuple[float, ...]:
    """Return alpha and mu."""
    return alpha, s.momentum


def momentum_step(W: float, dW: float, m: float, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """m <- mu m - alpha dE/dW;  W <- W + m."""
    alpha, mu = numbers
    m = mu * m - alpha * dW
    return W + m, m


def momentum_tile(W: Tile, dW: Tile, m: Tile, numbers: tuple[float, ...]) -> tuple[Tile, ...]:
    """m <- mu m - alpha dE/dW;  W <- W + m of tiles."""
    alpha, mu = numbers
    m = fma(m, mu, dW * -alpha)
    return W + m, m


def nesterov_step(W: float, dW: float, m: float, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """m <- mu m - alpha dE/dW;  W <- W + mu m - alpha dE/dW."""
    alpha, mu = numbers
    m = mu * m - alpha * dW
    return W + (mu * m - alpha * dW), m


def nesterov_tile(W: Tile, dW: Tile, m: Tile, numbers: tuple[float, ...]) -> tuple[Tile, ...]:
    """m <- mu m - alpha dE/dW;  W <- W + mu m - alpha dE/dW of tiles."""
    alpha, mu = numbers
    step = dW * -alpha
    m = fma(m, mu, step)
    return W + fma(m, mu, step), m


PLAIN = Rule(
    "sgd", (), (), plain_numbers, plain_step, plain_tile, flop=2, equations=(9, 54),
    formula="W <- W - alpha dE/dW",
)  # fmt: skip
MOMENTUM = Rule(
    "momentum", ("m",), ("momentum",), numbers, momentum_step, momentum_tile, flop=4,
    formula="m <- mu m - alpha dE/dW;  W <- W + m", source="Sutskever et al., 2013, eqs. 1, 2",
)  # fmt: skip
NESTEROV = Rule(
    "nesterov", ("m",), ("momentum",), numbers, nesterov_step, nesterov_tile, flop=5,
    formula="m <- mu m - alpha dE/dW;  W <- W + mu m - alpha dE/dW, where W is the point ahead",
    source="Sutskever et al., 2013, eqs. 3, 4",
)  # fmt: skip


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, W <- W - alpha dE/dW (eq. 54), with momentum if asked for (Sutskever et al., 2013).

    Parameters
    ----------
    learning_rate : float, default 0.1
        alpha.
    momentum : float, default 0.0
        mu: share of the last step that is taken again.
    nesterov : bool, default False
        Whether the gradient is taken at the point ahead.
    rate_factors : dict of {str: float}, optional
        Factors of the learning rate of "W", "b", "gain", "slope" and "scales", as in `Optimizer`.
    parametrization : {"standard", "ntk"}, default "standard"
        "ntk" takes the steps of V, where W = V / sqrt(inputs).

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 3], optimizer=fastbp.optimizers.SGD(0.05, momentum=0.9, nesterov=True), seed=0)
    """

    learning_rate: float = 0.1
    momentum: float = setting(0.0, share)
    nesterov: bool = setting(False, flag)

    name: ClassVar[str] = "sgd"
    rules: ClassVar[tuple[Rule, ...]] = (PLAIN, MOMENTUM, NESTEROV)

    @property
    def rule(self) -> Rule:
        """Without momentum the step is taken within the backward pass."""
        return (NESTEROV if self.nesterov else MOMENTUM) if self.momentum else PLAIN
