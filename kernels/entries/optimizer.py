"""What an optimizer is: its settings, the vectors it keeps, and its step for one number and for a tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from .records import Layout
from .settings import Checked, choice, rate, rates

# of parameters: gain is g and c, slope the activation's parameter; numbers and categories are embedded columns
KINDS = ("W", "b", "gain", "slope", "scales", "numbers", "categories")
PARAMETRIZATIONS = ("standard", "ntk")


@dataclass(frozen=True, eq=False)
class Rule:
    """How an optimizer changes the parameters: what the kernels are made of.

    Parameters
    ----------
    name : str
        What kernels and tables call it.
    slots : tuple of str
        Vectors of state, each as long as the parameters.
    fields : tuple of str
        Settings that it reads, of the optimizer's, and running numbers of its own, which `advance` changes.
    numbers : callable
        numbers(s, alpha, step) -> tuple: what the step takes, computed once for all parameters in float64. `s` has the
        fields, `alpha` is the learning rate, steps count from 1.
    step : callable
        step(W, dW, *slots, numbers) -> (W, *slots) of one number.
    tile : callable
        The same of tiles, written for itself.
    advance : callable, optional
        advance(s, step): changes running numbers, once before each step.
    running : tuple of (str, float)
        Names and first values of the running numbers.
    flop : int
        Operations a parameter.
    formula, source : str
        For docstrings.
    equations : tuple of int
        Those of the paper that it computes.
    """

    name: str
    slots: tuple[str, ...]
    fields: tuple[str, ...]
    numbers: Callable[..., Any]
    step: Callable[..., Any]
    tile: Callable[..., Any]
    flop: int
    formula: str
    source: str = ""
    equations: tuple[int, ...] = ()
    advance: Callable[..., None] | None = None
    running: tuple[tuple[str, float], ...] = ()

    @property
    def decays(self) -> bool:
        """Whether each step takes a share of the parameters off: it is the last of `numbers`."""
        return "weight_decay" in self.fields

    @cached_property
    def layout(self) -> Layout:
        """The record of its fields and running numbers."""
        return Layout(self.name, dict.fromkeys((*self.fields, *dict(self.running)) or ("none",), "f8"))


@dataclass(frozen=True)
class Optimizer(Checked):
    """Base class of optimizers: objects that hold settings and cannot be changed.

    Parameters
    ----------
    learning_rate : float
        alpha of eq. 54. `Model.learning_rate` can be set later.
    rate_factors : dict of {str: float}, optional
        Factors, other than 1, of the learning rate of "W", "b", "gain" (g and c of layer normalization), "slope" (of
        PReLU and blended activations), "scales" (of a scaling layer), and "numbers" and "categories" (of an embedding).
    parametrization : {"standard", "ntk"}
        "ntk" takes the steps of V, where W = V / sqrt(inputs): one learning rate serves layers of any width.
    """

    name: ClassVar[str]
    learning_rate: float
    rate_factors: Any = field(default=None, kw_only=True, hash=False)
    parametrization: str = field(default="standard", kw_only=True)

    def __post_init__(self) -> None:
        rate("learning_rate", self.learning_rate)
        object.__setattr__(self, "rate_factors", rates("rate_factors", self.rate_factors, KINDS))
        object.__setattr__(self, "parametrization", choice("parametrization", self.parametrization, PARAMETRIZATIONS))
        super().__post_init__()

    @property
    def factors(self) -> tuple[float, ...]:
        """Factors of the learning rate of each of KINDS."""
        return tuple(self.rate_factors.get(kind, 1.0) for kind in KINDS)

    @property
    def decays(self) -> tuple[float, ...]:
        """Factors of the decay of each of KINDS."""
        return (1.0,) * len(KINDS)

    @property
    def rule(self) -> Rule:
        """The rule that these settings ask for."""
        raise NotImplementedError

    @property
    def slots(self) -> tuple[str, ...]:
        """Vectors of state, each as long as the parameters."""
        return self.rule.slots


@dataclass(frozen=True)
class Decaying(Optimizer):
    """Base class of optimizers whose steps take a share of the parameters off.

    Parameters
    ----------
    decay_factors : dict of {str: float}, optional
        Factors, other than 1, of the decay of each kind of parameters, by the names of `rate_factors`. A kind at r
        times the learning rate is multiplied by 1 - r factor decay.
    """

    decay_factors: Any = field(default=None, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "decay_factors", rates("decay_factors", self.decay_factors, KINDS))

    @property
    def decays(self) -> tuple[float, ...]:
        """Factors of the decay of each of KINDS."""
        return tuple(self.decay_factors.get(kind, 1.0) for kind in KINDS)
