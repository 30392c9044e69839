"""Optimizers: steps by hand and in numpy, the same steps after a save, a copy or an error, and on several threads."""

import copy
import math
import pickle

import numpy as np
import pytest

import fastbp
from fastbp import optimizers
from fastbp.kernels.optimizers import OPTIMIZERS

KERNELS = "fast", "elementwise"
LINEAR = fastbp.losses.PointLoss("linear_error", lambda z, y: y * z, lambda z, y: y)  # one object: compiled once


def flat(model):
    return np.concatenate([array.ravel() for layer in model.parameters for array in layer])


class Gradients:
    """A network of one weight and one bias whose gradients are what is asked for: E = g t of one row x = 0, or 1."""

    def __init__(self, optimizer, kernels, dtype="float64"):
        self.model = fastbp.Model([1, 1], loss=LINEAR, optimizer=optimizer, dtype=dtype, kernels=kernels)
        for array in self.model.parameters[0]:
            array[...] = 0

    def step(self, gradient):
        self.model.fit([[1.0]], [[gradient]], epochs=1, verbose=0)
        return float(self.model.parameters[0][1][0])


def lion(gradients, alpha=1e-4, b1=0.9, b2=0.99, decay=0.0, W=0.0):
    """Chen et al., 2023, algorithm 2."""
    m = 0.0
    for g in gradients:
        W -= alpha * (np.sign(b1 * m + (1 - b1) * g) + decay * W)
        m = b2 * m + (1 - b2) * g
        yield W


def adam(gradients, alpha=0.001, b1=0.9, b2=0.999, eps=1e-8, decay=0.0, after=False, W=0.0):
    """Kingma and Ba, 2015, algorithm 1 if `after`, else as at the end of section 2; decay is AdamW's."""
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        divisor = math.sqrt(v / (1 - b2**t)) + eps if after else (math.sqrt(v) + eps) / math.sqrt(1 - b2**t)
        W -= alpha * (m / (1 - b1**t) / divisor + decay * W)
        yield W


def nadam(gradients, alpha=0.001, b1=0.9, b2=0.999, eps=1e-8, W=0.0):
    """Dozat, 2016, in the terms of PyTorch's documentation."""
    m = v = 0.0
    product = 1.0
    for t, g in enumerate(gradients, 1):
        now, later = (b1 * (1 - 0.96 ** (0.004 * step) / 2) for step in (t, t + 1))
        product *= now
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        m_hat = later * m / (1 - product * later) + (1 - now) * g / (1 - product)
        W -= alpha * m_hat / (math.sqrt(v / (1 - b2**t)) + eps)
        yield W


LARGE = {"learning_rate": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.25}
DECAYING = LARGE | {"weight_decay": 0.125}
AFTER = {"epsilon_after_correction": True}
REFERENCES = {
    "adam": [({}, adam), (LARGE, adam), (LARGE | AFTER, adam)],
    "adamw": [(DECAYING, adam), (DECAYING | AFTER, adam)],
    "nadam": [({}, nadam), (LARGE, nadam)],
    "lion": [({}, lion), ({"learning_rate": 0.5, "beta_1": 0.5, "beta_2": 0.25, "weight_decay": 0.125}, lion)],
}
QUARTERS = {"learning_rate": 1.0, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.5}  # of g = 2: m = 1, m / (1/2) = 2
BY_HAND = [  # settings, gradients, W after each step from W = 0
    (optimizers.Adam(**QUARTERS), [2], [-2 / 3]),  # v = 1, and (1 + 1/2) / sqrt(1/4) = 3
    (optimizers.Adam(**QUARTERS, epsilon_after_correction=True), [2], [-0.8]),  # sqrt(1 / (1/4)) + 1/2 = 5/2
    (optimizers.AdamW(**QUARTERS, epsilon_after_correction=True), [2], [-0.8]),
    (optimizers.Lion(1.0, beta_1=0.5, beta_2=0.25), [1, -0.5, -8, 0], [-1, -2, -1, 0]),  # m = 3/4, -3/16, -6.05, ...
    (optimizers.Lion(0.5, weight_decay=1.0), [4, 4], [-0.5, -0.75]),
]
MU = [0.5 * (1 - 0.96 ** (0.004 * t) / 2) for t in (1, 2)]  # of beta_1 = 1/2
BY_HAND.append(  # m = 1, v = 3, sqrt(v / (1 - 1/4)) = 2
    (optimizers.NAdam(1.0, beta_1=0.5, beta_2=0.25, epsilon=1e-300), [2], [-(MU[1] / (1 - MU[0] * MU[1]) + 2) / 2])
)
NAMES = {"alpha": "learning_rate", "b1": "beta_1", "b2": "beta_2", "decay": "weight_decay", "eps": "epsilon"}
NAMES["after"] = "epsilon_after_correction"


