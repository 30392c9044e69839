"""The range test: a learning rate below the stable limit and not far from it, and a model left as it was."""

import pickle

import numpy as np
import pytest

import fastbp
from fastbp import find_learning_rate
from fastbp.execution.fast_plan import FastPlan

EVERY = [
    {"kernels": kernels, "optimizer": optimizer}
    for kernels in ("fast", "elementwise")
    for optimizer in ("sgd", "adam", "adamw", "rmsprop")
] + [
    {"optimizer": fastbp.optimizers.SGD(momentum=0.9)},
    {"dropout": 0.2},
    {"l2": 0.01, "clip_norm": 1.0},
    {"kernels": "elementwise", "dropout": 0.2},
]


def quadratic(rng, spread, rows=256):
    """A linear network with squared error, whose Hessian's eigenvalues lie in `spread`, and the least stable limit."""
    n = len(spread)
    Q, _ = np.linalg.qr(rng.standard_normal((rows, n)))
    V, _ = np.linalg.qr(rng.standard_normal((n, n)))
    X = Q * np.sqrt(rows * np.asarray(spread)) @ V.T
    with_ones = np.column_stack([X, np.ones(rows)])
    largest = np.linalg.eigvalsh(with_ones.T @ with_ones / rows)[-1]
    return X, X @ rng.standard_normal((n, 1)), 2 / largest


def linear(seed=0, **settings):
    return fastbp.Model([8, 1], loss="squared_error", dtype="float64", seed=seed, **settings)


def classes(rng):
    X = rng.standard_normal((300, 6))
    return X, (X @ rng.standard_normal((6, 3))).argmax(1)


SPREADS = {
    "round": [1] * 8,
    "long": np.geomspace(1, 1e-2, 8),
    "very long": np.geomspace(1, 1e-4, 8),
    "one steep": [30, *[1] * 7],
    "one weak": [1, *[1e-3] * 7],
    "large": [300] * 8,
}


@pytest.mark.parametrize("spread", SPREADS.values(), ids=SPREADS)
@pytest.mark.parametrize("batch_size", [256, 32])
@pytest.mark.parametrize("noise", [0, 1])
def test_the_suggestion_is_below_the_stable_limit_and_within_a_factor_of_100(rng, spread, batch_size, noise):
    X, Y, limit = quadratic(rng, spread)
    Y = Y + noise * rng.standard_normal(Y.shape)
    for seed in range(4):
        found = find_learning_rate(linear(seed), X, Y, batch_size=batch_size, seed=seed)
        assert limit / 100 < found.suggestion < limit, (seed, str(found))
        model = linear(seed, learning_rate=found.suggestion)
        before = model.evaluate(X, Y)["loss"]
        history = model.fit(X, Y, epochs=20, batch_size=batch_size, verbose=0)
        assert history.loss[-1] < before


def test_the_curve(rng):
    X, Y, limit = quadratic(rng, [1] * 8)
    found = find_learning_rate(linear(), X, Y, lowest=1e-5, highest=100, steps=60, batch_size=64)
    n = len(found.rates)
    assert len(found.losses) == len(found.smoothed) == n < 60
    assert np.isfinite(found.losses).all() and np.isfinite(found.smoothed).all()
    np.testing.assert_allclose(found.rates, np.geomspace(1e-5, 100, 60)[:n], rtol=1e-12)
    assert found.diverged_at == found.rates[-1] > limit
    assert found.smoothed[-1] > 4 * found.smoothed.min()
    first = linear().evaluate(X, Y)["loss"]
    np.testing.assert_allclose(found.smoothed[:5], first, rtol=0.1)  # flat, whatever the minibatches
    assert "diverged at" in str(found) and f"{found.suggestion:.3g}" in str(found)


def test_rates_too_small_to_learn_suggest_nothing_and_large_ones_diverge(rng):
    X, Y, limit = quadratic(rng, [1] * 8)
    small = find_learning_rate(linear(), X, Y, lowest=1e-9, highest=1e-8)
    assert np.isnan(small.suggestion) and small.diverged_at is None and len(small.rates) == 100
    assert "no learning rate to suggest" in str(small)
    large = find_learning_rate(linear(), X, Y, lowest=100 * limit, highest=1e9 * limit)
    assert np.isnan(large.suggestion) and large.diverged_at < 1e3 * limit


