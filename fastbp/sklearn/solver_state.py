"""The optimizers of the solvers with minibatches, `_optimizer`: scikit-learn's objects, and one for the other solvers.

They hold what scikit-learn's hold: settings, learning rate, step count and moments. Compiled steps read them from there
and write them back, so that an optimizer which was changed or replaced acts as it does in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..kernels.entries.optimizer import Rule
from ..kernels.optimizers import OPTIMIZERS, RULES
from .private import AdamOptimizer, BaseOptimizer, SGDOptimizer

_METHODS = "update_params", "_get_updates"  # what compiled steps replace


class AddedOptimizer(BaseOptimizer):
    """The optimizer of a solver that scikit-learn lacks: its settings and its state.

    Parameters
    ----------
    solver : str
    learning_rate_init : float
    settings : dict

    Attributes
    ----------
    t : int
        Number of steps.
    ms, vs : list of ndarray
        Its vectors of state, where it has them.
    """

    solver: str
    settings: dict[str, Any]
    t: int

    def __init__(self, solver: str, learning_rate_init: float, settings: dict[str, Any]) -> None:
        super().__init__(learning_rate_init)
        self.solver, self.settings, self.t = solver, settings, 0
        self.ms: list[np.ndarray] = []
        self.vs: list[np.ndarray] = []


class Unchecked(SimpleNamespace):
    """An optimizer as plans take it: rule, learning rate and settings, within scikit-learn's wider limits."""

    rule: Rule
    learning_rate: float


NO_STEPS = Unchecked(rule=RULES["sgd"], learning_rate=0.0)  # of passes that update nothing


def new(estimator: Any) -> BaseOptimizer:
    """Return the optimizer that an estimator's parameters ask for, at its first step."""
    parameters, e = estimator.coefs_ + estimator.intercepts_, estimator
    if e.solver == "sgd":
        sgd = SGDOptimizer([], e.learning_rate_init, e.learning_rate, e.momentum, e.nesterovs_momentum, e.power_t)
        sgd.velocities = _zeros(parameters)
        return sgd
    if e.solver == "adam":
        adam = AdamOptimizer([], e.learning_rate_init, e.beta_1, e.beta_2, e.epsilon)
        adam.ms, adam.vs = _zeros(parameters), _zeros(parameters)
        return adam
    settings = {name: getattr(e, name, value) for name, value in OPTIMIZERS[e.solver]().settings().items()}
    return AddedOptimizer(e.solver, e.learning_rate_init, settings)


def _zeros(parameters: list[np.ndarray]) -> list[np.ndarray]:
    """Return zeros that take no memory, unlike those of `np.zeros_like`, as plans hold the state while they train."""
    return [np.zeros(array.shape, array.dtype) for array in parameters]


def is_compiled(optimizer: Any, shapes: list[tuple[int, ...]]) -> bool:
    """Return whether compiled steps do what this optimizer does to parameters of these shapes."""
    if type(optimizer) not in (SGDOptimizer, AdamOptimizer, AddedOptimizer):
        return False
    if not vars(optimizer).keys().isdisjoint(_METHODS):
        return False
    if type(optimizer) is AddedOptimizer:
        return True
    kept = [optimizer.velocities] if type(optimizer) is SGDOptimizer else [optimizer.ms, optimizer.vs]
    return all([np.shape(a) for a in arrays[: len(shapes)]] == shapes for arrays in kept)


def rule(optimizer: Any) -> Unchecked:
    """Return an optimizer as plans take it."""
    if type(optimizer) is SGDOptimizer:
        name = ("nesterov" if optimizer.nesterov else "momentum") if optimizer.momentum else "sgd"
        rate, settings = optimizer.learning_rate, {"momentum": float(optimizer.momentum)}
        return Unchecked(rule=RULES[name], learning_rate=float(rate), **settings)
    rate = float(optimizer.learning_rate_init)
    if type(optimizer) is AdamOptimizer:
        settings = {name: float(getattr(optimizer, name)) for name in ("beta_1", "beta_2", "epsilon")}
        return Unchecked(rule=RULES["adam"], learning_rate=rate, **OPTIMIZERS["adam"]().settings() | settings)
    usual = OPTIMIZERS[optimizer.solver]()  # whose settings a pickle of an earlier version may lack
    return Unchecked(rule=usual.rule, learning_rate=rate, **usual.settings() | optimizer.settings)


def _slots(optimizer: Any, plan: Any) -> dict[str, str]:
    """Return the attribute that holds each vector of the state."""
    if type(optimizer) is SGDOptimizer:
        return dict.fromkeys(plan.optimizer.rule.slots, "velocities")
    return {slot: f"{slot}s" for slot in plan.optimizer.rule.slots}


def _views(plan: Any, flat: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the parts of a flat vector as scikit-learn lists them: all W, then all b, then those of ours alone."""
    layers = plan.network.views(flat)
    for part in (slice(0, 1), slice(1, 2), slice(2, None)):
        for layer in layers:
            yield from layer[part]


def read(optimizer: Any, plan: Any) -> None:
    """Set a plan's step count and state from an optimizer; what it lacks is 0."""
    plan.optimizer, slots = rule(optimizer), {}
    for slot, name in _slots(optimizer, plan).items():
        slots[slot] = np.zeros(plan.network.n_parameters, plan.dtype)
        for mine, array in zip(_views(plan, slots[slot]), getattr(optimizer, name), strict=False):
            mine[...] = array
    plan.steps = int(getattr(optimizer, "t", 0))
    plan.set_slots(slots)


def write(optimizer: Any, plan: Any, last: bool = False) -> None:
    """Write a plan's step count and state to an optimizer, and let go of the latter if the plan is needed no more."""
    slots = plan.get_slots(last)
    for slot, name in _slots(optimizer, plan).items():
        setattr(optimizer, name, list(_views(plan, slots[slot])))
    if hasattr(optimizer, "t"):
        optimizer.t = plan.steps
    if type(optimizer) is AdamOptimizer and optimizer.t:
        corrections = np.sqrt(1 - optimizer.beta_2**optimizer.t) / (1 - optimizer.beta_1**optimizer.t)
        optimizer.learning_rate = optimizer.learning_rate_init * corrections
