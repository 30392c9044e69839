"""Schedules of the learning rate, of dropout and of weight decay, which `Model.fit(schedule=...)` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .data import checks
from .kernels.entries.settings import Checked, setting

__all__ = ["Constant", "Cosine", "CosineWaves", "FlatCosine", "InverseScaling", "OneCycle", "Schedule", "StepDecay"]


class Schedule(Protocol):
    """Any object with a method `factors`. A class of your own need not inherit from this one.

    Examples
    --------
    >>> import numpy as np
    >>> class Halve:
    ...     def factors(self, steps, steps_per_epoch, total):
    ...         return 0.5 ** (steps // steps_per_epoch)
    >>> Halve().factors(np.arange(4), 2, 4)
    array([1. , 1. , 0.5, 0.5])
    """

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return the factors of the learning rate for some steps.

        Parameters
        ----------
        steps : ndarray of int
            Numbers of the steps, from 0 where the model's training began. A further call of `fit`, or one of a loaded
            model, goes on from the model's step.
        steps_per_epoch : int
        total : int
            Number of the model's steps at the end of the call of `fit`.

        Returns
        -------
        ndarray of float
            A factor for each step, finite and not negative.
        """


@dataclass(frozen=True)
class Constant(Schedule):
    """A constant learning rate.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> fastbp.schedules.Constant().factors(np.arange(3), 10, 100)
    array([1., 1., 1.])
    """

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return 1 for each step; see `Schedule.factors`."""
        return np.ones(len(steps))


@dataclass(frozen=True)
class InverseScaling(Checked, Schedule):
    """The learning rate divided by (step + 1) ** power.

    Parameters
    ----------
    power : float

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> fastbp.schedules.InverseScaling(power=1.0).factors(np.arange(4), 10, 100)
    array([1.        , 0.5       , 0.33333333, 0.25      ])
    """

    power: float = setting(0.5, checks.rate)

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return (step + 1) ** -power; see `Schedule.factors`."""
        return (steps + 1.0) ** -self.power


@dataclass(frozen=True)
class StepDecay(Checked, Schedule):
    """The learning rate multiplied by `factor` after every `epochs` epochs.

    Parameters
    ----------
    epochs : int
    factor : float

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> fastbp.schedules.StepDecay(epochs=2, factor=0.5).factors(np.arange(6), 1, 6)
    array([1.  , 1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    epochs: int = setting(10, lambda name, value: checks.whole_number(name, value, 1))
    factor: float = setting(0.1, checks.rate)

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return factor ** (number of whole periods so far); see `Schedule.factors`."""
        return np.asarray(self.factor ** (steps // (steps_per_epoch * self.epochs)))


@dataclass(frozen=True)
class Cosine(Checked, Schedule):
    """A linear warm-up, then half a cosine down to `final` (Loshchilov and Hutter, "SGDR", 2017, eq. 5, one period).

    Parameters
    ----------
    warm_up : float
        Share of all steps in which the factor rises to 1.
    final : float
        Factor at the end.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> fastbp.schedules.Cosine().factors(np.arange(0, 101, 50), 10, 100)
    array([1. , 0.5, 0. ])
    """

    warm_up: float = setting(0.0, checks.share)
    final: float = setting(0.0, checks.rate)

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return factors that rise in a line, then fall along half a cosine; see `Schedule.factors`."""
        up = self.warm_up * total
        way = np.clip((steps - up) / max(1.0, total - up), 0, 1)
        down = self.final + (1 - self.final) * (1 + np.cos(np.pi * way)) / 2
        return np.where(steps < up, (steps + 1) / (up + 1), down)


@dataclass(frozen=True)
class CosineWaves(Checked, Schedule):
    """Cosine waves that start and end at 0, each twice as long as the one before.

    Factor 0.5 - 0.5 cos(2 pi log2(1 + (2^waves - 1) step / total)) (Holzmueller, Grinsztajn and Steinwart, 2024,
    "Better by default", section 3).

    Parameters
    ----------
    waves : int

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> fastbp.schedules.CosineWaves(waves=2).factors(np.array([0, 10, 20]), 10, 30).round(3)
    array([0.  , 0.  , 0.93])
    """

    waves: int = setting(4, lambda name, value: checks.whole_number(name, value, 1, 30))

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return factors that swing between 0 and 1; see `Schedule.factors`."""
        place = np.log2(1 + (2.0**self.waves - 1) * steps / total)
        return 0.5 - 0.5 * np.cos(2 * np.pi * place)


@dataclass(frozen=True)
class FlatCosine(Checked, Schedule):
    """1 for a share of all steps, then half a cosine down to 0.

    Parameters
    ----------
    flat : float

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> fastbp.schedules.FlatCosine().factors(np.arange(0, 101, 25), 10, 100)
    array([1. , 1. , 1. , 0.5, 0. ])
    """

    flat: float = setting(0.5, checks.share)

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return factors that are 1 and then fall along half a cosine; see `Schedule.factors`."""
        way = np.clip((steps - self.flat * total) / max(1.0, total - self.flat * total), 0, 1)
        return np.asarray((1 + np.cos(np.pi * way)) / 2)


def _at_least_one(name: str, value: object) -> float:
    given = checks.rate(name, value)
    if given < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return given


@dataclass(frozen=True)
class OneCycle(Checked, Schedule):
    """Up to the learning rate, then far down, both along cosines (Smith and Topin, "Super-convergence", 2018).

    Parameters
    ----------
    up : float
        Share of all steps in which the rate rises.
    start : float
        The rate begins at learning_rate / start.
    end : float
        The rate ends at learning_rate / (start * end).

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> fastbp.schedules.OneCycle(up=0.5, start=10, end=10).factors(np.arange(0, 11, 5), 11, 11)
    array([0.1 , 1.  , 0.01])
    """

    up: float = setting(0.3, checks.share)
    start: float = setting(25.0, _at_least_one)
    end: float = setting(1e4, _at_least_one)

    def factors(self, steps: np.ndarray, steps_per_epoch: int, total: int) -> np.ndarray:
        """Return factors that rise, then fall, along halves of a cosine; see `Schedule.factors`."""
        top = self.up * (total - 1)
        rise = np.clip(steps / max(1e-9, top), 0, 1)
        fall = np.clip((steps - top) / max(1e-9, total - 1 - top), 0, 1)
        low, least = 1 / self.start, 1 / (self.start * self.end)
        going_up = low + (1 - low) * (1 - np.cos(np.pi * rise)) / 2
        return np.where(steps < top, going_up, least + (1 - least) * (1 + np.cos(np.pi * fall)) / 2)


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
