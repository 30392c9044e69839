"""Training and prediction as a user runs them."""

import importlib.util
import inspect

import numpy as np

import fastbp

from . import VERSION

STEPS = 8
ROWS = 1000
TEXTS = {"words": (40_000, 60), "categories": (2_000, 30), "letters": (250, 12)}  # columns, and entries a row
NETWORKS = ["64-32-10", "784-128-10", "784-1024-1024-1024-10"]


def check_known(settings):
    """Raise NotImplementedError, which skips, for a setting or an optimizer that this version of fastbp lacks."""
    lacking = settings.keys() - inspect.signature(fastbp.Model).parameters.keys()
    if lacking:
        raise NotImplementedError(f"no {', '.join(sorted(lacking))} here")
    for module in "fastbp.kernels.optimizers", "fastbp.optim":  # what lists them now, and in the first versions
        if importlib.util.find_spec(module):
            if settings["optimizer"] not in importlib.import_module(module).OPTIMIZERS:
                raise NotImplementedError(f"no {settings['optimizer']} here")
            break


def make(layers, rows, dtype, optimizer="sgd", **settings):
    """Return a model and data for it."""
    sizes = [int(size) for size in layers.split("-")]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, sizes[0]), dtype) if rows * sizes[0] < 10**7 else None
    settings = {"optimizer": optimizer, "dtype": dtype, "seed": 0} | settings
    check_known(settings)
    model = fastbp.Model(sizes, **settings)
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


class RoundedTrainingStep:
    """The same with products of bfloat16, of the networks on which peers are measured; and predictions of them."""

    version = VERSION
    param_names = ["layers", "batch_size", "optimizer", "precision"]
    params = (
        ["784-128-10", "784-256-128-10", "784-512-512-10", "784-1024-1024-1024-10"], [64, 256], ["sgd", "adam"],
        [None, "bfloat16"],
    )  # fmt: skip
    number = 1

    def setup(self, layers, batch_size, optimizer, precision):
        settings = {"precision": precision} if precision else {}
        self.model, self.X, self.y = make(layers, STEPS * batch_size, "float32", optimizer, **settings)
        self.time_steps(layers, batch_size, optimizer, precision)
        self.time_predict(layers, batch_size, optimizer, precision)

    def time_steps(self, layers, batch_size, optimizer, precision):
        self.model.fit(self.X, self.y, epochs=1, batch_size=batch_size, verbose=0)

    def time_predict(self, layers, batch_size, optimizer, precision):
        self.model.predict_proba(self.X)


class SparseTrainingStep:
    """The same on sparse rows of so many numbers, and predictions of them: see `TEXTS`."""

    version = VERSION
    param_names = ["text", "optimizer", "dtype"]
    params = (list(TEXTS), ["sgd", "adam"], ["float32", "float64"])
    number = 1

    def setup(self, text, optimizer, dtype):
        try:
            from scipy import sparse
        except ImportError as error:
            raise NotImplementedError("no SciPy here") from error
        columns, entries = TEXTS[text]
        rng = np.random.default_rng(0)
        lengths = np.minimum(rng.lognormal(np.log(entries), 0.5, STEPS * 200).astype(int) + 1, columns)
        words = np.minimum(rng.zipf(1.3, lengths.sum()), columns) - 1  # few words make up most of a text
        pointers = np.concatenate([[0], np.cumsum(lengths)])
        X = sparse.csr_matrix((rng.random(len(words), dtype), words, pointers), (len(lengths), columns))
        X.sum_duplicates()
        self.model, _, self.y = make(f"{columns}-100-10", len(lengths), dtype, optimizer)
        self.X = X
        self.time_steps(text, optimizer, dtype)
        self.time_predict(text, optimizer, dtype)

    def time_steps(self, text, optimizer, dtype):
        self.model.fit(self.X, self.y, epochs=1, batch_size=200, verbose=0)

    def time_predict(self, text, optimizer, dtype):
        self.model.predict_proba(self.X)


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
