"""What an optimizer is: its settings, the vectors it keeps, and its step for one number and for a tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from .records import Layout
from .settings import Checked, rate


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
    running : dict
        First values of the running numbers.
    flop : int
        Operations a parameter.
    formula, source : str
        For docstrings.
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

    @cached_property
    def layout(self) -> Layout:
        """The record of its fields, the learning rate and running numbers."""
        return Layout(self.name, dict.fromkeys((*self.fields, *dict(self.running)) or ("none",), "f8"))


@dataclass(frozen=True)
class Optimizer(Checked):
    """Base class of optimizers: objects that hold settings and cannot be changed.

    Parameters
    ----------
    learning_rate : float
        alpha of eq. 54. `Model.learning_rate` can be set later.
    """

    name: ClassVar[str]
    learning_rate: float

    def __post_init__(self) -> None:
        rate("learning_rate", self.learning_rate)
        super().__post_init__()

    @property
    def rule(self) -> Rule:
        """The rule that these settings ask for."""
        raise NotImplementedError

    @property
    def slots(self) -> tuple[str, ...]:
        """Vectors of state, each as long as the parameters."""
        return self.rule.slots
