"""What schedules make of the steps of an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import schedules
from ..data.samples import Rates
from ..schedules import Schedule

Given = Schedule | dict[str, Schedule] | None  # schedules by name, one of the learning rate, or none


def checked(schedule: Any, model: Any) -> Given:
    """Return schedules for a model; raise TypeError or ValueError for others, and where they would change nothing."""
    given = schedules.check_schedule(schedule)
    if not isinstance(given, dict):
        return given
    if "dropout" in given and not any(model.network.dropouts):
        raise ValueError(
            "schedule['dropout'] needs a Model with hidden layers and dropout above 0, got "
            f"layer_sizes={list(model.layer_sizes)}, dropout={model.network.dropout}"
        )
    if "weight_decay" in given and not getattr(model.optimizer, "weight_decay", 0):
        raise ValueError(
            "schedule['weight_decay'] needs an optimizer with weight_decay above 0, such as "
            f"fastbp.optimizers.AdamW(weight_decay=0.01), got optimizer={model.optimizer}"
        )
    return given


def of_steps(schedule: Given, rate: float, step: int, steps_per_epoch: int, epochs: int) -> Rates:
    """Return what schedules, or one of the learning rate, make of the steps of an epoch; see `schedules.rates`."""
    span = step, steps_per_epoch, epochs
    return _of_each(schedule, rate, lambda one, rate, name: schedules.rates(one, rate, *span, name))


def without_end(schedule: Given, rate: float, steps: np.ndarray) -> Rates:
    """Return what schedules make of some steps where it is not known how many there will be.

    Raises ValueError as `of_steps` does, and if a schedule uses that number.
    """

    def make(one: Schedule, rate: float, name: str) -> np.ndarray:
        unknown: Any = _Unknown(type(one).__name__)
        return rate * schedules.factors_of(one, steps, unknown, unknown, name)

    return _of_each(schedule, rate, make)


def _of_each(schedule: Given, rate: float, make: Callable[[Schedule, float, str], np.ndarray]) -> Rates:
    """Return what a function makes of each schedule, of the learning rate or of 1, and of its name."""
    each = {"learning_rate": schedule} if schedule is not None and not isinstance(schedule, dict) else schedule or {}
    found = {}
    for name, of_one in each.items():
        found[schedules.SCHEDULED[name]] = make(of_one, rate if name == "learning_rate" else 1.0, name)
    if (found.get("dropouts", np.empty(0)) > 1).any():
        raise ValueError("schedule['dropout'] must return factors of at most 1, of the shares that are dropped")
    return Rates(**found)


class _Unknown:
    """A number of steps that is not known: whatever is computed with it is an error."""

    __array_ufunc__ = None  # so that arrays leave the operation to this class

    def __init__(self, schedule: str) -> None:
        self._schedule = schedule

    def _raise(self, *_: Any) -> Any:
        raise ValueError(
            f"schedule {self._schedule} needs the number of steps, and the source does not know how many rows it has; "
            "fastbp.data.Pieces(..., rows=...) says it"
        )

    for _name in (
        "add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "lt", "le", "gt", "ge", "eq", "ne", "neg",
        "abs", "int", "float", "index", "bool", "round", "array",
    ):  # fmt: skip
        vars()[f"__{_name}__"] = vars()[f"__r{_name}__"] = _raise
    __hash__ = object.__hash__
