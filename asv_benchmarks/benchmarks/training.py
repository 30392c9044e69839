"""Training and prediction as a user runs them."""

import numpy as np

import fastbp

from . import VERSION

STEPS = 8
ROWS = 1000
NETWORKS = ["64-32-10", "784-128-10", "784-1024-1024-1024-10"]


def make(layers, rows, dtype, optimizer="sgd"):
    """Return a model and data for it."""
    sizes = [int(size) for size in layers.split("-")]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, sizes[0]), dtype)
    try:
        model = fastbp.Model(sizes, optimizer=optimizer, dtype=dtype, seed=0)
    except ValueError as error:  # the first versions know sgd only
        raise NotImplementedError(f"no such model here: {error}") from error
    return model, X, rng.integers(0, sizes[-1], rows)


class TrainingStep:
    """Time of 8 minibatch steps: rows gathered, forward, loss, backward, update."""

    version = VERSION
    param_names = ["layers", "batch_size", "optimizer", "dtype"]
    params = (NETWORKS, [32, 256], ["sgd", "adam"], ["float32", "float64"])
    number = 1  # training goes on from call to call; every sample starts anew

    def setup(self, layers, batch_size, optimizer, dtype):
        self.model, self.X, self.y = make(layers, STEPS * batch_size, dtype, optimizer)
        self.time_steps(layers, batch_size, optimizer, dtype)

    def time_steps(self, layers, batch_size, optimizer, dtype):
        self.model.fit(self.X, self.y, epochs=1, batch_size=batch_size, verbose=0)


class UnevenTrainingStep(TrainingStep):
    """The same where no size is a multiple of a tile's, and the last minibatch is short."""

    params = (["37-101-2", "131-257-67-3"], [33, 127], ["sgd", "adam"], ["float32", "float64"])

    def setup(self, layers, batch_size, optimizer, dtype):
        super().setup(layers, batch_size, optimizer, dtype)
        self.X, self.y = self.X[: -batch_size // 2], self.y[: -batch_size // 2]


class Predict:
    """Time to predict 1,000 rows, in calls of one row and in one call."""

    version = VERSION
    param_names = ["layers", "rows_a_call", "dtype"]
    params = ([*NETWORKS[:2], "784-512-512-10"], [1, ROWS], ["float32", "float64"])

    def setup(self, layers, rows_a_call, dtype):
        self.model, self.X, self.y = make(layers, ROWS, dtype)
        self.model.predict_proba(self.X[:rows_a_call])

    def time_predict(self, layers, rows_a_call, dtype):
        for first in range(0, ROWS, rows_a_call):
            self.model.predict_proba(self.X[first : first + rows_a_call])


class Evaluate:
    """Time of loss and accuracy over 1,000 rows."""

    version = VERSION
    param_names = ["layers", "dtype"]
    params = ([*NETWORKS[:2], "784-512-512-10"], ["float32", "float64"])

    def setup(self, layers, dtype):
        self.model, self.X, self.y = make(layers, ROWS, dtype)
        self.time_evaluate(layers, dtype)

    def time_evaluate(self, layers, dtype):
        self.model.evaluate(self.X, self.y)
