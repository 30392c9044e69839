"""What `Model.fit(callbacks=...)` calls, and three that are ready: stop early, lower the rate, diagnose."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import checks


class Callback:
    """Called by `fit`; in each call `model.parameters` are the present ones and may be changed.

    A callback ends training by `model.stop_training = True`. An error it raises ends `fit` and leaves the model as it
    was before.
    """

    def on_train_begin(self, model: Any) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, model: Any, epoch: int) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """After an epoch; `logs` holds "epoch" and what the history has of it, such as "loss" and "val_loss".

        All callbacks are given the same `logs`, one after the other: a metric of your own, written there, can be the
        `monitor` of those that follow.
        """

    def on_train_end(self, model: Any) -> None:
        """After the last epoch, Ctrl-C included."""


def checked(callbacks: Any) -> tuple[Callback, ...]:
    """Return callbacks as a tuple."""
    each = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
    for number, callback in enumerate(each):
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks[{number}] must be a fastbp.callbacks.Callback, got {callback!r}")
    return each


class _Watching(Callback):
    """Counts epochs without progress of a metric."""

    def __init__(self, monitor: str, patience: int, min_delta: float, mode: str) -> None:
        self.monitor, self.patience = monitor, checks.whole_number("patience", patience, 1)
        self.min_delta = checks.rate("min_delta", min_delta)
        self.mode = checks.choice("mode", mode, ("auto", "min", "max"))
        self.best, self.waited = math.nan, 0

    def _improved(self, logs: dict[str, float]) -> bool:
        """Whether this is the best so far; counts the epochs since the metric grew better by `min_delta`."""
        if self.monitor not in logs:
            known = ", ".join(sorted(set(logs) - {"epoch", "seconds"}))
            raise ValueError(f"monitor must be one of {known}, got {self.monitor!r}; val_... need validation data")
        value = logs[self.monitor]
        if self.mode == "max" or (self.mode == "auto" and "loss" not in self.monitor):
            value = -value
        first = math.isnan(self.best)
        enough = first or value < self.best - self.min_delta
        self.waited = 0 if enough else self.waited + 1
        if first or value < self.best:
            self.best = value
            return True
        return False


class EarlyStopping(_Watching):
    """End training once a metric has not improved for `patience` epochs.

    Parameters
    ----------
    monitor : str
        A name of the history's lists: "val_loss", "val_accuracy", "loss", ...; or what a callback before this one wrote
        into `logs`.
    patience : int
        Epochs to wait for an improvement by more than `min_delta`.
    min_delta : float
    restore_best : bool
        Whether the parameters of the best epoch are put back in the end.
    mode : {"auto", "min", "max"}
        What is better; "auto" takes losses to be better when small, all else when large.

    Attributes
    ----------
    best_epoch : int
    stopped_epoch : int or None
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, patience, min_delta, mode)
        self.restore_best = checks.flag("restore_best", restore_best)

    def on_train_begin(self, model: Any) -> None:
        """Forget what an earlier training was like."""
        self.best, self.waited, self.best_epoch = math.nan, 0, 0
        self.stopped_epoch: int | None = None
        self._kept: list[np.ndarray] = []

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Keep the best parameters; stop where patience ends."""
        if self._improved(logs):
            self.best_epoch = int(logs["epoch"])
            if self.restore_best:
                self._kept = [array.copy() for layer in model.parameters for array in layer]
        if self.waited >= self.patience:
            self.stopped_epoch, model.stop_training = int(logs["epoch"]), True

    def on_train_end(self, model: Any) -> None:
        """Put the best parameters back."""
        for array, kept in zip((array for layer in model.parameters for array in layer), self._kept, strict=False):
            array[...] = kept


class ReduceLearningRate(_Watching):
    """Multiply the learning rate by `factor` where a metric has not improved for `patience` epochs, down to `least`.

    Parameters
    ----------
    monitor, patience, min_delta, mode
        As those of `EarlyStopping`.
    factor : float
        From 0 to below 1.
    least : float
        Learning rate below which it is not lowered.
    """

    def __init__(
        self,
        monitor: str = "loss",
        patience: int = 2,
        factor: float = 0.2,
        least: float = 1e-6,
        min_delta: float = 1e-4,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, patience, min_delta, mode)
        self.factor, self.least = checks.share("factor", factor), checks.rate("least", least)

    def on_train_begin(self, model: Any) -> None:
        """Forget what an earlier training was like."""
        self.best, self.waited = math.nan, 0

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Lower the rate where patience ends."""
        self._improved(logs)
        if self.waited >= self.patience and model.learning_rate > self.least:
            model.learning_rate = max(self.least, model.learning_rate * self.factor)
            self.waited = 0


class Diagnose(Callback):
    """Diagnose one batch after each epoch.

    Parameters
    ----------
    X, y : array-like
        The batch: some hundred rows tell enough.

    Attributes
    ----------
    reports : list of fastbp.diagnosis.Diagnosis
        One an epoch; `reports[-1].findings` are the problems seen.
    """

    def __init__(self, X: Any, y: Any) -> None:
        self.X, self.y = X, y
        self.reports: list[Any] = []

    def on_train_begin(self, model: Any) -> None:
        """Forget what an earlier training was like."""
        self.reports = []

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Add a report."""
        self.reports.append(model.diagnose(self.X, self.y))