def test_a_loss_that_is_no_finite_number_is_divergence_too(rng):
    X, y = classes(rng)
    model = fastbp.Model([6, 20, 20, 3], seed=1, loss="squared_error")
    found = find_learning_rate(model, 1e3 * X, np.eye(3)[y], lowest=1e-9, highest=1e20)
    assert found.diverged_at is not None and np.isfinite(found.smoothed).all()


def test_a_model_that_has_gone_astray_is_an_error(rng):
    X, y = classes(rng)
    model = fastbp.Model([6, 3], seed=1)
    model.parameters[0][0][...] = np.nan
    with pytest.raises(ArithmeticError):
        find_learning_rate(model, X, y)


@pytest.mark.parametrize("settings", EVERY, ids=lambda settings: "-".join(map(str, settings.values())))
def test_every_kind_is_left_to_the_bit_and_found_again_to_the_bit(rng, settings):
    X, y = classes(rng)
    model = fastbp.Model([6, 12, 3], seed=1, **settings)
    model.fit(X, y, epochs=2, verbose=0)
    before, rate = pickle.dumps(model), model.learning_rate
    found = find_learning_rate(model, X, y, batch_size=32, steps=40)
    assert pickle.dumps(model) == before and model.learning_rate == rate
    again = find_learning_rate(model, X, y, batch_size=32, steps=40)
    other = find_learning_rate(model, X, y, batch_size=32, steps=40, seed=1)
    assert found.losses.tobytes() == again.losses.tobytes() and repr(found.suggestion) == repr(again.suggestion)
    assert found.losses.tobytes() != other.losses.tobytes()
    copy = pickle.loads(before)
    for trained in (model, copy):
        trained.fit(X, y, epochs=1, verbose=0)
    assert pickle.dumps(model) == pickle.dumps(copy)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "absolute_error", "huber", "poisson"])
def test_every_loss_and_weights(rng, loss):
    X, y = classes(rng)
    target = y if loss == "cross_entropy" else np.eye(3)[y]
    model = fastbp.Model([6, 12, 3], seed=1, loss=loss)
    found = find_learning_rate(model, X, target, batch_size=64, sample_weight=np.linspace(0, 1, 300))
    assert 1e-5 < found.suggestion < 1


def test_rows_of_weight_zero_play_no_part(rng):
    X, y = classes(rng)
    w = np.repeat([1.0, 0.0], 150)
    model = fastbp.Model([6, 3], seed=1)
    wild = X.copy()
    wild[150:] = 1e4
    one, other = (find_learning_rate(model, some, y, batch_size=50, sample_weight=w) for some in (X, wild))
    assert one.losses.tobytes() == other.losses.tobytes()


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_breaks_the_test_off_leaves_the_model(rng, monkeypatch, error):
    X, y = classes(rng)
    model = fastbp.Model([6, 12, 3], seed=1, optimizer="adam")
    before, train_epoch, calls = pickle.dumps(model), FastPlan.train_epoch, []

    def broken(self, *arguments):
        calls.append(1)
        if len(calls) > 30:
            raise error
        yield from train_epoch(self, *arguments)

    monkeypatch.setattr(FastPlan, "train_epoch", broken)
    with pytest.raises(error):
        find_learning_rate(model, X, y)
    assert pickle.dumps(model) == before


def test_bad_settings_are_refused(rng):
    X, y = classes(rng)
    model = fastbp.Model([6, 3], seed=1)
    for settings, error, message in (
        ({"lowest": 0}, ValueError, "lowest must be above 0"),
        ({"highest": "1"}, TypeError, "highest must be a number"),
        ({"lowest": 1.0, "highest": 1.0}, ValueError, "highest must be above lowest, 1, got 1"),
        ({"steps": 19}, ValueError, "steps must be at least 20"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"seed": -1}, ValueError, "seed"),
        ({"sample_weight": [1.0]}, ValueError, "sample_weight"),
    ):
        with pytest.raises(error, match=message):
            find_learning_rate(model, X, y, **settings)
    with pytest.raises(ValueError, match="y must"):
        find_learning_rate(model, X, y[:-1])
