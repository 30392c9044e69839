"""Large weights of estimators stand in memory once while they are trained, and are all there before and after."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from test_csr import random

import fastbp
from fastbp.execution import packed
from fastbp.execution.fast_plan import FastPlan
from fastbp.model import initializers

sklearn = pytest.importorskip("sklearn.neural_network")
import fastbp.sklearn as ours  # noqa: E402
from fastbp.sklearn import steps  # noqa: E402

PROC = Path("/proc/self")


@pytest.fixture
def all_are_large(monkeypatch):
    monkeypatch.setattr(steps, "LARGE", 0)
    monkeypatch.setattr(packed, "HUGE", 0)


def fitted(made, *data, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made.fit(*data, **more)


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("sizes", [(60_003, 37, 3), (2 * packed.MOVED_ROWS, 16, 3), (5, 7, 3), (1, 1)])
def test_weights_and_state_come_out_of_panels_as_they_went_in(sizes, last, dtype, rng):
    network, kind = fastbp.Model([1, 2], layer_norm=False).network, np.dtype(dtype)
    network = fastbp.network.Network(sizes, network.activation, network.loss)
    plan = FastPlan(network, kind, fastbp.optimizers.Adam(), None)
    flat, m, v = rng.standard_normal((3, network.n_parameters)).astype(dtype)
    layers = network.views(flat)
    plan.load_layers(layers)
    plan.set_slots({"m": m, "v": v})
    found = [(np.zeros(W.shape, kind, order="F"), np.zeros(b.shape, "float64")) for W, b in layers]
    plan.store_layers(found, last)
    for mine, its in zip(found, layers, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, its, strict=True))
    slots = plan.get_slots(last)
    assert np.array_equal(slots["m"], m) and np.array_equal(slots["v"], v)
    assert bool(plan.slots) == (not last)


@pytest.mark.parametrize("name", ["he_normal", "glorot_uniform", "orthogonal"])
def test_weights_drawn_some_rows_at_a_time_are_those_drawn_at_once(name, dtype, monkeypatch):
    at_once = initializers.weights(name, (37, 11), np.random.default_rng(5)).astype(dtype)
    for drawn in (1, 11, 40):
        monkeypatch.setattr(initializers, "DRAWN", drawn)
        found = initializers.weights(name, (37, 11), np.random.default_rng(5), np.dtype(dtype))
        assert found.dtype == dtype and np.array_equal(found, at_once)
    chance = np.random.default_rng(5)
    if name == "he_normal":
        assert np.array_equal(at_once, (chance.standard_normal((37, 11)) * np.sqrt(2 / 37)).astype(dtype))


@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_weights_of_estimators_are_drawn_as_scikit_learn_does(activation, dtype, monkeypatch):
    X, y = random(30, 37).toarray().astype(dtype), np.arange(30) % 3
    theirs = sklearn.MLPClassifier((11,), activation=activation, random_state=4, max_iter=1, learning_rate_init=1e-30)
    its = fitted(theirs, X, y)
    for drawn in (1, 40, 1000):
        monkeypatch.setattr(initializers, "DRAWN", drawn)
        mine = fitted(ours.MLPClassifier(**theirs.get_params()), X, y)
        for name in ("coefs_", "intercepts_"):
            pairs = zip(getattr(mine, name), getattr(its, name), strict=True)
            assert all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def ways(X, y):
    """Estimators trained in all ways in which weights are read or kept meanwhile."""
    settings = {"hidden_layer_sizes": (9,), "random_state": 0, "max_iter": 4}
    yield fitted(ours.MLPClassifier(**settings), X, y)
    yield fitted(ours.MLPClassifier(early_stopping=True, **settings), X, y)
    yield fitted(ours.MLPClassifier(solver="sgd", **settings), X, y, X_val=X[:40], y_val=y[:40])
    yield fitted(ours.MLPRegressor(layer_norm=True, activation="prelu", **settings), X, y)
    more = fitted(ours.MLPClassifier(warm_start=True, **settings), X, y)
    yield fitted(more, X, y).partial_fit(X, y).partial_fit(X, y)

    class Watched(ours.MLPClassifier):
        def _update_no_improvement_count(self, *arguments):
            self.seen = [*getattr(self, "seen", []), self.coefs_[0].copy()]
            super()._update_no_improvement_count(*arguments)

    yield fitted(Watched(**settings), X, y)


def test_the_same_is_trained(request, rng):
    X, y = random(90, 41), rng.integers(0, 3, 90)
    expected = list(ways(X, y))
    request.getfixturevalue("all_are_large")
    for mine, its in zip(ways(X, y), expected, strict=True):
        for name in ("coefs_", "intercepts_", "loss_curve_", "gains_", "slopes_", "seen"):
            pairs = zip(getattr(mine, name, []), getattr(its, name, []), strict=True)
            assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs), name
        if its.solver == "adam":
            assert all(np.array_equal(a, b) for a, b in zip(mine._optimizer.ms, its._optimizer.ms, strict=True))


@pytest.mark.usefixtures("all_are_large")
def test_weights_that_users_hold_are_trained_in_place(rng):
    X, y = random(90, 41), rng.integers(0, 3, 90)
    estimator = fitted(ours.MLPClassifier((9,), random_state=0, max_iter=2, warm_start=True), X, y)
    W, b = estimator.coefs_[0], estimator.coefs_[1][:2]
    before = W.copy(), b.copy()
    fitted(estimator, X, y)
    assert W is estimator.coefs_[0] and np.shares_memory(b, estimator.coefs_[1])
    assert not np.array_equal(W, before[0]) and not np.array_equal(b, before[1])


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_what_was_reached(error, rng):
    X, y = random(90, 41), rng.integers(0, 3, 90)

    class Ends(ours.MLPClassifier):
        def _stops(self):
            if self.n_iter_ == 2:
                raise error

    estimator = Ends((9,), random_state=0, max_iter=5)
    if error is RuntimeError:
        with pytest.raises(RuntimeError):
            fitted(estimator, X, y)
    else:
        fitted(estimator, X, y)
    expected = fitted(ours.MLPClassifier((9,), random_state=0, max_iter=2), X, y)
    assert all(np.array_equal(a, b) for a, b in zip(estimator.coefs_, expected.coefs_, strict=True))


@pytest.mark.usefixtures("all_are_large")
def test_rows_that_are_refused_leave_the_weights(rng):
    X, y = random(90, 41), rng.integers(0, 3, 90)
    estimator = fitted(ours.MLPClassifier((9,), random_state=0, max_iter=2, warm_start=True), X, y)
    before = [W.copy() for W in estimator.coefs_]
    with pytest.raises(ValueError, match="must not sum to 0 over a minibatch"):
        fitted(estimator.set_params(batch_size=10, shuffle=False), X, y, np.r_[np.zeros(10), np.ones(80)])
    assert all(np.array_equal(a, b) for a, b in zip(estimator.coefs_, before, strict=True))


def test_a_fit_takes_memory_for_weights_and_state_alone(rng):
    X, y = random(60, 60_000, share=1e-3), rng.integers(0, 3, 60)
    fitted(ours.MLPClassifier((100,), random_state=0, max_iter=1), X[:, :1000], y)
    before = _memory("VmRSS")
    if before:
        (PROC / "clear_refs").write_text("5")  # the peak begins anew
    estimator = fitted(ours.MLPClassifier((100,), random_state=0, max_iter=1), X, y)
    size = estimator.coefs_[0].nbytes  # of which Adam has two more
    assert _memory("VmHWM") - before < 3.6 * size


def _memory(name):
    """Bytes of this process in memory, or 0 where the system does not tell."""
    status = PROC / "status"
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name)), 0)
