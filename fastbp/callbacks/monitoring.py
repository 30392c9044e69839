"""Callbacks that watch a metric: early stopping, and lower learning rates on a plateau."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from ..data import checks
from .base import Callback
from .warning import warn

_METRICS = "loss", "accuracy", "val_loss", "val_accuracy"


class _Monitoring(Callback):
    """A callback that counts epochs without an improvement of a metric. NaN and infinity are no improvement."""

    monitor: str
    patience: int
    min_delta: float
    mode: str
    best: float
    waited: int

    def __init__(self, monitor: str, patience: int, min_delta: float, mode: str) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a metric, got {monitor!r}")
        self.monitor, self.patience = monitor, checks.whole_number("patience", patience, 1)
        self.min_delta = checks.rate("min_delta", min_delta)
        self.mode = checks.choice("mode", mode, ("auto", "min", "max"))
        if self.mode == "auto" and ("loss" in monitor) == ("accuracy" in monitor):
            meant = checks.meant(monitor, _METRICS)
            raise ValueError(
                f"mode must be 'min' or 'max' for monitor {monitor!r}: 'auto' knows losses and accuracies only{meant}"
            )
        self._forget()

    def _forget(self) -> None:
        self.best, self.waited = math.nan, 0

    def _improved(self, logs: dict[str, float]) -> bool:
        """Return whether this epoch is the best so far; count the epochs without an improvement by `min_delta`."""
        self._require(logs)
        value = logs[self.monitor]
        if self.mode == "max" or (self.mode == "auto" and "accuracy" in self.monitor):
            value = -value
        first, finite = math.isnan(self.best), math.isfinite(value)
        enough = finite and (first or value < self.best - self.min_delta)
        self.waited = 0 if enough else self.waited + 1
        if finite and (first or value < self.best):
            self.best = value
            return True
        return False

    def _check(self, model: Any, metrics: list[str] | None) -> None:
        """Raise ValueError if there will be no such metric."""
        if metrics is not None and self.monitor != "seconds":
            self._require(metrics)

    def _require(self, metrics: Collection[str]) -> None:
        """Raise ValueError if the metric is not among these."""
        if self.monitor not in metrics:
            known = sorted(set(metrics) - {"epoch", "seconds"})
            meant = checks.meant(self.monitor, known)
            raise ValueError(
                f"monitor must be one of {', '.join(known)}, got {self.monitor!r}{meant}; val_... needs validation data"
            )

    def get_state(self) -> dict[str, Any]:
        """Return the best value, and how many epochs were waited for a better one."""
        return {"best": self.best, "waited": self.waited}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.waited = state["best"], state["waited"]

    def _settings(self) -> dict[str, Any]:
        """Return the arguments."""
        names = "monitor", "patience", "min_delta", "mode", "restore_best", "factor", "least"
        return {name: getattr(self, name) for name in names if hasattr(self, name)}


class EarlyStopping(_Monitoring):
    """Stop training when a metric has not improved for `patience` epochs.

    NaN and infinity are no improvement. If the metric is finite in no epoch, a RuntimeWarning says so, and the last
    parameters are kept.

    Parameters
    ----------
    monitor : str
        Name of the metric: a list of the history, such as "val_loss", "val_accuracy" or "loss", or what an earlier
        callback has written into `logs`.
    patience : int
        Number of epochs without an improvement after which training stops.
    min_delta : float
        Least change that counts as an improvement.
    restore_best : bool
        Whether to restore the parameters of the best epoch at the end.
    mode : {"auto", "min", "max"}
        Whether smaller or larger is better. "auto" is "min" for names that contain "loss", and "max" for those that
        contain "accuracy"; it is refused for others.

    Attributes
    ----------
    best_epoch : int or None
        Number of the epoch with the best value, from 0; None if no value was finite.
    stopped_epoch : int or None
        Number of the epoch after which training was stopped; None if it was not.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X = np.random.default_rng(0).standard_normal((300, 4))
    >>> y = (X.sum(axis=1) > 0).astype(int)
    >>> stop = fastbp.callbacks.EarlyStopping(patience=3, min_delta=0.1)
    >>> model = fastbp.Model([4, 8, 2], seed=0)
    >>> history = model.fit(X, y, epochs=1000, validation_split=0.2, verbose=0, callbacks=stop)
    >>> len(history.loss) == stop.stopped_epoch + 1
    True
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
        self.restore_best: bool = checks.flag("restore_best", restore_best)

    def on_train_begin(self, model: Any) -> None:
        """Forget an earlier training."""
        self._epochs = 0
        self._forget()
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._kept: np.ndarray | None = None

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Keep the best parameters; stop when `patience` is over."""
        self._epochs += 1
        if self._improved(logs):
            self.best_epoch = int(logs["epoch"])
            if self.restore_best:
                self._kept = model._shown.copied(self._kept)
        if self.waited >= self.patience:
            self.stopped_epoch, model.stop_training = int(logs["epoch"]), True

    def on_train_end(self, model: Any) -> None:
        """Restore the best parameters; warn if there are none."""
        if self._epochs and self.best_epoch is None:
            warn(f"EarlyStopping saw no finite {self.monitor} in {self._epochs} epochs; the last parameters are kept")
        if self._kept is not None:
            model._flat[...] = self._kept

    def get_state(self) -> dict[str, Any]:
        """Return the best value, its epoch and the parameters kept of it, and how many epochs there were."""
        own = {"epochs": self._epochs, "best_epoch": self.best_epoch, "stopped_epoch": self.stopped_epoch}
        return super().get_state() | own | {"kept": self._kept}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        super().set_state(state)
        self._epochs, self._kept = state["epochs"], state["kept"]
        self.best_epoch, self.stopped_epoch = state["best_epoch"], state["stopped_epoch"]


class ReduceLearningRate(_Monitoring):
    """Multiply the learning rate by `factor` when a metric has not improved for `patience` epochs.

    Parameters
    ----------
    monitor, patience, min_delta, mode
        As for `EarlyStopping`.
    factor : float
        From 0 to below 1.
    least : float
        Smallest learning rate.

    Examples
    --------
    >>> import fastbp
    >>> plateau = fastbp.callbacks.ReduceLearningRate(patience=1, factor=0.5, min_delta=10.0)
    >>> model = fastbp.Model([2, 4, 2], seed=0)
    >>> history = model.fit([[0, 1], [1, 0]], [0, 1], epochs=3, verbose=0, callbacks=plateau)
    >>> model.learning_rate
    0.025
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
        self.factor: float = checks.share("factor", factor)
        self.least: float = checks.rate("least", least)

    def on_train_begin(self, model: Any) -> None:
        """Forget an earlier training."""
        self._forget()

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Lower the rate when `patience` is over."""
        self._improved(logs)
        if self.waited >= self.patience and model.learning_rate > self.least:
            model.learning_rate = max(self.least, model.learning_rate * self.factor)
            self.waited = 0
