"""Inputs that are not scaled and kill training are named, with what to do; nothing is said where training works."""

import warnings

import numpy as np
import pytest

import fastbp
from fastbp.data.samples import Labelled, Samples
from fastbp.training import unscaled

RNG = np.random.default_rng(3)
X = RNG.standard_normal((400, 5))
CLASSES = np.abs(X[:, :3]).argmax(1)
WARNED = "training failed.*root mean square is .*input_shift .*input_scale"


def trained(X, y, outputs, **settings):
    model = fastbp.Model([5, 32, outputs], seed=0, **settings)
    model.fit(X, y, epochs=10, batch_size=32, verbose=0)
    return model


KILLED = {
    "large": (200 * np.abs(X), CLASSES, 3, {}),
    "shifted": (X + 2000, CLASSES, 3, {}),
    "one column": (X + [0, 0, 0, 0, 1e4], (X[:, 0] > 0).astype(int), 2, {}),
    "tiny": (1e-5 * X, CLASSES, 3, {}),
    "yes or no": (X + 2000, X[:, 0] > 0, 1, {"loss": "binary_cross_entropy"}),
    "several": (X + 2000, X[:, :2] > 0, 2, {"loss": "binary_cross_entropy"}),
    "numbers": (X + 2000, X[:, 0], 1, {"loss": "squared_error", "optimizer": "adam", "learning_rate": 0.01}),
    "scaled wrongly": (np.abs(X), CLASSES, 3, {"input_scale": 1000.0}),
}


@pytest.mark.parametrize("kind", KILLED)
def test_unscaled_inputs_that_kill_training_are_named(kind):
    X, y, outputs, settings = KILLED[kind]
    with pytest.warns(UserWarning, match=WARNED) as caught:
        model = trained(X, y, outputs, **settings)
    assert caught[0].filename == __file__
    y = np.asarray(y)
    if model.loss.of_classes:
        assert model.score(X, y) < np.bincount(y).max() / len(y) + 0.1
    scale = {"input_shift": X.mean(0), "input_scale": 1 / X.std(0)}  # as the warning says
    assert trained(X, y, outputs, **settings | scale).score(X, y) > 0.45


def test_many_short_calls_are_looked_at_when_their_steps_have_doubled():
    shifted, y, outputs, _ = KILLED["shifted"]
    model, told = fastbp.Model([5, 32, outputs], seed=0), []
    for _ in range(41):  # of 13 steps
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(shifted, y, epochs=1, batch_size=32, verbose=0)
        told += [model.get_state()["steps"]] * len(caught)
    assert told == [26, 39, 65, 130, 260, 520]
    with pytest.warns(UserWarning, match=WARNED):  # a longer call is looked at by itself
        model.fit(shifted, y, epochs=2, batch_size=32, verbose=0)


def test_nothing_is_said_where_training_works_or_inputs_are_scaled():
    adam = {"optimizer": "adam", "learning_rate": 0.01}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(X, CLASSES, 3)
        trained(X, RNG.integers(0, 3, 400), 3)  # nothing to learn
        trained(20 * X, CLASSES, 3, **adam)
        few = fastbp.Model([5, 3], seed=0, learning_rate=1e-7)
        few.fit(2000 + X, CLASSES, epochs=1, batch_size=400, verbose=0)  # one step
        fastbp.Model([5, 3], seed=0).fit(2000 + X, CLASSES, epochs=0, verbose=0)
        trained(20 * X, np.zeros(400, int), 3, **adam)  # one class is learned by a constant
        rare = (X.sum(1) > 3).astype(int)  # the most frequent class is nearly always right
        trained(20 * X, rare, 2, **adam)


def test_an_error_of_divergence_names_inputs_that_are_not_scaled():
    with pytest.raises(
        fastbp.DivergenceError, match="scale the inputs, or .*The inputs .* is 197.*input_scale to 1 over"
    ):
        trained(200 * X, CLASSES, 3)
    with pytest.raises(fastbp.DivergenceError, match=r"scale the inputs, or change a setting of SGD\(.*\)$"):
        trained(X, X[:, 0], 1, loss="squared_error", learning_rate=1e6)


def test_an_error_of_divergence_names_targets_that_are_not_scaled():
    with pytest.raises(
        fastbp.DivergenceError, match="root mean square of y is 3.1.e.05, the first predictions are near"
    ):
        trained(X, X[:, 0] * 1e5 + 3e5, 1, loss="squared_error")
    with pytest.raises(fastbp.DivergenceError, match="The inputs of the network are not scaled"):
        trained(200 * X, X[:, 0] * 1e5 + 3e5, 1, loss="squared_error")  # one thing at a time


def test_the_root_mean_square_is_that_of_the_networks_inputs():
    data = Labelled(Samples(np.array([[1.0, 3.0]] * 3), shift=1.0, scale=np.array([1.0, 2.0])), np.zeros(3, int))
    assert unscaled.rms(data, np.dtype(np.float64)) == pytest.approx(np.sqrt(16 / 2))
