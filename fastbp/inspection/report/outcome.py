"""What a page tells of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...files.datasets import Dataset
    from ...model.model import Model
    from ...training.history import History
    from ..diagnosis import Diagnosis


@dataclass(frozen=True)
class Outcome:
    """A training that is over.

    Parameters
    ----------
    model : fastbp.Model
    data : fastbp.files.datasets.Dataset
        Rows trained on, and rows held out to test on.
    history : fastbp.History
        Its validation data are the rows held out.
    reports : list of fastbp.inspection.diagnosis.Diagnosis
        One an epoch, or none.
    batch_size : int
        Rows a step.
    seconds : float
        Wall-clock time of `Model.fit`.
    settings : dict
        What else to list among the settings, by name.
    """

    model: Model
    data: Dataset
    history: History
    reports: list[Diagnosis]
    batch_size: int
    seconds: float
    settings: dict[str, object] = field(default_factory=dict)

    @cached_property
    def scores(self) -> dict[str, float]:
        """Loss on the rows held out, and accuracy where there are classes, else R2 where targets differ."""
        scores, (X, y) = self.model.evaluate(*self.test), self.test
        if self.data.task == "regression" and np.ptp(y):
            scores["R2"] = 1 - float(np.mean((self.model.predict(X) - y) ** 2) / np.var(y))
        return scores

    @property
    def test(self) -> tuple[np.ndarray, np.ndarray]:
        """X and y of the rows held out."""
        assert self.data.X_test is not None and self.data.y_test is not None, "a Dataset without rows to test on"
        return self.data.X_test, self.data.y_test
