"""AdamW: Adam with decay of the weights apart from the gradient (Loshchilov and Hutter, 2019, algorithm 2)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ..entries import functions
from ..entries.functions import fma, rounded
from ..entries.optimizer import Decaying, Rule
from ..entries.settings import flag, rate, setting, share
from ..entries.typed import Fields, Tile


def numbers(s: Fields, alpha: float, step: int) -> tuple[float, ...]:
    """Return the rate with bias correction, beta_1, beta_2, epsilon, and the share of W that is taken off."""
    correction = math.sqrt(1 - s.beta_2**step)
    epsilon = s.epsilon * (correction if s.epsilon_after_correction else 1.0)
    return alpha * correction / (1 - s.beta_1**step), s.beta_1, s.beta_2, epsilon, alpha * s.weight_decay


def adamw_step(W: float, dW: float, m: float, v: float, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return W, m and v after a step."""
    rate, b1, b2, eps, decay = numbers
    m = rounded(b1 * m + (1 - b1) * dW, m)
    v = rounded(b2 * v + (1 - b2) * dW * dW, v)
    W = rounded(W - decay * W, W)
    return W - rate * m / (math.sqrt(v) + eps), m, v


def adamw_tile(W: Tile, dW: Tile, m: Tile, v: Tile, numbers: tuple[float, ...]) -> tuple[Tile, ...]:
    """The same of tiles."""
    rate, b1, b2, eps, decay = numbers
    m = fma(m, b1, dW * (1 - b1))
    v = fma(v, b2, dW * dW * (1 - b2))
    return W - W * decay - m * rate / (functions.sqrt(v) + eps), m, v


ADAMW = Rule(
    "adamw", ("m", "v"), ("beta_1", "beta_2", "epsilon", "weight_decay", "epsilon_after_correction"), numbers,
    adamw_step, adamw_tile, flop=14,
    formula="W <- W - alpha decay W, then as Adam", source="Loshchilov and Hutter, 2019, algorithm 2",
)  # fmt: skip


@dataclass(frozen=True)
class AdamW(Decaying):
    """Adam that takes a share of the parameters off with each step (Loshchilov and Hutter, 2019).

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta_1, beta_2, epsilon : float, default 0.9, 0.999, 1e-8
        As Adam's.
    weight_decay : float, default 0.01
        Share of the parameters, times the learning rate, that each step takes off.
    epsilon_after_correction : bool, default False
        As Adam's.
    rate_factors : dict of {str: float}, optional
        Factors of the learning rate of "W", "b", "gain", "slope" and "scales", as in `Optimizer`.
    parametrization : {"standard", "ntk"}, default "standard"
        "ntk" takes the steps of V, where W = V / sqrt(inputs).
    decay_factors : dict of {str: float}, optional
        Factors of the decay of the same kinds of parameters: one at r times the learning rate is multiplied by
        1 - r factor decay.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 3], optimizer=fastbp.optimizers.AdamW(weight_decay=0.1), seed=0)
    """

    learning_rate: float = 0.001
    beta_1: float = setting(0.9, share)
    beta_2: float = setting(0.999, share)
    epsilon: float = setting(1e-8, rate)
    weight_decay: float = setting(0.01, rate)
    epsilon_after_correction: bool = setting(False, flag)

    name: ClassVar[str] = "adamw"
    rules: ClassVar[tuple[Rule, ...]] = (ADAMW,)

    @property
    def rule(self) -> Rule:
        """AdamW's."""
        return ADAMW
