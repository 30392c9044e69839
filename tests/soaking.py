"""A process that does everything again and again, and counts what it holds: ``python tests/soaking.py SECONDS``.

It prints a line of JSON for each sample. The last line has the resident memory, open files and threads after the
warm-up and at the end. What a round does follows from its number alone, so that a failure can be repeated.
"""

import contextlib
import ctypes
import gc
import io
import json
import os
import pickle
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jobs import digest, forked

import fastbp
from fastbp.execution import threads
from fastbp.kernels.losses import LOSSES

ACTIVATIONS = ("relu", "tanh", "gelu", "prelu", "logistic", "elu")
OPTIMIZERS = ("sgd", "adam", "nadam", "lion")
FEW = {"activation": ("relu", "tanh"), "optimizer": ("sgd", "adam"), "loss": ("cross_entropy", "squared_error")}
ALL = {"activation": ACTIVATIONS, "optimizer": OPTIMIZERS, "loss": tuple(LOSSES)}
DTYPES = "float32", "float64"
KINDS = 150  # of networks
LIBC = ctypes.CDLL(None)
WARM = 0.15  # the share of the time, after which nothing may grow any more


class Stop(Exception):
    """What a callback raises to end a training."""


def targets(random, loss, rows, outputs):
    """Some y for a loss."""
    kind = LOSSES[loss]
    if kind.link == "softmax":
        return random.integers(0, outputs, rows)
    y = random.random((rows, outputs))
    return (y > 0.5).astype(float) if kind.domain == (0, 1) else np.floor(4 * y)


def network(random, choices):
    """Return a model of random sizes, of one of so many kinds, X and y."""
    kind = np.random.default_rng(random.integers(KINDS))  # what is compiled or assembled for a kind is kept
    sizes = random.integers(2, 40, kind.integers(2, 5)).tolist()
    pick = {name: str(kind.choice(values)) for name, values in choices.items()}
    model = fastbp.Model(
        sizes, **pick, dtype=str(kind.choice(DTYPES)), seed=int(random.integers(2**31)), learning_rate=1e-3,
        layer_norm=bool(kind.random() < 0.2), dropout=0.2 * (kind.random() < 0.2), l2=0.01 * (kind.random() < 0.3),
        n_threads=int(random.integers(1, threads.most() + 1)), clip_norm=[None, 1.0][kind.integers(2)],
    )  # fmt: skip
    rows = int(random.integers(1, 300))
    return model, random.standard_normal((rows, sizes[0])), targets(random, pick["loss"], rows, sizes[-1])


def train(model, X, y, random, **how):
    with contextlib.suppress(fastbp.DivergenceError):  # as an exponential output may
        model.fit(X, y, epochs=int(random.integers(1, 4)), batch_size=int(random.integers(1, 200)), verbose=0, **how)


def fits(random, choices, folder):
    model, X, y = network(random, choices)
    train(model, X, y, random, validation_split=0.3 if len(X) > 10 else 0.0)
    model.predict(X), model.predict(X[:1]), model.evaluate(X, y), model.gradients(X[:20], y[:20])


def saves(random, choices, folder):
    model, X, y = network(random, choices)
    path = folder / f"{random.integers(3)}.safetensors"
    train(model, X, y, random)
    model.save(path)
    again, third = fastbp.load(path), pickle.loads(pickle.dumps(model))
    for each in model, again, third:
        with contextlib.suppress(fastbp.DivergenceError):
            each.fit(X, y, epochs=1, verbose=0)
    assert digest(model._flat) == digest(again._flat) == digest(third._flat)


def stops(random, choices, folder):
    """Leave a training by an exception, and meet bad input."""
    model, X, y = network(random, choices)

    def stop(*_):
        raise Stop

    before = digest(model._flat)
    callback = fastbp.callbacks.Callback()
    callback.on_epoch_end = stop
    with contextlib.suppress(Stop):
        train(model, X, y, random, callbacks=[callback])
    assert digest(model._flat) == before
    for bad in X[:, :1], X * np.nan, "X", None:
        with contextlib.suppress(ValueError, TypeError):
            model.fit(bad, y, verbose=0)
            raise AssertionError("taken")


