"""fastbp: `Model`, an epoch being a call of `fit`."""

import fastbp

from . import Case, Data


class Entrant:
    def __init__(self, case: Case, data: Data) -> None:
        self.case, self.data = case, data
        self.model = fastbp.Model(
            case.sizes, optimizer=case.optimizer, learning_rate=case.learning_rate, dtype=case.dtype, seed=0
        )
        for (W, b), start in zip(self.model.parameters, data.weights, strict=True):
            W[...], b[...] = start, 0

    def epoch(self):
        self.model.fit(self.data.X, self.data.y, epochs=1, batch_size=self.case.batch, verbose=0)

    def predict(self):
        return self.model.predict_proba(self.data.X)
