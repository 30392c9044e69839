"""Which learning rate to begin with: Smith's range test.

L. N. Smith, Cyclical learning rates for training neural networks, 2017, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks, given
from .kernels.shuffle import shuffle
from .samples import Diverged, Labelled

if TYPE_CHECKING:
    from .model import Model
    from .plan import Plan

LEAST_STEPS = 20  # below, the windows that smooth the curve hold nothing
WINDOW = 20  # the steps' share that a loss is smoothed over to either side: a twentieth, 5 of 100 steps
DIVERGED = 4.0  # times the least smoothed loss; by then the rate is far beyond any use
MARGIN = 10.0  # the suggestion stays so many times below the rate of the least loss, see `LearningRates`
LEAST_FALL = 0.01  # share of the loss; a dip of less is what the minibatches of a trained model show by chance


@dataclass(frozen=True, eq=False)
class LearningRates:
    """The curve of a range test, one number a step taken.

    Parameters
    ----------
    suggestion : float
        The rate at which the smoothed loss falls most steeply before its minimum, but no more than a tenth of the
        minimum's rate: there the error has begun to grow along some directions already, while it still falls along
        the others. NaN where the loss nowhere falls by a hundredth.
    rates : ndarray of shape (steps,)
        Each step's learning rate, a geometric sequence; it ends where training diverged.
    losses : ndarray of shape (steps,)
        The minibatch's error and penalty before the step, finite numbers.
    smoothed : ndarray of shape (steps,)
        Each loss as a share of what the untrained model makes of the same minibatch, averaged over the twentieth of
        all steps before and after it, times the untrained model's mean loss. So what differs from minibatch to
        minibatch drops out, and the curve begins flat.
    diverged_at : float or None
        The rate at which the smoothed loss came to more than 4 times its least, or was not finite any more.
    """

    suggestion: float
    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    diverged_at: float | None

    def __str__(self) -> str:
        end = "no divergence" if self.diverged_at is None else f"diverged at {self.diverged_at:.3g}"
        if math.isnan(self.suggestion):
            return f"no learning rate to suggest: the loss nowhere fell by a hundredth; {end}"
        return f"learning rate {self.suggestion:.3g}; least loss at {self.rates[_least(self.smoothed)]:.3g}, {end}"


def find_learning_rate(
    model: Model,
    X: Any,
    y: Any,
    *,
    lowest: float = 1e-7,
    highest: float = 10.0,
    batch_size: int = 128,
    steps: int = 100,
    sample_weight: Any = None,
    seed: int | None = 0,
) -> LearningRates:
    """Train a copy of the model while the learning rate rises from step to step, and see where the loss falls.

    Parameters
    ----------
    model : fastbp.Model
        Left as it is to the bit, its random numbers included, whatever ends the test.
    X, y, sample_weight
        As for `Model.fit`; rows of weight 0 are left out.
    lowest, highest : float
        The first rate, and the last unless training diverges before.
    batch_size : int
        Rows a step, all there are if they are fewer. The best rate depends on it: take the one to train with.
    steps : int
        Steps at most, 20 or more.
    seed : int or None
        Of the order of the rows and of dropout; the same seed gives the same curve.

    Raises
    ------
    ValueError, TypeError
        For bad input.
    ArithmeticError
        Where the model's error is no finite number before any step.
    """
    lowest, highest = checks.above_zero("lowest", lowest), checks.above_zero("highest", highest)
    if highest <= lowest:
        raise ValueError(f"highest must be above lowest, {lowest:g}, got {highest:g}")
    batch_size = checks.whole_number("batch_size", batch_size, 1)
    steps = checks.whole_number("steps", steps, LEAST_STEPS)
    random = np.random.default_rng(checks.seed(seed))
    data = given.labelled(model, X, y, sample_weight)
    rates, window = np.geomspace(lowest, highest, steps), steps // WINDOW
    losses: list[float] = []
    still: list[float] = []
    diverged_at, best = None, math.inf
    for rate, (loss, unmoved) in zip(rates, _losses(model, data, rates, batch_size, random), strict=True):
        if math.isfinite(loss):
            losses.append(loss)
            still.append(unmoved)
            latest = _share(losses[-window - 1 :], still[-window - 1 :])
            best = min(best, latest)
        if not math.isfinite(loss) or latest > DIVERGED * best:
            diverged_at = float(rate)
            break
    rates = rates[: len(losses)]
    around = [slice(max(0, i - window), i + window + 1) for i in range(len(losses))]
    shares = np.array([_share(losses[near], still[near]) for near in around])
    return LearningRates(_suggestion(rates, shares), rates, np.array(losses), shares * np.mean(still), diverged_at)


def _losses(
    model: Model, data: Labelled, rates: np.ndarray, batch_size: int, random: np.random.Generator
) -> Iterator[tuple[float, float]]:
    """Yield each minibatch's loss, and what it would be had no step moved the model; take the step.

    Both are computed on plans of their own, so that the model is only read. The second takes the same steps at a rate
    of 0, so that it drops what the first drops.
    """
    state, plans = model.get_state(), (model._new_plan(), model._new_plan())
    for plan in plans:
        plan.load(state["parameters"])
        plan.set_slots(state["optimizer"])
        plan.steps, plan.watch = state["steps"], True
    batches = _batches(data, batch_size, random)
    for rate in rates:
        rows, key = next(batches), int(random.integers(2**63))
        unmoved = _step(plans[1], data, rows, key, 0.0)
        try:
            loss = _step(plans[0], data, rows, key, rate)
        except Diverged:
            loss = math.inf
        yield loss, unmoved


def _step(plan: Plan, data: Labelled, rows: np.ndarray, key: int, rate: float) -> float:
    """Return the loss before the step."""
    if plan.draws:
        plan.key = key
    (sums,) = plan.train_epoch(data, rows, len(rows), np.array([rate]))
    return sums.loss / sums.rows


def _batches(data: Labelled, batch_size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield minibatches without end, all of one size: what is left of an order of all rows is not taken."""
    order = np.arange(len(data.y)) if data.weights is None else np.flatnonzero(data.weights)
    size = min(batch_size, len(order))
    while True:
        shuffle(order, random.integers(2**63))
        yield from (order[at : at + size].copy() for at in range(0, len(order) - size + 1, size))


def _share(losses: list[float], still: list[float]) -> float:
    """Return the losses as a share of what they would be had no step been taken: 1 where both are 0."""
    tiny = float(np.finfo(np.float64).tiny)
    return (sum(losses) + tiny) / (sum(still) + tiny)


def _least(smoothed: np.ndarray) -> int:
    return int(np.argmin(smoothed))


def _suggestion(rates: np.ndarray, shares: np.ndarray) -> float:
    """Return the rate that the rule of `LearningRates` gives."""
    least = _least(shares)
    if least < 2 or shares[least] > 1 - LEAST_FALL:
        return math.nan
    slopes = shares[2 : least + 1] - shares[: least - 1]  # of steps 1 to least - 1
    return float(min(rates[1 + int(np.argmin(slopes))], rates[least] / MARGIN))
