"""fastbp.sklearn's estimators with every activation, loss and optimizer there is, and with functions of a user's."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from test_own_functions import BENT, SILU, SQUARE  # noqa: E402

import fastbp  # noqa: E402
from fastbp.kernels.activations import ACTIVATIONS  # noqa: E402
from fastbp.kernels.optimizers import OPTIMIZERS  # noqa: E402
from fastbp.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = {"hidden_layer_sizes": (11, 5), "max_iter": 4, "random_state": 3, "batch_size": 32}
X = np.random.default_rng(0).standard_normal((150, 7))
CLASSES, NUMBERS = X[:, :3].argmax(1), X[:, :2] ** 2


def same(one, other):
    for a, b in zip([*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_the_models(name):
    estimator = MLPClassifier(**SETTINGS, activation=name).fit(X, CLASSES)
    same(estimator, MLPClassifier(**SETTINGS, activation=ACTIVATIONS[name]).fit(X, CLASSES))
    for alias in ACTIVATIONS[name].elsewhere.aliases:
        same(estimator, MLPClassifier(**SETTINGS, activation=alias).fit(X, CLASSES))
    model = fastbp.Model.from_sklearn(estimator)
    assert [F.name for F in model.network.activations] == [name, name, "identity"]
    np.testing.assert_allclose(model.predict_proba(X), estimator.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_solvers_train(solver):
    estimator = MLPRegressor(**SETTINGS, solver=solver).fit(X, NUMBERS)
    estimator.partial_fit(X, NUMBERS)
    assert np.isfinite(estimator.loss_) and estimator.solver == solver
    assert fastbp.Model.from_sklearn(estimator).optimizer.name == solver


def test_losses_by_name_and_as_objects():
    for name, loss in {"poisson": "Poisson", "log_cosh": "LogCosh", "huber": "Huber"}.items():
        named = MLPRegressor(**SETTINGS, loss=name).fit(X, NUMBERS)
        same(named, MLPRegressor(**SETTINGS, loss=getattr(fastbp.losses, loss)()).fit(X, NUMBERS))
    same(MLPRegressor(**SETTINGS, loss=SQUARE).fit(X, NUMBERS), MLPRegressor(**SETTINGS).fit(X, NUMBERS))
    named = MLPRegressor(**SETTINGS, loss="huber", delta=0.25).fit(X, NUMBERS)
    same(named, MLPRegressor(**SETTINGS, loss=fastbp.losses.Huber(0.25)).fit(X, NUMBERS))
    with pytest.raises(ValueError, match="loss must be one of numbers for a regressor, got CrossEntropy"):
        MLPRegressor(loss=fastbp.losses.CrossEntropy()).fit(X, NUMBERS)


# ---- functions of a user's


def test_they_train_clone_copy_and_pickle():
    estimator = MLPRegressor(**SETTINGS, activation=[BENT, "tanh"], loss=SQUARE)
    cloned = clone(estimator)
    assert cloned.get_params()["activation"] == [BENT, "tanh"] and cloned.loss == SQUARE
    same(estimator.fit(X, NUMBERS), cloned.fit(X, NUMBERS))
    for twin in copy.deepcopy(estimator), pickle.loads(pickle.dumps(estimator)):
        same(twin, estimator)
        np.testing.assert_array_equal(twin.predict(X), estimator.predict(X))
    model = fastbp.Model.from_sklearn(estimator)
    assert model.network.activations[0] == BENT and model.loss == SQUARE
    np.testing.assert_allclose(model.predict(X), estimator.predict(X), rtol=1e-12)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_they_are_searched_for(n_jobs):
    grid = {"activation": [BENT, "relu", fastbp.activations.Activation("ramp", lambda t: t / 2, lambda t: 0.5)]}
    search = GridSearchCV(MLPClassifier(**SETTINGS), grid, cv=2, n_jobs=n_jobs, error_score="raise").fit(X, CLASSES)
    assert search.best_params_["activation"] in grid["activation"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_lbfgs_has_them_too():
    one, other = (MLPRegressor(**SETTINGS, solver="lbfgs", activation=F).fit(X, NUMBERS) for F in (SILU, "silu"))
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-4)


# ---- slopes that are trained


def test_slopes_are_fitted_attributes():
    estimator = MLPClassifier(**SETTINGS, activation=["prelu", "tanh"]).fit(X, CLASSES)
    (a,) = estimator.slopes_
    assert a.shape == (11,) and (a != 0.25).all() and not estimator.gains_
    before = a.copy()
    estimator.partial_fit(X, CLASSES)
    assert (estimator.slopes_[0] != before).all()
    again = MLPClassifier(**SETTINGS, activation="prelu", layer_norm=[False, True])
    again.fit(X, CLASSES)
    assert [a.shape for a in again.slopes_] == [(11,), (5,)] and [g.shape for g in again.gains_] == [(5,)]
    model = fastbp.Model.from_sklearn(again)
    assert [len(layer) for layer in model.parameters] == [3, 5, 2]
    np.testing.assert_array_equal(model.parameters[1][4], again.slopes_[1])
    np.testing.assert_allclose(model.predict_proba(X), again.predict_proba(X), rtol=1e-12)
    assert not MLPClassifier(**SETTINGS).fit(X, CLASSES).slopes_


def test_early_stopping_keeps_the_best_slopes():
    settings = SETTINGS | {"max_iter": 60, "learning_rate_init": 0.05, "n_iter_no_change": 5}
    estimator = MLPClassifier(**settings, activation="prelu", early_stopping=True, scoring="loss")
    estimator.fit(X, CLASSES, X_val=X[:40], y_val=CLASSES[:40])
    best = int(np.argmax(estimator.validation_scores_)) + 1
    assert best < estimator.n_iter_
    same_far = MLPClassifier(**settings | {"max_iter": best}, activation="prelu").fit(X, CLASSES)
    for a, b in zip(estimator.slopes_, same_far.slopes_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_lbfgs_refuses_slopes():
    for F in "prelu", ["tanh", "prelu"]:
        with pytest.raises(ValueError, match="activation prelu must not be given for solver 'lbfgs'"):
            MLPClassifier(**SETTINGS, solver="lbfgs", activation=F).fit(X, CLASSES)
