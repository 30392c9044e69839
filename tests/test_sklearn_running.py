"""While an estimator is fitted, other calls meet none of what that fit keeps to itself."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_use import Meanwhile

pytest.importorskip("sklearn")
from sklearn.base import clone

from fastbp.activations import LOGISTIC
from fastbp.sklearn import MLPClassifier, MLPRegressor

X = np.random.default_rng(0).standard_normal((60, 4))
y = (X.sum(axis=1) > 0).astype(int)
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def in_a_thread(call, *arguments):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call, *arguments).result()


def make(**settings):
    return MLPClassifier((6,), max_iter=3, random_state=0, **settings)


@pytest.mark.parametrize("solver", ["adam", "lion"])
@pytest.mark.parametrize("run", [in_a_thread, lambda call, *arguments: call(*arguments)])
def test_parameters_and_attributes_are_the_users_own_all_the_time(solver, run):
    plain, public = make(solver=solver, activation=LOGISTIC).fit(X, y), []

    def meanwhile():
        assert run(estimator.get_params) == before
        assert clone(estimator).solver == solver
        public.append({name for name in vars(estimator) if name not in vars(plain)})

    class Random(np.random.RandomState):
        def uniform(self, *arguments):
            meanwhile()
            return super().uniform(*arguments)

    estimator = make(solver=solver, activation=LOGISTIC, schedule=Meanwhile(meanwhile))
    estimator.set_params(random_state=Random(0))
    before = estimator.get_params()
    estimator.fit(X, y)
    assert public and not set.union(*public)
    assert all(np.array_equal(a, b) for a, b in zip(estimator.coefs_, plain.coefs_, strict=True))


@pytest.mark.parametrize("solver", ["sgd", "lion"])
@pytest.mark.parametrize("run", [in_a_thread, lambda call, *arguments: call(*arguments)])
def test_partial_fit_beside_fit(solver, run):
    """It takes its own solver, and knows nothing of the validation data of `fit`."""
    told = []

    def meanwhile():
        run(estimator.partial_fit, X, y)
        told.append(list(estimator.validation_loss_curve_))

    estimator = make(solver=solver, schedule=Meanwhile(meanwhile))
    estimator.fit(X, y, X_val=X[:20], y_val=y[:20])
    assert told == [[]]
    assert estimator.solver == solver and np.isfinite(estimator.coefs_[0]).all()


@pytest.mark.parametrize(
    "estimator", [make(solver="lbfgs"), MLPRegressor(hidden_layer_sizes=(6,), solver="lbfgs", max_iter=3)]
)
def test_lbfgs_keeps_its_plan_to_itself(monkeypatch, estimator):
    names, loss = [], type(estimator)._loss

    def watched(self, sums):
        names.append(set(vars(self)))
        return loss(self, sums)

    monkeypatch.setattr(type(estimator), "_loss", watched)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y)
    assert names and set.union(*names) <= set(vars(estimator))


def test_logistic_weights_are_drawn_alike_by_name_and_object():
    by_name, by_object = make(activation="logistic").fit(X, y), make(activation=LOGISTIC).fit(X, y)
    for a, b in zip(by_name.coefs_ + by_name.intercepts_, by_object.coefs_ + by_object.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
