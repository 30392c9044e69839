"""A script: what people do first, after which Numba must not be imported. It runs where a wheel is installed."""

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import fastbp
from fastbp.cli import main


def models(folder):
    """Train, save, load and predict: every activation, loss, optimizer and dtype."""
    rng = np.random.default_rng(0)
    X, classes, numbers = rng.random((300, 20)), rng.integers(0, 2, 300), rng.random((300, 2))
    every = [{"activation": F} for F in fastbp.kernels.activations.ACTIVATIONS]
    every += [{"optimizer": name} for name in fastbp.kernels.optimizers.OPTIMIZERS]
    every += [{"loss": name} for name in fastbp.kernels.losses.LOSSES]
    every += [{"layer_norm": True}, {"dropout": 0.1}, {"clip_norm": 1.0}]
    for settings in every:
        for dtype in "float32", "float64":
            model = fastbp.Model([20, 100, 2], seed=0, dtype=dtype, **settings)
            y = classes if model.network.of_classes else numbers
            history = model.fit(X.astype(dtype), y, epochs=1, verbose=0)
            model.save(folder / "model")
            again = fastbp.load(folder / "model")
            assert np.isfinite(history.loss).all()
            for rows in X, X[:1]:
                assert np.array_equal(again.predict(rows), model.predict(rows))
            model.evaluate(X, y)
            model.gradients(X, y)


def estimators():
    """Fit and search, as scikit-learn's users do."""
    from sklearn.model_selection import GridSearchCV

    from fastbp.sklearn import MLPClassifier, MLPRegressor

    rng = np.random.default_rng(0)
    X, y = rng.random((200, 20)), rng.integers(0, 2, 200)
    for solver in "adam", "sgd":
        MLPClassifier(solver=solver, max_iter=500, random_state=0, tol=0.1).fit(X, y).predict(X)
        MLPRegressor(solver=solver, max_iter=500, random_state=0, tol=0.1).fit(X, X[:, 0]).predict(X[:1])
    search = GridSearchCV(MLPClassifier(max_iter=500, tol=0.1), {"alpha": [0.1, 1.0]}, cv=2, n_jobs=2)
    search.fit(X, y).predict(X)


def command(folder):
    """Train from the command line on the digits that come with the package, and predict."""
    assert main(["train", "--quiet", "--epochs", "1", "--save", str(folder / "digits")]) == 0
    assert main(["info"]) == 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        models(Path(name))
        if find_spec("sklearn"):
            estimators()
        assert not {"numba", "llvmlite"} & sys.modules.keys(), "Numba was imported"
        command(Path(name))
    print("nothing was compiled")
