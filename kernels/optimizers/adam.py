"""Adam (Kingma and Ba, 2015)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ..entries import functions
from ..entries.functions import fma, rounded
from ..entries.optimizer import Optimizer, Rule
from ..entries.settings import flag, rate, setting, share
from ..entries.typed import Fields, Tile


def numbers(s: Fields, alpha: float, step: int) -> tuple[float, ...]:
    """Return the rate with bias correction, beta_1, beta_2 and epsilon, which is multiplied where it comes later."""
    correction = math.sqrt(1 - s.beta_2**step)
    epsilon = s.epsilon * (correction if s.epsilon_after_correction else 1.0)
    return alpha * correction / (1 - s.beta_1**step), s.beta_1, s.beta_2, epsilon


def adam_step(W: float, dW: float, m: float, v: float, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return W, m and v after a step."""
    rate, b1, b2, eps = numbers
    m = rounded(b1 * m + (1 - b1) * dW, m)
    v = rounded(b2 * v + (1 - b2) * dW * dW, v)
    return W - rate * m / (math.sqrt(v) + eps), m, v


def adam_tile(W: Tile, dW: Tile, m: Tile, v: Tile, numbers: tuple[float, ...]) -> tuple[Tile, ...]:
    """The same of tiles."""
    rate, b1, b2, eps = numbers
    m = fma(m, b1, dW * (1 - b1))
    v = fma(v, b2, dW * dW * (1 - b2))
    return W - m * rate / (functions.sqrt(v) + eps), m, v


ADAM = Rule(
    "adam", ("m", "v"), ("beta_1", "beta_2", "epsilon", "epsilon_after_correction"), numbers, adam_step, adam_tile,
    flop=12,
    formula="m <- b1 m + (1 - b1) dE/dW;  v <- b2 v + (1 - b2) (dE/dW)^2;  "
    "W <- W - alpha sqrt(1 - b2^step) / (1 - b1^step) m / (sqrt(v) + eps)",
    source="Kingma, Ba, 2015, end of section 2",
)  # fmt: skip


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam with bias correction (Kingma and Ba, 2015).

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        Decay of the mean of the gradient, and of its square.
    epsilon : float, default 1e-8
        Added to the divisor. A model refuses one that is 0 in its dtype.
    epsilon_after_correction : bool, default False
        Whether epsilon is added to sqrt(v / (1 - beta_2^step)), as in algorithm 1 of Kingma and Ba and in PyTorch,
        and not to sqrt(v), as at the end of their section 2, in scikit-learn and in Keras. The latter weighs more in
        the first steps: 4.5 times as much in the first, if beta_2 is 0.95.
    rate_factors : dict of {str: float}, optional
        Factors of the learning rate of "W", "b", "gain", "slope" and "scales", as in `Optimizer`.
    parametrization : {"standard", "ntk"}, default "standard"
        "ntk" takes the steps of V, where W = V / sqrt(inputs).

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 3], optimizer=fastbp.optimizers.Adam(beta_2=0.99), seed=0)
    """

    learning_rate: float = 0.001
    beta_1: float = setting(0.9, share)
    beta_2: float = setting(0.999, share)
    epsilon: float = setting(1e-8, rate)
    epsilon_after_correction: bool = setting(False, flag)

    name: ClassVar[str] = "adam"
    rules: ClassVar[tuple[Rule, ...]] = (ADAM,)

    @property
    def rule(self) -> Rule:
        """Adam's."""
        return ADAM
