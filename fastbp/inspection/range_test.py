"""The learning-rate range test, which suggests a rate to start with.

L. N. Smith, Cyclical learning rates for training neural networks, 2017, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import checks, shown
from ..data.labelled import labelled
from ..data.samples import DivergenceError, Labelled, Rates
from ..exchange.estimators import row_weights, taken
from ..training.shuffling import shuffle

if TYPE_CHECKING:
    from ..execution.plan import Plan
    from ..model.model import Model

LEAST_STEPS = 20  # with fewer, the windows that smooth the curve are empty
WINDOW = 20  # a loss is averaged over 1 / WINDOW of the steps to either side: 5 of 100 steps
DIVERGED = 4.0  # the test ends when the smoothed loss exceeds its minimum by this factor
MARGIN = 10.0  # the suggestion is at most 1 / MARGIN of the rate at the minimum, see `LearningRates`
LEAST_FALL = 0.01  # relative fall of the loss below which there is no suggestion: minibatches vary by as much by chance


@dataclass(frozen=True, eq=False, repr=False)
class LearningRates:
    """The result of `find_learning_rate`: a suggestion, and the curve it was read from.

    Parameters
    ----------
    suggestion : float
        The rate at which the smoothed loss falls most steeply before its minimum, but at most a tenth of the rate at
        the minimum, where the error already grows along some directions while it still falls along others. NaN if the
        loss never falls by one percent.
    rates : ndarray of shape (steps,)
        The learning rate of each step, a geometric sequence that ends where training diverged.
    losses : ndarray of shape (steps,)
        Error and penalty of each minibatch before its step, all finite.
    smoothed : ndarray of shape (steps,)
        Each loss divided by the untrained model's loss on the same minibatch, averaged over a twentieth of the steps
        before and after, times the untrained model's mean loss. This removes the differences between minibatches.
    diverged_at : float or None
        The rate at which the smoothed loss exceeded 4 times its minimum or was not finite; None if neither happened.
    """

    suggestion: float
    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    diverged_at: float | None

    def __str__(self) -> str:
        end = "no divergence" if self.diverged_at is None else f"diverged at {self.diverged_at:.3g}"
        if math.isnan(self.suggestion):
            return f"no learning rate to suggest: the loss never fell by one percent; {end}"
        return f"learning rate {self.suggestion:.3g}; least loss at {self.rates[_least(self.smoothed)]:.3g}, {end}"

    def __repr__(self) -> str:
        return f"<LearningRates: {self}>"

    def _repr_html_(self) -> str:
        each = zip(self.rates, self.smoothed, strict=True)
        return shown.table(
            ["learning rate", "loss"], ([f"{rate:.3g}", f"{loss:.4g}"] for rate, loss in each), str(self)
        )


def find_learning_rate(
    model: Any,
    X: Any,
    y: Any,
    *,
    lowest: float = 1e-7,
    highest: float = 10.0,
    batch_size: int | None = None,
    steps: int = 100,
    sample_weight: Any = None,
    seed: int | None = 0,
) -> LearningRates:
    """Suggest a learning rate: train a copy of the model at rising rates, and see where the loss falls most steeply.

    Parameters
    ----------
    model : Model, MLPClassifier, MLPRegressor or a Pipeline that ends in one
        Estimators are those of scikit-learn and of fastbp.sklearn, fitted or not; the suggestion is for their
        `learning_rate_init`. It is not changed in any bit, its random numbers included.
    X, y, sample_weight
        As for `Model.fit`; rows of weight 0 are left out. `class_weight` of an estimator weighs them, too.
    lowest, highest : float
        The first rate, and the last one unless training diverges before.
    batch_size : int, optional
        Rows a step, by default 128, or those of an estimator. The best rate depends on it: use the size that you will
        train with.
    steps : int
        Largest number of steps, at least 20.
    seed : int or None
        Fixes the order of the rows and dropout: the same seed gives the same curve.

    Returns
    -------
    LearningRates
        Its `suggestion` is the rate; `print` shows it in a sentence.

    Raises
    ------
    ValueError, TypeError
        For bad input.
    DivergenceError
        If the model's error is not finite before any step.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X = np.random.default_rng(0).standard_normal((300, 4))
    >>> y = (X.sum(axis=1) > 0).astype(int)
    >>> model = fastbp.Model([4, 8, 2], seed=0)
    >>> found = fastbp.find_learning_rate(model, X, y, batch_size=32)
    >>> 0.01 < found.suggestion < 10
    True
    """
    lowest, highest = checks.above_zero("lowest", lowest), checks.above_zero("highest", highest)
    if highest <= lowest:
        raise ValueError(f"highest must be above lowest, {lowest:g}, got {highest:g}")
    given, (model, X, numbers, usual) = model, taken(model, X, y)
    sample_weight = row_weights(given, y, sample_weight)
    batch_size = usual or 128 if batch_size is None else checks.whole_number("batch_size", batch_size, 1)
    steps = checks.whole_number("steps", steps, LEAST_STEPS)
    random = np.random.default_rng(checks.seed(seed))
    data = labelled(model, X, numbers, sample_weight)
    rates, window = np.geomspace(lowest, highest, steps), steps // WINDOW
    losses: list[float] = []
    untrained: list[float] = []
    diverged_at, best = None, math.inf
    for rate, (loss, before) in zip(rates, _losses(model, data, rates, batch_size, random), strict=True):
        if math.isfinite(loss):
            losses.append(loss)
            untrained.append(before)
            latest = _ratio(losses[-window - 1 :], untrained[-window - 1 :])
            best = min(best, latest)
        if not math.isfinite(loss) or latest > DIVERGED * best:
            diverged_at = float(rate)
            break
    rates = rates[: len(losses)]
    around = [slice(max(0, i - window), i + window + 1) for i in range(len(losses))]
    ratios = np.array([_ratio(losses[near], untrained[near]) for near in around])
    return LearningRates(_suggestion(rates, ratios), rates, np.array(losses), ratios * np.mean(untrained), diverged_at)


def _losses(
    model: Model, data: Labelled, rates: np.ndarray, batch_size: int, random: np.random.Generator
) -> Iterator[tuple[float, float]]:
    """Take step after step; yield the loss of each minibatch before its step, and the untrained model's loss on it.

    Each is computed by a plan of its own, so that the model is only read. The second plan takes the same steps at a
    rate of 0, so that it drops the same outputs as the first.
    """
    state, plans = model.get_state(), (model._new_plan(), model._new_plan())
    for plan in plans:
        plan.load(state["parameters"])
        plan.set_slots(state["optimizer"])
        plan.steps, plan.watch = state["steps"], True
    batches = _batches(data, batch_size, random)
    for rate in rates:
        rows, key = next(batches), int(random.integers(2**63))
        untrained = _step(plans[1], data, rows, key, 0.0)
        try:
            loss = _step(plans[0], data, rows, key, rate)
        except DivergenceError:
            loss = math.inf
        yield loss, untrained


def _step(plan: Plan, data: Labelled, rows: np.ndarray, key: int, rate: float) -> float:
    """Take a step on these rows; return their loss before it."""
    if plan.draws:
        plan.key = key
    (sums,) = plan.train_epoch(data, rows, len(rows), Rates(np.array([rate])))
    return sums.loss / sums.rows


def _batches(data: Labelled, batch_size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield minibatches without end, all of one size: the rows left at the end of an epoch are skipped."""
    order = np.arange(len(data.y)) if data.weights is None else np.flatnonzero(data.weights)
    size = min(batch_size, len(order))
    while True:
        shuffle(order, int(random.integers(2**63)))
        yield from (order[at : at + size].copy() for at in range(0, len(order) - size + 1, size))


def _ratio(losses: list[float], untrained: list[float]) -> float:
    """Return the losses divided by those of the untrained model, 1 if both are 0."""
    tiny = float(np.finfo(np.float64).tiny)
    return (sum(losses) + tiny) / (sum(untrained) + tiny)


def _least(smoothed: np.ndarray) -> int:
    return int(np.argmin(smoothed))


def _suggestion(rates: np.ndarray, ratios: np.ndarray) -> float:
    """Return the rate that the rule of `LearningRates` gives."""
    least = _least(ratios)
    if least < 2 or ratios[least] > 1 - LEAST_FALL:
        return math.nan
    slopes = ratios[2 : least + 1] - ratios[: least - 1]  # of steps 1 to least - 1
    return float(min(rates[1 + int(np.argmin(slopes))], rates[least] / MARGIN))
