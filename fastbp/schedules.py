"""Learning rates that change from step to step: what `Model.fit(schedule=...)` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from . import checks


class Schedule(Protocol):
    """Factors of the model's learning rate."""

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return the factor of each step, numbered from 0; `total` is how many `fit` takes."""


def rates(schedule: Schedule, rate: float, epoch: int, steps_per_epoch: int, epochs: int) -> np.ndarray:
    """Return the learning rate of each step of an epoch, as float64; ValueError where the schedule gives no such."""
    steps = np.arange(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch)
    given = np.asarray(schedule.factors(steps, steps_per_epoch, epochs * steps_per_epoch))
    factors = np.ascontiguousarray(given, np.float64) if given.dtype.kind in "iuf" else given
    if factors.shape != steps.shape or factors.dtype != np.float64:
        raise ValueError(
            f"schedule must give {len(steps)} numbers, a factor a step, got {given.dtype} of shape {given.shape}"
        )
    wrong = ~(np.isfinite(factors) & (factors >= 0))
    if wrong.any():
        step = int(np.argmax(wrong))
        raise ValueError(f"schedule must give finite factors, none negative, got {given[step]} for step {steps[step]}")
    return rate * factors


def checked(schedule: object) -> Schedule | None:
    """Return a schedule, or None."""
    if schedule is not None and (isinstance(schedule, type) or not callable(getattr(schedule, "factors", None))):
        raise TypeError(f"schedule must be one of fastbp.schedules, or have its method `factors`, got {schedule!r}")
    return cast("Schedule | None", schedule)


@dataclass(frozen=True)
class Constant:
    """The learning rate as it is."""

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return ones."""
        return np.ones(len(steps))


@dataclass(frozen=True)
class InverseScaling:
    """Divided by (step + 1) ** power."""

    power: float = 0.5

    def __post_init__(self) -> None:
        checks.rate("power", self.power)

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return (step + 1) ** -power."""
        return (steps + 1.0) ** -self.power


@dataclass(frozen=True)
class StepDecay:
    """Multiplied by `factor` after every `epochs` epochs."""

    epochs: int = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        checks.whole_number("epochs", self.epochs, 1)
        checks.rate("factor", self.factor)

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return factor ** whole periods."""
        return np.asarray(float(self.factor) ** (steps // (steps_per_epoch * self.epochs)))


@dataclass(frozen=True)
class Cosine:
    """Up in a line during the share `warm_up` of all steps, then down to `final` along half a cosine.

    (Loshchilov and Hutter, "SGDR", 2017, eq. 5, one period)
    """

    warm_up: float = 0.0
    final: float = 0.0

    def __post_init__(self) -> None:
        checks.share("warm_up", self.warm_up)
        checks.rate("final", self.final)

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Linear, then half a cosine."""
        up = self.warm_up * total
        way = np.clip((steps - up) / max(1.0, total - up), 0, 1)
        down = self.final + (1 - self.final) * (1 + np.cos(np.pi * way)) / 2
        return np.where(steps < up, (steps + 1) / (up + 1), down)


@dataclass(frozen=True)
class OneCycle:
    """From rate / start up to the rate in the share `up` of all steps, then down to rate / (start end), along cosines.

    (Smith and Topin, "Super-convergence", 2018)
    """

    up: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        checks.share("up", self.up)
        for name in ("start", "end"):
            if checks.rate(name, getattr(self, name)) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Two halves of a cosine."""
        top = self.up * (total - 1)
        rise = np.clip(steps / max(1e-9, top), 0, 1)
        fall = np.clip((steps - top) / max(1e-9, total - 1 - top), 0, 1)
        low, least = 1 / self.start, 1 / (self.start * self.end)
        going_up = low + (1 - low) * (1 - np.cos(np.pi * rise)) / 2
        return np.where(steps < top, going_up, least + (1 - least) * (1 + np.cos(np.pi * fall)) / 2)
