"""What schedules make of the steps of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from ..data.samples import CONSTANT, Rates

if TYPE_CHECKING:
    from ..schedules import Schedule

Given: TypeAlias = "Schedule | dict[str, Schedule] | None"  # schedules by name, one of the learning rate, or none
SCHEDULED = {"learning_rate": "rates", "dropout": "dropouts", "weight_decay": "decays"}  # with their names in `Rates`


def check_schedule(schedule: object) -> Schedule | dict[str, Schedule] | None:
    """Return a schedule, schedules by name, or None; raise TypeError or ValueError for anything else."""
    if isinstance(schedule, Mapping):
        if unknown := [name for name in schedule if name not in SCHEDULED]:
            raise ValueError(f"schedule must hold schedules of some of {list(SCHEDULED)}, got {unknown[0]!r}")
        checked = {name: check_schedule(one) for name, one in schedule.items() if one is not None}
        if any(isinstance(one, dict) for one in checked.values()):
            raise TypeError(f"schedule must hold schedules by name, got {schedule!r}")
        return cast("dict[str, Schedule]", checked) or None
    if schedule is not None and (isinstance(schedule, type) or not callable(getattr(schedule, "factors", None))):
        raise TypeError(f"schedule must be an object of fastbp.schedules or have a method `factors`, got {schedule!r}")
    return cast("Schedule | None", schedule)


def checked(schedule: Any, model: Any) -> Given:
    """Return schedules for a model; raise TypeError or ValueError for others, and where they would change nothing."""
    given = check_schedule(schedule)
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


def rates(
    schedule: Schedule, rate: float, step: int, steps_per_epoch: int, epochs: int, name: str = "learning_rate"
) -> np.ndarray:
    """Return the learning rate of each step of an epoch as float64; raise ValueError if the factors are not usable.

    `step` is the number of the epoch's first step, and `epochs` how many are to come, this one included.
    """
    steps = np.arange(step, step + steps_per_epoch)
    return rate * factors_of(schedule, steps, steps_per_epoch, step + epochs * steps_per_epoch, name)


def factors_of(schedule: Schedule, steps: np.ndarray, steps_per_epoch: int, total: int, name: str) -> np.ndarray:
    """Return the factors of some steps as float64; raise ValueError if they are not usable."""
    what = "schedule" if name == "learning_rate" else f"schedule[{name!r}]"
    given = np.asarray(schedule.factors(steps, steps_per_epoch, total))
    factors = np.ascontiguousarray(given, np.float64) if given.dtype.kind in "iuf" else given
    if factors.shape != steps.shape or factors.dtype != np.float64:
        raise ValueError(
            f"{what} must return {len(steps)} numbers, one factor a step, got {given.dtype} of shape {given.shape}"
        )
    wrong = ~(np.isfinite(factors) & (factors >= 0))
    if wrong.any():
        step = int(np.argmax(wrong))
        raise ValueError(
            f"{what} must return finite factors, not negative ones, got {given[step]} for step {steps[step]}"
        )
    return factors


def of_steps(schedule: Given, rate: float, step: int, steps_per_epoch: int, epochs: int) -> Rates:
    """Return what schedules, or one of the learning rate, make of the steps of an epoch; see `rates`."""
    span = step, steps_per_epoch, epochs
    return _of_each(schedule, rate, lambda one, rate, name: rates(one, rate, *span, name))


def without_end(schedule: Given, rate: float, steps: np.ndarray) -> Rates:
    """Return what schedules make of some steps where it is not known how many there will be.

    Raises ValueError as `of_steps` does, and if a schedule uses that number.
    """

    def make(one: Schedule, rate: float, name: str) -> np.ndarray:
        unknown: Any = _Unknown(type(one).__name__)
        return rate * factors_of(one, steps, unknown, unknown, name)

    return _of_each(schedule, rate, make)


def _of_each(schedule: Given, rate: float, make: Callable[[Schedule, float, str], np.ndarray]) -> Rates:
    """Return what a function makes of each schedule, of the learning rate or of 1, and of its name."""
    if not schedule:
        return CONSTANT
    each = schedule if isinstance(schedule, dict) else {"learning_rate": schedule}
    found = {}
    for name, of_one in each.items():
        found[SCHEDULED[name]] = make(of_one, rate if name == "learning_rate" else 1.0, name)
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
