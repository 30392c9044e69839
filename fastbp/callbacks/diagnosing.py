"""The callback that diagnoses a batch after each epoch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..data import members
from .base import Callback


class Diagnose(Callback):
    """Call `Model.diagnose` on one batch after each epoch.

    Parameters
    ----------
    X, y : array-like
        The batch, as for `Model.fit`; some hundred rows are enough.

    Attributes
    ----------
    reports : list of fastbp.inspection.diagnosis.Diagnosis
        One of each epoch; `reports[-1].findings` are the problems found after the last.

    Examples
    --------
    >>> import fastbp
    >>> X, y = [[0, 1], [1, 0]], [0, 1]
    >>> watch = fastbp.callbacks.Diagnose(X, y)
    >>> history = fastbp.Model([2, 4, 2], seed=0).fit(X, y, epochs=3, verbose=0, callbacks=watch)
    >>> len(watch.reports)
    3
    """

    def __init__(self, X: Any, y: Any) -> None:
        self.X: Any = X
        self.y: Any = y
        self.reports: list[Any] = []

    def on_train_begin(self, model: Any) -> None:
        """Forget an earlier training."""
        self.reports, self._report = [], model._diagnosis

    def on_epoch_end(self, model: Any, logs: dict[str, float]) -> None:
        """Append a diagnosis of the batch."""
        self.reports.append(model.diagnose(self.X, self.y))

    def _check(self, model: Any, metrics: list[str] | None) -> None:
        """Raise ValueError if the model can't be diagnosed."""
        members.refuse(model.network, "a diagnosis")

    def get_state(self) -> dict[str, Any]:
        """Return the reports."""
        return {"reports": [asdict(report) for report in self.reports]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.reports = [self._report(kept) for kept in state["reports"]]
