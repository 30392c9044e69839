"""What a fit of an estimator keeps to itself while it runs: on the estimator, calls in other threads would meet it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Run:
    """One call of `fit` or `partial_fit`.

    Parameters
    ----------
    estimator : estimator
    validation : tuple or None
        X_val, y_val and sample_weight_val of `fit`.
    watched : dict or None
        What scikit-learn's callbacks are told of the data, if there are any.
    lbfgs : tuple or None
        Plan, rows and packing of the solver "lbfgs".
    score : float or None
        The score of early stopping where a pass over the rows gave it.
    weights, weights_val : array-like or None
        Weights of the rows of training and of validation, which scikit-learn before 1.7 does not hand on.
    class_weights : ndarray of shape (rows,) or None
        The weight of each row's class, of all rows of X.
    began : bool
        Whether training has begun, so that an exception leaves what was reached.
    """

    estimator: Any
    validation: tuple[Any, ...] | None = None
    watched: dict[str, Any] | None = None
    lbfgs: tuple[Any, ...] | None = None
    score: float | None = None
    weights: Any = None
    weights_val: Any = None
    class_weights: Any = None
    began: bool = False

    def weighed(self, sample_weight: Any) -> Any:
        """Return the weights of rows times those of their classes."""
        if self.class_weights is None or sample_weight is None:
            return sample_weight if self.class_weights is None else self.class_weights
        return self.class_weights * sample_weight


_runs: ContextVar[tuple[Run, ...]] = ContextVar("runs", default=())  # of this thread, the latest last


def run_of(estimator: Any) -> Run:
    """Return the latest run of an estimator in this thread, or an empty one."""
    return next((run for run in reversed(_runs.get()) if run.estimator is estimator), Run(estimator))


@contextmanager
def running(run: Run) -> Iterator[None]:
    """Let `run_of` return this run in the calling thread."""
    before = _runs.set((*_runs.get(), run))
    try:
        yield
    finally:
        _runs.reset(before)


@contextmanager
def unchanged_if_refused(run: Run) -> Iterator[None]:
    """Give the estimator its attributes back where an exception comes before training has begun."""
    attributes = vars(run.estimator)
    before = dict(attributes)
    try:
        yield
    except BaseException:
        if not run.began:
            attributes.clear()
            attributes.update(before)
        raise
