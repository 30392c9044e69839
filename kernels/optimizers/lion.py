"""Lion: steps of one size, whose signs follow a momentum (Chen et al., 2023)."""

from dataclasses import dataclass
from typing import ClassVar

from ..entries.functions import filled, fma, rounded, where
from ..entries.optimizer import Decaying, Rule
from ..entries.settings import rate, setting, share
from ..entries.typed import Fields, Tile


def numbers(s: Fields, alpha: float, step: int) -> tuple[float, ...]:
    """Return alpha, beta_1, beta_2 and the share of W that is taken off."""
    return alpha, s.beta_1, s.beta_2, alpha * s.weight_decay


def lion_step(W: float, dW: float, m: float, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return W and m after a step."""
    alpha, b1, b2, decay = numbers
    c = b1 * m + (1 - b1) * dW
    m = rounded(b2 * m + (1 - b2) * dW, m)
    return W - decay * W - (alpha if c > 0 else -alpha if c < 0 else 0 * c), m


def lion_tile(W: Tile, dW: Tile, m: Tile, numbers: tuple[float, ...]) -> tuple[Tile, ...]:
    """The same of tiles."""
    alpha, b1, b2, decay = numbers
    c = fma(m, b1, dW * (1 - b1))
    step = where(0.0 < c, filled(c, alpha), where(c < 0.0, filled(c, -alpha), c * 0.0))
    return W - W * decay - step, fma(m, b2, dW * (1 - b2))


LION = Rule(
    "lion", ("m",), ("beta_1", "beta_2", "weight_decay"), numbers, lion_step, lion_tile, flop=9,
    formula="W <- W - alpha (sign(b1 m + (1 - b1) dE/dW) + decay W);  m <- b2 m + (1 - b2) dE/dW",
    source="Chen et al., 2023, algorithm 2",
)  # fmt: skip


@dataclass(frozen=True)
class Lion(Decaying):
    """Steps of the size alpha, whose signs are those of a mean of gradients (Chen et al., 2023).

    Parameters
    ----------
    learning_rate : float, default 0.0001
        Size of each step: some three to ten times less than Adam's.
    beta_1, beta_2 : float, default 0.9, 0.99
        Decay of the mean of the gradient: as the step takes it, and as it is kept.
    weight_decay : float, default 0.0
        Share of the parameters, times the learning rate, that each step takes off.
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
    >>> model = fastbp.Model([4, 8, 3], optimizer=fastbp.optimizers.Lion(3e-4, weight_decay=0.1), seed=0)
    """

    learning_rate: float = 0.0001
    beta_1: float = setting(0.9, share)
    beta_2: float = setting(0.99, share)
    weight_decay: float = setting(0.0, rate)

    name: ClassVar[str] = "lion"
    rules: ClassVar[tuple[Rule, ...]] = (LION,)

    @property
    def rule(self) -> Rule:
        """Lion's."""
        return LION