def shares(random, choices, folder):
    """Let threads train a model each, and predict with one."""
    shared, X, y = network(random, choices)
    expected = digest(shared.predict(X))
    seeds = random.integers(2**31, size=4)

    def one(seed):
        fits(np.random.default_rng(seed), choices, folder)
        return digest(shared.predict(X))

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(one, seeds)) == {expected}


def forks(random, choices, folder):
    assert forked(reference) == REFERENCE


def estimates(random, choices, folder):
    from fastbp.sklearn import MLPClassifier, MLPRegressor

    rows, columns = int(random.integers(10, 200)), int(random.integers(1, 10))
    X = random.standard_normal((rows, columns))
    size = (int(random.integers(1, 40)),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = np.array(["a", "b", "c"])[random.permutation(rows) % 3]
        MLPClassifier(size, max_iter=3, early_stopping=rows > 30).fit(X, labels).score(X, labels)
        classifier = MLPClassifier(size, max_iter=3).fit(X, labels).partial_fit(X[:5], labels[:5])
        regressor = MLPRegressor(hidden_layer_sizes=size, max_iter=3, solver=str(random.choice(["lbfgs", "adam"])))
        regressor.fit(X, X[:, 0])
        same = np.array_equal(pickle.loads(pickle.dumps(regressor)).predict(X), regressor.predict(X))
        assert same, "a pickle predicts something else"
        np.testing.assert_allclose(classifier.to_sklearn().predict_proba(X), classifier.predict_proba(X), 1e-6, 1e-9)


def looks(random, choices, folder):
    model, X, y = network(random, choices)
    repr(model), model.summary()
    with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(fastbp.DivergenceError):
        model.diagnose(X, y)
        model.fit(X, y, epochs=2, verbose=1)


def reference():
    """Bits of a training that are the same at any time, in any thread and process."""
    random = np.random.default_rng(5)
    X, y = random.standard_normal((300, 13)), random.integers(0, 4, 300)
    model = fastbp.Model([13, 33, 17, 4], "tanh", "adam", seed=9)
    history = model.fit(X, y, epochs=3, batch_size=64, verbose=0)
    return digest(model._flat, history.loss, model.predict_proba(X))


REFERENCE = reference()
ROUNDS = fits, fits, saves, stops, shares, forks, estimates, looks


def sample(seconds, rounds):
    """Return what the process holds now, free memory given back."""
    gc.collect()
    if hasattr(LIBC, "malloc_trim"):  # of the GNU C library, which else keeps some hundred kB
        LIBC.malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    helpers = sum(thread.name == "fastbp helper" for thread in threading.enumerate())
    return {
        "seconds": round(seconds, 1),
        "rounds": rounds,
        "MB": round(pages * os.sysconf("SC_PAGESIZE") / 1e6, 2),
        "helpers": helpers,
        "files": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")) - helpers,
        "python_threads": threading.active_count() - helpers,
    }


def summary(samples):
    """Return the medians of the first and the last samples after the warm-up, a third of them each."""
    warm = [each for each in samples if each["seconds"] >= WARM * samples[-1]["seconds"]] or samples
    third = max(1, len(warm) // 3)

    def medians(part):
        return {key: float(np.median([each[key] for each in part])) for key in part[0]}

    return {"warm": medians(warm[:third]), "end": medians(warm[-third:])}


def soak(seconds, every, choices):
    """Run rounds for so long; return the samples."""
    start, samples, number = time.monotonic(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        while (passed := time.monotonic() - start) < seconds or number < len(ROUNDS):
            if not samples or passed >= samples[-1]["seconds"] + every:
                assert reference() == REFERENCE, f"other bits after {number} rounds"
                samples.append(sample(passed, number))
                print(json.dumps(samples[-1]), flush=True)
            random = np.random.default_rng(number)
            try:
                ROUNDS[number % len(ROUNDS)](random, choices, Path(folder))
            except Exception as error:
                raise AssertionError(f"round {number} failed") from error
            number += 1
    assert reference() == REFERENCE
    return [*samples, sample(time.monotonic() - start, number)]


def main(seconds):
    """Soak, and print the summary."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        print(json.dumps(summary(soak(seconds, max(0.5, seconds / 360), FEW if seconds < 60 else ALL))))


if __name__ == "__main__":
    main(float(sys.argv[1]))
