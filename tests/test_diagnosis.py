"""The diagnosis: planted problems are found, each alone, and a healthy network has none."""

import pickle

import numpy as np
import pytest

import fastbp
from fastbp.inspection.diagnosis import diagnose
from fastbp.optimizers import SGD


@pytest.fixture
def data(rng):
    X = rng.standard_normal((300, 20))
    return X, (X @ rng.standard_normal((20, 3))).argmax(1)


def model(hidden=(32, 32), **settings):
    return fastbp.Model([20, *hidden, 3], seed=2, **settings)


def problems(diagnosis):
    return {problem for problem, _, _ in diagnosis.findings}


def scaled(model, factor, layers=slice(None)):
    for W, _ in model.parameters[layers]:
        W *= factor
    return model


# ---- healthy


@pytest.mark.parametrize("epochs", [0, 1, 30])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "adam"},
        {"optimizer": "adamw"},
        {"optimizer": "rmsprop"},
        {"optimizer": SGD(0.02, momentum=0.9)},
        {"activation": "tanh", "initializer": "glorot_normal"},
        {"activation": "logistic", "initializer": "glorot_normal"},
        {"activation": "gelu"},
        {"dropout": 0.3},
        {"hidden": [32] * 8},
        {"hidden": [200, 10]},
        {"hidden": []},
        {"dtype": "float64", "l2": 0.001, "clip_norm": 1.0},
    ],
    ids=str,
)
def test_healthy_networks_have_no_findings(data, settings, epochs):
    m = model(**settings)
    m.fit(*data, epochs=epochs, batch_size=32, verbose=0)
    diagnosis = diagnose(m, *data)
    assert not diagnosis.findings, str(diagnosis)
    assert str(diagnosis).endswith("No problem found.")


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson"])
def test_every_loss(data, loss):
    X, y = data
    m = model(loss=loss, learning_rate=0.01)
    m.fit(X, np.eye(3)[y], epochs=1, verbose=0)
    assert not diagnose(m, X, np.eye(3)[y], sample_weight=np.linspace(0, 1, 300)).findings


def test_what_is_learned_is_not_called_too_slow(rng):
    X = rng.standard_normal((200, 20))
    m = fastbp.Model([20, 3], seed=2, loss="squared_error", dtype="float64")
    Y = X @ rng.standard_normal((20, 3)) + rng.standard_normal((200, 3))
    m.fit(X, Y, epochs=3000, batch_size=200, verbose=0)
    diagnosis = diagnose(m, X, Y)
    assert diagnosis.layers[0].update < 1e-5 and not diagnosis.findings


# ---- planted, one at a time


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_vanishing_gradients(data, kernels):
    diagnosis = diagnose(model([32] * 8, activation="logistic", kernels=kernels), *data)
    assert problems(diagnosis) == {"vanishing gradients"}
    assert diagnosis.findings[0].layer == 1
    assert all(layer.passed < 0.6 for layer in diagnosis.layers[:-1])


def test_exploding_gradients(data):
    diagnosis = diagnose(scaled(model([32] * 4), 6), *data)
    assert problems(diagnosis) == {"exploding gradients"} and diagnosis.findings[0].layer == 1
    assert all(layer.passed > 3 for layer in diagnosis.layers[:-1])


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e30])
def test_numbers_that_are_not_finite(data, number):
    m = model([32] * 4)
    m.parameters[2][0][...] = number
    diagnosis = diagnose(m, *data)
    assert problems(diagnosis) == {"exploding gradients"}
    assert "finite" in str(diagnosis) or number == 1e30


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_paralysis(data, activation):
    diagnosis = diagnose(scaled(model([32] * 3, activation=activation), 40), *data)
    assert problems(diagnosis) == {"paralysis"}
    assert [layer for _, layer, _ in diagnosis.findings] == [1, 2, 3]
    assert all(layer.saturated > 0.5 for layer in diagnosis.layers[:-1])


def test_dead_units(data):
    m = model()
    m.parameters[1][1][...] = -100
    diagnosis = diagnose(m, *data)
    assert [found[:2] for found in diagnosis.findings] == [("dead units", 2)]
    assert diagnosis.layers[1].dead == 1 and diagnosis.layers[0].dead < 0.2
    assert not diagnose(m, data[0][:31], data[1][:31]).findings[0][0] == "dead units"  # too few rows to tell


