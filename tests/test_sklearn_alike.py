"""fastbp.sklearn's estimators where scikit-learn's differ from Model: F'(0) of ReLU, dtypes of results."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn_pairs import BOTH, CLASSES, KINDS, NUMBERS, SETTINGS, X, assert_same  # noqa: E402

import fastbp.sklearn  # noqa: E402
from fastbp.kernels.activations import RELU_FROM_BELOW  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ZERO = np.where(np.arange(150)[:, None] % 3, X, 0)  # rows of zeros, and biases of zero: t is 0 exactly


# ---- F'(0) of ReLU


def test_relu_from_below_is_0_at_0_by_hand():
    t = np.array([-2.0, -0.0, 0.0, 1e-300, 3.0, np.nan])
    h = np.array([RELU_FROM_BELOW.f(value) for value in t])
    np.testing.assert_array_equal(h, [0, 0, 0, 1e-300, 3, np.nan])
    assert [RELU_FROM_BELOW.df(value) for value in h[:5]] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("ours_alone", [{}, {"dropout": [1e-12, 0.0]}], ids=["fused", "as a pass"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("name", KINDS)
def test_relu_has_scikit_learns_derivative_at_0(name, solver, ours_alone):
    if ours_alone and solver == "lbfgs":
        ours_alone = {}  # which it refuses
    y, found = KINDS[name], []
    for module in BOTH:
        settings = SETTINGS | {"solver": solver, "learning_rate_init": 0.01, "shuffle": False}
        more = ours_alone if module is fastbp.sklearn else {}
        estimator = getattr(module, name)(**settings, **more, warm_start=True, alpha=0, tol=0)
        estimator.set_params(max_iter=1)
        if solver == "lbfgs":
            estimator.set_params(solver="adam").fit(X, y).set_params(solver="lbfgs", max_iter=3)
        else:
            estimator.fit(X, y)
        for b in estimator.intercepts_:
            b[:] = 0
        found.append(estimator.fit(ZERO, y))
    theirs, ours = found
    for mine, its in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-7)


def test_training_on_zeros_alone_moves_what_scikit_learn_moves():
    found = []
    for module in BOTH:
        estimator = module.MLPRegressor(**SETTINGS).fit(X, NUMBERS)
        for b in estimator.intercepts_:
            b[:] = 0
        del estimator._optimizer
        before = estimator.coefs_[0].copy(), estimator.intercepts_[0].copy()
        estimator.set_params(alpha=0).partial_fit(np.zeros_like(X), NUMBERS)
        assert np.array_equal(estimator.coefs_[0], before[0])
        found.append(estimator)
    assert_same(*found)
    assert not found[1].intercepts_[0].any()  # F'(0) = 1 would move them


def test_relu_given_as_an_object_is_the_same():
    settings = SETTINGS | {"max_iter": 2}
    one = fastbp.sklearn.MLPClassifier(**settings).fit(ZERO, CLASSES)
    other = fastbp.sklearn.MLPClassifier(**settings, activation=[fastbp.activations.RELU, "relu"]).fit(ZERO, CLASSES)
    assert one.coefs_[0].tobytes() == other.coefs_[0].tobytes()


# ---- dtypes


@pytest.mark.parametrize("rows", ["float16", "float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("fitted", ["float32", "float64"])
@pytest.mark.parametrize("name", KINDS)
def test_predictions_have_scikit_learns_dtype(name, fitted, rows):
    y = KINDS[name] if name == "MLPClassifier" else KINDS[name].astype(fitted)
    theirs, ours = (getattr(module, name)(**SETTINGS).fit(X.astype(fitted), y) for module in BOTH)
    asked = (8 * np.abs(X)).astype(rows)
    for method in ("predict_proba", "predict_log_proba", "predict") if y is CLASSES else ("predict",):
        mine, its = (getattr(estimator, method)(asked) for estimator in (ours, theirs))
        assert mine.dtype == its.dtype
        if method != "predict" or name == "MLPRegressor":
            np.testing.assert_allclose(mine, its, rtol=0, atol=1e-2 if fitted == "float32" else 1e-9)


def test_a_float32_fit_predicts_float64_rows_in_float64():
    ours = fastbp.sklearn.MLPRegressor(**SETTINGS).fit(X.astype("float32"), NUMBERS.astype("float32"))
    h = X
    for W, b in zip(ours.coefs_, ours.intercepts_, strict=True):
        t = h @ W.astype(float) + b.astype(float)
        h = np.maximum(t, 0)
    np.testing.assert_allclose(ours.predict(X), t.ravel(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", KINDS)
def test_losses_are_scalars_of_numpy(name, solver):
    theirs, ours = (getattr(module, name)(**SETTINGS, solver=solver).fit(X, KINDS[name]) for module in BOTH)
    assert type(ours.loss_) is type(theirs.loss_) is np.float64
    if solver == "adam":
        assert type(ours.best_loss_) is type(theirs.best_loss_)
        assert {type(loss) for loss in ours.loss_curve_} == {np.float64}
