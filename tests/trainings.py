"""Trainings with the fast kernels and with the plain loops, and how closely the two must agree."""

import numpy as np
import pytest

import fastbp
from fastbp.kernels.losses import LOSSES
from fastbp.optimizers import SGD, Adam

OPTIMIZERS = {
    "sgd": {"optimizer": SGD(0.1)},
    "momentum": {"optimizer": SGD(0.05, momentum=0.9)},
    "nesterov": {"optimizer": SGD(0.05, momentum=0.9, nesterov=True)},
    "adam": {"optimizer": Adam(0.01)},
}
AGREE = {"float32": 2e-4, "float64": 1e-11}  # largest difference as a share of the largest parameter


def flat(model):
    return np.concatenate([array.ravel() for layer in model.parameters for array in layer])


def data(rng, rows, sizes):
    X = rng.standard_normal((rows, sizes[0]))
    return X, (X @ rng.standard_normal((sizes[0], sizes[-1]))).argmax(1)


def targets(rng, X, loss, outputs):
    """What a loss may be asked to learn from X: something that X tells, with noise."""
    t = (
        X @ rng.standard_normal((X.shape[1], outputs)) / np.sqrt(X.shape[1])
        + rng.standard_normal((len(X), outputs)) / 4
    )
    kind = LOSSES[loss]
    if kind.link == "softmax":
        return t.argmax(1)
    if kind.domain == (0, 1):
        return (t > 0).astype(float)
    return rng.poisson(np.exp(t)) if kind.domain[0] == 0 else t


def both(sizes, X, y, batch_size, epochs=2, fit=None, **settings):
    """Train a model of each kind alike; return [(model, its history)], the fast one first."""
    pair = []
    for kernels in ("fast", "elementwise"):
        model = fastbp.Model(sizes, seed=7, kernels=kernels, **settings)
        pair.append((model, model.fit(X, y, epochs=epochs, batch_size=batch_size, verbose=0, **(fit or {}))))
    return pair


def assert_alike(pair, X, y):
    (fast, fast_history), (plain, history) = pair
    tolerance = AGREE[fast.dtype.name]
    a, b = flat(fast), flat(plain)  # they have moved
    assert not np.array_equal(b, flat(fastbp.Model(plain.layer_sizes, loss=plain.loss, seed=7, dtype=plain.dtype)))
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * abs(b).max())
    np.testing.assert_allclose(fast_history.loss, history.loss, rtol=10 * tolerance)
    np.testing.assert_allclose(fast_history.accuracy, history.accuracy, atol=1e-12 if tolerance < 1e-9 else 0.02)
    z = plain._outputs(X)
    np.testing.assert_allclose(fast._outputs(X), z, atol=20 * tolerance * max(1, abs(z).max()))
    assert fast.evaluate(X, y)["loss"] == pytest.approx(plain.evaluate(X, y)["loss"], rel=10 * tolerance)
    slots = (model.get_state()["optimizer"].values() for model in (fast, plain))
    for slot, same in zip(*slots, strict=True):
        np.testing.assert_allclose(slot, same, rtol=0, atol=10 * tolerance * abs(same).max())
