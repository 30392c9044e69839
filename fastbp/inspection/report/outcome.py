"""What a page tells of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...exchange.estimators import taken
from ...model.model import Model
from ...training.history import History

if TYPE_CHECKING:
    from ...files.datasets import Dataset
    from ..diagnosis import Diagnosis


@dataclass(frozen=True)
class Outcome:
    """A training that is over.

    Parameters
    ----------
    model : Model, MLPClassifier or a Pipeline that ends in one
        Estimators are those of scikit-learn and of fastbp.sklearn, fitted on the class numbers or names of `data`.
    data : fastbp.files.datasets.Dataset
        Rows trained on, and rows held out to test on.
    history : fastbp.History or None
        Its validation data are the rows held out. None for an estimator, which has its own.
    reports : list of fastbp.inspection.diagnosis.Diagnosis
        One an epoch, or none.
    batch_size : int
        Rows a step.
    seconds : float
        Wall-clock time of `Model.fit`.
    settings : dict
        What else to list among the settings, by name.
    columns : list of (Described, float), optional
        Of a table: what became of each column, and how much the error grows when it is shuffled.
    """

    model: Any
    data: Dataset
    history: Any
    reports: list[Diagnosis]
    batch_size: int
    seconds: float
    settings: dict[str, object] = field(default_factory=dict)
    columns: list[tuple[Any, float]] | None = None

    def of_model(self) -> Outcome:
        """Return the same of a Model, where it is of an estimator: with its rows as the Model takes them."""
        if isinstance(self.model, Model):
            return self
        data, (X_test, y_test) = self.data, self.test
        last = self.model[-1] if hasattr(self.model, "steps") else self.model
        named = np.asarray(getattr(last, "classes_", ())).dtype.kind in "UO"
        y, y_test = (np.array(data.class_names)[each] if named else each for each in (data.y, y_test))
        model, X, numbers, _ = taken(self.model, data.X, y)
        if not model.network.classifies or model.layer_sizes[-1] == 1 and len(data.class_names) != 2:
            raise ValueError(f"model must tell the {len(data.class_names)} classes of the data apart, got {last!r}")
        _, X_test, test_numbers, _ = taken(self.model, X_test, y_test)
        shown = replace(data, X=X, y=numbers, X_test=X_test, y_test=test_numbers)
        history = History(loss=list(last.loss_curve_)) if self.history is None else self.history
        return replace(self, model=model, data=shown, history=history)

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