def test_zeros_are_not_dead_where_the_derivative_is_1():
    m = fastbp.Model([4, 8, 2], seed=1)  # t = 0 in all rows, F'(0) = 1
    assert diagnose(m, np.zeros((40, 4)), np.arange(40) % 2).layers[0].dead == 0


RATES = {"sgd": (100, 1e-7), "adam": (10, 1e-8), "adamw": (10, 1e-8), "rmsprop": (10, 1e-8)}


@pytest.mark.parametrize("optimizer", RATES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_learning_rates(data, optimizer, dtype):
    high, low = RATES[optimizer]
    settings = {"optimizer": optimizer, "dtype": dtype}
    assert problems(diagnose(model(learning_rate=high, **settings), *data)) == {"learning rate too high"}
    assert problems(diagnose(model(learning_rate=low, **settings), *data)) == {"learning rate too low"}
    assert problems(diagnose(model(learning_rate=0, **settings), *data)) == {"learning rate too low"}


def test_limits_of_the_gradient_are_counted(data):
    X, y = data
    assert problems(diagnose(model(learning_rate=100), X, y)) == {"learning rate too high"}
    assert not diagnose(model(learning_rate=100, clip_norm=1e-3), X, y).findings
    assert problems(diagnose(model(clip_norm=1e-6), X, y)) == {"learning rate too low"}


# ---- numbers


def test_numbers_by_hand(data):
    X, y = data
    m = model([7], dtype="float64", optimizer=SGD(0.2, momentum=0.5), l2=0.1)
    diagnosis = diagnose(m, X, y)
    E, gradients = m.gradients(X, y)
    assert diagnosis.loss == pytest.approx(E)
    h = np.maximum(X @ m.parameters[0][0] + m.parameters[0][1], 0)
    rms = [np.sqrt((array**2).mean()) for array in (X, h, h @ m.parameters[1][0])]
    for layer, (W, _), (dW, _), size, before in zip(
        diagnosis.layers, m.parameters, gradients, rms[1:], rms, strict=False
    ):
        assert layer.h == pytest.approx(size) and layer.growth == pytest.approx(size / before)
        assert layer.W == pytest.approx(np.sqrt((W**2).mean())) and layer.dW == pytest.approx(np.sqrt((dW**2).mean()))
        assert layer.update == pytest.approx(0.4 * layer.dW / layer.W)
    first, last = diagnosis.layers
    assert first.passed == first.arrived == pytest.approx(first.dt * np.sqrt(7) / (last.dt * np.sqrt(3)))
    assert (last.passed, last.arrived, last.dead, last.saturated) == (None, 1, None, None)
    assert (first.activation, last.activation, first.units, last.units) == ("relu", "softmax", 7, 3)


@pytest.mark.parametrize("optimizer", [{"name": "sgd", "learning_rate": 0.2, "momentum": 0.5}, {"name": "adam"}])
def test_the_update_is_that_of_rate_factors_and_ntk(data, optimizer):
    X, y = data
    optimizer = optimizer | {"parametrization": "ntk", "rate_factors": {"W": 3}}
    m = model([7], dtype="float64", optimizer=optimizer, scaling_layer=True)
    for layer, (W, _), (dW, _) in zip(diagnose(m, X, y).layers, m.parameters, m.gradients(X, y)[1], strict=True):
        sizes = np.sqrt((W**2).mean()), np.sqrt((dW**2).mean())
        step = 0.4 * sizes[1] / len(W) if m.optimizer.name == "sgd" else m.learning_rate / len(W) ** 0.5
        assert layer.update == pytest.approx(3 * step / sizes[0])


def test_text_names_thresholds_and_options(data):
    text = str(diagnose(model([32] * 8, activation="logistic"), *data))
    lines = text.splitlines()
    assert len({len(line) for line in lines[:10]}) == 1  # a table: a head and nine layers
    assert lines[-1].startswith("1. Vanishing gradients: at layer 1") and "0.01" in lines[-1] and "'relu'" in lines[-1]


def test_the_model_is_left_to_the_bit(data):
    m = model(optimizer="adam", learning_rate=10, dropout=0.5)
    m.fit(*data, epochs=1, verbose=0)
    before = pickle.dumps(m)
    diagnose(m, *data)
    assert pickle.dumps(m) == before


def test_bad_input_is_refused(data):
    X, y = data
    with pytest.raises(ValueError, match="X must have 20 columns"):
        diagnose(model(), X[:, 1:], y)
    with pytest.raises(ValueError, match="finite"):
        diagnose(model(), np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match="y must"):
        diagnose(model(), X, y[1:])