@pytest.mark.parametrize("kernels", KERNELS)
def test_steps_by_hand(kernels):
    for optimizer, gradients, wanted in BY_HAND:
        one = Gradients(optimizer, kernels)
        np.testing.assert_allclose([one.step(g) for g in gradients], wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", REFERENCES)
def test_fifty_steps_of_a_reference(name, kernels, dtype):
    draws = np.random.default_rng(2).standard_normal(50)
    for settings, reference in REFERENCES[name]:
        one = Gradients(OPTIMIZERS[name](**settings), kernels, dtype)
        words = {word: settings[NAMES[word]] for word in NAMES if NAMES[word] in settings}
        wanted = list(reference(draws.astype(dtype).astype(float), **words))
        bound = 1e-12 if dtype == np.float64 else 1e-4
        np.testing.assert_allclose([one.step(g) for g in draws], wanted, rtol=0, atol=bound * np.abs(wanted).max())


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", ["Adam", "AdamW", "NAdam"])
def test_steps_are_pytorchs(name, kernels):
    torch = pytest.importorskip("torch")
    net = fastbp.Model([20, 60, 2], "tanh", dtype="float64", seed=3).to_torch()
    ours = {} if name == "NAdam" else AFTER
    optimizer = getattr(optimizers, name)(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3, **ours)
    model = fastbp.Model.from_torch(net, optimizer=optimizer, kernels=kernels)
    steps = getattr(torch.optim, name)(net.parameters(), lr=0.01, betas=(0.8, 0.9), eps=1e-3)
    X, y = data()
    for _ in range(50):
        steps.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.from_numpy(X)), torch.from_numpy(y)).backward()
        steps.step()
        model.fit(X, y, epochs=1, batch_size=len(X), shuffle=False, verbose=0)
    np.testing.assert_allclose(flat(model), flat(fastbp.Model.from_torch(net)), rtol=0, atol=1e-7)


def data(rows=200, columns=20, outputs=2):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((rows, columns))
    return X, (X @ rng.standard_normal((columns, outputs))).argmax(1)


def made(name, kernels="fast", **settings):
    return fastbp.Model([20, 60, 2], optimizer=name, kernels=kernels, seed=3, **settings)


def fit(model, epochs=2, batch_size=48):
    model.fit(*data(), epochs=epochs, batch_size=batch_size, verbose=0)
    return model


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fast_kernels_take_the_steps_of_plain_loops(name, dtype):
    fast, plain = (fit(made(name, kernels, dtype=dtype)) for kernels in KERNELS)
    np.testing.assert_allclose(flat(fast), flat(plain), rtol=0, atol=2e-3 if dtype == np.float32 else 1e-10)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_to_the_bit(name, kernels, tmp_path):
    model = fit(made(name, kernels))
    model.save(tmp_path / "model")
    twins = [fastbp.load(tmp_path / "model"), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    twins.append(made(name, kernels))
    twins[-1].set_state(model.get_state())
    wanted = flat(fit(model))
    for twin in twins:
        np.testing.assert_array_equal(flat(fit(twin)), wanted)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_error_leaves_the_next_steps_as_they_were(name, kernels):
    class Broken(fastbp.callbacks.Callback):
        def on_epoch_end(self, model, logs):
            raise ZeroDivisionError

    model, twin = fit(made(name, kernels)), fit(made(name, kernels))
    X, y = data()
    with pytest.raises(ZeroDivisionError):
        model.fit(X, y, epochs=1, batch_size=48, verbose=0, callbacks=[Broken()])
    bad = X.copy()
    bad[150, 3] = np.nan
    with pytest.raises(ValueError, match="row"):
        model.fit(bad, y, epochs=1, batch_size=48, shuffle=False, verbose=0)
    np.testing.assert_array_equal(flat(fit(model)), flat(fit(twin)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_threads_change_no_bit(name):
    """Minibatches of 192 rows are split into blocks, of which each worker trains a replica."""
    alone, together = (fit(made(name, n_threads=n), 3, 192) for n in (1, 2))
    np.testing.assert_array_equal(flat(alone), flat(together))
    large = [fastbp.Model([20, 300, 300, 2], optimizer=name, seed=3, n_threads=n) for n in (1, 2)]
    np.testing.assert_array_equal(*(flat(fit(model, 1, 100)) for model in large))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_learning_rate_of_nothing_moves_nothing(name):
    model = made(OPTIMIZERS[name](0.0))
    before = flat(model)
    np.testing.assert_array_equal(flat(fit(model)), before)
    assert math.isclose(model.learning_rate, 0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_learns(name):
    model = made(OPTIMIZERS[name](0.002 if name == "lion" else OPTIMIZERS[name]().learning_rate * 5))
    assert fit(model, 30).evaluate(*data())["accuracy"] > 0.97


@pytest.mark.parametrize("kernels", KERNELS)
def test_running_numbers_after_any_number_of_steps(kernels):
    """A product of 2^50 factors below 1 has long come to 0, so none of these steps need be repeated."""
    model = fit(made("nadam", kernels))
    near, far = (fastbp.Model(**model.get_config()) for _ in range(2))
    for twin, steps in ((near, 2_000_000), (far, 2**50)):
        twin.set_state(model.get_state() | {"steps": steps})
        fit(twin)
    np.testing.assert_allclose(flat(near), flat(far), rtol=1e-5)
    assert far.get_state()["steps"] > 2**50
