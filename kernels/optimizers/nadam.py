"""NAdam: Adam with Nesterov's momentum (Dozat, 2016)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ..entries import functions
from ..entries.functions import fma, rounded
from ..entries.optimizer import Optimizer, Rule
from ..entries.settings import rate, setting, share
from ..entries.typed import Fields, Tile

DECAY, PACE = 0.96, 0.004  # of the momentum's schedule, as PyTorch has it


def advance(s: Fields, step: int) -> None:
    """product <- product mu_t with mu_t = beta_1 (1 - 0.96^(0.004 t) / 2)."""
    s.product *= s.beta_1 * (1 - 0.5 * DECAY ** (PACE * step))


def numbers(s: Fields, alpha: float, step: int) -> tuple[float, ...]:
    """Return the rates of gradient and momentum, beta_1, beta_2, the correction of sqrt(v), and epsilon."""
    now, later = (1 - 0.5 * DECAY ** (PACE * step)) * s.beta_1, (1 - 0.5 * DECAY ** (PACE * (step + 1))) * s.beta_1
    of_gradient, of_m = alpha * (1 - now) / (1 - s.product), alpha * later / (1 - s.product * later)
    return of_gradient, of_m, s.beta_1, s.beta_2, 1 / math.sqrt(1 - s.beta_2**step), s.epsilon


def nadam_step(W: float, dW: float, m: float, v: float, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return W, m and v after a step."""
    of_gradient, of_m, b1, b2, correction, eps = numbers
    m = rounded(b1 * m + (1 - b1) * dW, m)
    v = rounded(b2 * v + (1 - b2) * dW * dW, v)
    return W - (of_gradient * dW + of_m * m) / (correction * math.sqrt(v) + eps), m, v


def nadam_tile(W: Tile, dW: Tile, m: Tile, v: Tile, numbers: tuple[float, ...]) -> tuple[Tile, ...]:
    """The same of tiles."""
    of_gradient, of_m, b1, b2, correction, eps = numbers
    m = fma(m, b1, dW * (1 - b1))
    v = fma(v, b2, dW * dW * (1 - b2))
    return W - fma(m, of_m, dW * of_gradient) / (functions.sqrt(v) * correction + eps), m, v


NADAM = Rule(
    "nadam", ("m", "v"), ("beta_1", "beta_2", "epsilon"), numbers, nadam_step, nadam_tile, flop=15,
    advance=advance, running=(("product", 1.0),),
    formula="m <- b1 m + (1 - b1) dE/dW;  v <- b2 v + (1 - b2) (dE/dW)^2;  "
    "W <- W - alpha ((1 - mu_t) / (1 - p_t) dE/dW + mu_t+1 / (1 - p_t mu_t+1) m) / (sqrt(v / (1 - b2^t)) + eps) "
    "with mu_t = b1 (1 - 0.96^(0.004 t) / 2), p_t = mu_1 mu_2 ... mu_t",
    source="Dozat, 2016",
)  # fmt: skip


@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's momentum, on the schedule that Dozat, 2016, proposes and PyTorch has.

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        Decay of the mean of the gradient, and of its square; the share of the momentum grows from half of beta_1 to it.
    epsilon : float, default 1e-8
        Added to the divisor, after the bias of v is corrected. A model refuses one that is 0 in its dtype.
    rate_factors : dict of {str: float}, optional
        Factors of the learning rate of "W", "b", "gain", "slope" and "scales", as in `Optimizer`.
    parametrization : {"standard", "ntk"}, default "standard"
        "ntk" takes the steps of V, where W = V / sqrt(inputs).

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Model([4, 8, 3], optimizer=fastbp.optimizers.NAdam(0.002), seed=0)
    """

    learning_rate: float = 0.001
    beta_1: float = setting(0.9, share)
    beta_2: float = setting(0.999, share)
    epsilon: float = setting(1e-8, rate)

    name: ClassVar[str] = "nadam"
    rules: ClassVar[tuple[Rule, ...]] = (NADAM,)

    @property
    def rule(self) -> Rule:
        """NAdam's."""
        return NADAM
