"""scikit-learn: `MLPClassifier`, an epoch being a call of `partial_fit`."""

import warnings
from importlib import import_module

import numpy as np

from . import Case, Data


class Entrant:
    """With two classes scikit-learn has one logistic output: it starts at the same function, learns a bit slower."""

    def __init__(self, case: Case, data: Data) -> None:
        network = import_module("sklearn.neural_network")
        warnings.simplefilter("ignore")  # an epoch a call has not converged, it says
        self.data = data
        self.model = network.MLPClassifier(
            case.sizes[1:-1],
            solver=case.optimizer,
            learning_rate_init=case.learning_rate,
            batch_size=min(case.batch, case.rows),
            momentum=0.0,
            alpha=0.0,
        )
        self.model.partial_fit(data.X[:1], data.y[:1], classes=np.arange(case.sizes[-1]))  # makes the arrays
        del self.model._optimizer  # and with it the state that this call left
        *hidden, last = data.weights
        weights = [*hidden, last[:, 1:] - last[:, :1] if case.sizes[-1] == 2 else last]
        for W, b, start in zip(self.model.coefs_, self.model.intercepts_, weights, strict=True):
            W[...], b[...] = start, 0

    def epoch(self):
        self.model.partial_fit(self.data.X, self.data.y)

    def predict(self):
        return self.model.predict_proba(self.data.X)
