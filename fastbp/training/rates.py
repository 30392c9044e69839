"""What schedules make of the steps of an epoch."""

from __future__ import annotations

import numpy as np

from .. import schedules
from ..data.samples import Rates
from ..schedules import Schedule


def of_steps(
    schedule: Schedule | dict[str, Schedule] | None, rate: float, step: int, steps_per_epoch: int, epochs: int
) -> Rates:
    """Return what schedules, or one of the learning rate, make of the steps of an epoch; see `schedules.rates`."""
    each = {"learning_rate": schedule} if schedule is not None and not isinstance(schedule, dict) else schedule or {}
    span, found = (step, steps_per_epoch, epochs), {}
    for name, of_one in each.items():
        found[schedules.SCHEDULED[name]] = schedules.rates(
            of_one, rate if name == "learning_rate" else 1.0, *span, name
        )
    if (found.get("dropouts", np.empty(0)) > 1).any():
        raise ValueError("schedule['dropout'] must return factors of at most 1, of the shares that are dropped")
    return Rates(**found)
