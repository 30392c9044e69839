"""fastbp.sklearn on every supported scikit-learn: weights and losses that earlier ones lack, errors about others."""

import ast
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import cross_val_score  # noqa: E402

import fastbp.sklearn as ours  # noqa: E402
from fastbp.sklearn import MLPClassifier, MLPRegressor, private  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(8)
X = RNG.standard_normal((60, 4))
CLASSES, NUMBERS = X[:, :3].argmax(1), X[:, 0] ** 2
TIMES = RNG.integers(1, 4, 60)  # each row so many times
REPEATED = np.repeat(np.arange(60), TIMES)
ALL = {"hidden_layer_sizes": (5,), "shuffle": False, "batch_size": 10**6, "max_iter": 4, "random_state": 1}
KINDS = [(MLPClassifier, CLASSES), (MLPRegressor, NUMBERS)]


@pytest.fixture(autouse=True)
def _no_word_of_clipped_batches():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Got `batch_size`")
        yield


def same(mine, its):
    np.testing.assert_allclose(mine.loss_, its.loss_, rtol=1e-9)
    for one, other in zip(mine.coefs_ + mine.intercepts_, its.coefs_ + its.intercepts_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("kind", "y"), KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "lbfgs"])
def test_a_row_of_weight_two_is_two_rows(kind, y, solver):
    weighted = kind(**ALL, solver=solver).fit(X, y, sample_weight=TIMES)
    same(weighted, kind(**ALL, solver=solver).fit(X[REPEATED], y[REPEATED]))
    plain = kind(**ALL, solver=solver).fit(X, y)
    assert plain.loss_ != pytest.approx(weighted.loss_, rel=1e-3)  # it does count


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_partial_fit_takes_weights(kind, y):
    first = {"classes": [0, 1, 2]} if kind is MLPClassifier else {}
    weighted, repeated = kind(**ALL), kind(**ALL)
    for _ in range(3):
        weighted.partial_fit(X, y, sample_weight=TIMES, **first)
        repeated.partial_fit(X[REPEATED], y[REPEATED], **first)
    same(weighted, repeated)


@pytest.mark.parametrize(("kind", "y"), KINDS)
@pytest.mark.parametrize("scoring", [None, "loss", "neg_mean_squared_error"])
def test_the_score_of_early_stopping_is_weighted(kind, y, scoring):
    settings = {**ALL, "early_stopping": True, "scoring": scoring}
    weighted = kind(**settings).fit(X, y, X_val=X, y_val=y, sample_weight_val=TIMES)
    repeated = kind(**settings).fit(X, y, X_val=X[REPEATED], y_val=y[REPEATED])
    np.testing.assert_allclose(weighted.validation_scores_, repeated.validation_scores_, rtol=1e-9)
    plain = kind(**settings).fit(X, y, X_val=X, y_val=y)
    assert weighted.validation_scores_ != plain.validation_scores_


def test_weights_are_checked_before_anything_changes():
    estimator = MLPRegressor(**ALL).fit(X, NUMBERS)
    before = [W.copy() for W in estimator.coefs_]
    for wrong in (TIMES[:-1], np.full(60, np.nan)):
        with pytest.raises(ValueError, match=r"(?i)sample_weight"):
            estimator.fit(X, NUMBERS, sample_weight=wrong)
    assert all(map(np.array_equal, estimator.coefs_, before))


def test_the_poisson_loss_is_half_the_deviance():
    y = RNG.poisson(2.0, 60).astype(float)
    settings = {"hidden_layer_sizes": (), "loss": "poisson", "solver": "sgd", "alpha": 0.0, "random_state": 0}
    estimator = MLPRegressor(**settings, batch_size=60, max_iter=1, learning_rate_init=1e-9).fit(X, y)
    mean = np.exp(X @ estimator.coefs_[0] + estimator.intercepts_[0]).ravel()
    logs = np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mean), 0)
    assert estimator.loss_ == pytest.approx(np.mean(logs - y + mean), rel=1e-6)
    np.testing.assert_allclose(estimator.predict(X), mean)
    assert clone(estimator).get_params()["loss"] == "poisson"


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_they_are_cloned_scored_and_tagged(kind, y):
    scores = cross_val_score(kind(**ALL | {"batch_size": 20}, loss="huber") if kind is MLPRegressor else kind(), X, y)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_own_steps_take_weights_or_refuse_them(kind, y):
    class Own(kind):
        def _backprop(self, *arguments):
            return super()._backprop(*arguments)

    same(Own(**ALL).fit(X, y), kind(**ALL).fit(X, y))
    if private.WEIGHTED:
        same(Own(**ALL).fit(X, y, TIMES), kind(**ALL).fit(X, y, TIMES))
    else:
        with pytest.raises(NotImplementedError, match="sample_weight must be None .* before scikit-learn 1.7"):
            Own(**ALL).fit(X, y, TIMES)


def test_a_twin_exists_where_scikit_learn_has_the_loss():
    estimator = MLPRegressor(**ALL, loss="poisson").fit(X, NUMBERS)
    if private.WEIGHTED:
        np.testing.assert_allclose(estimator.to_sklearn().predict(X), estimator.predict(X))
    else:
        with pytest.raises(ValueError, match="no loss 'poisson' before scikit-learn 1.7"):
            estimator.to_sklearn()
    squared = MLPRegressor(**ALL).fit(X, NUMBERS)
    np.testing.assert_allclose(squared.to_sklearn().predict(X), squared.predict(X))


# ---- which scikit-learn


def test_this_scikit_learn_is_one_of_those_supported():
    assert private.OLDEST <= private.VERSION <= private.NEWEST  # else see CONTRIBUTING.md


def test_other_private_methods_are_named_with_the_version_that_is_needed():
    private.refuse_other_methods()
    for methods in ({"_fit": "X y"}, {"_no_such_method": "X"}):
        with pytest.raises(ImportError, match=rf"^fastbp.sklearn needs scikit-learn 1\.\d to 1\.\d.*{[*methods][0]}"):
            private.refuse_other_methods(methods)


def test_private_parts_are_used_in_one_file():
    found = set()
    for path in Path(ours.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("sklearn"):
                names = [*node.module.split("."), *(alias.name for alias in node.names)]
                found |= {path.name} if any(name.startswith("_") for name in names) else set()
    assert found == {"private.py"}


def test_gaps_stay_whatever_the_argument_is_called(monkeypatch):
    rows = np.array([[1.0, np.nan], [np.inf, 2.0]])
    assert private.check_array_with_gaps(rows, input_name="X") is rows

    def before_1_6(X, *, force_all_finite=True, input_name=""):
        return X, force_all_finite, input_name

    monkeypatch.setattr(private, "check_array", before_1_6)
    assert private.check_array_with_gaps(rows, input_name="X") == (rows, False, "X")


def test_weights_are_one_number_for_each_row_or_for_all():
    assert private.check_weights(2, 3, "w").tolist() == [2, 2, 2]
    for wrong, message in (
        ([[1.0, 2.0]], r"w must have shape \(2,\), one number for each row, got \(1, 2\)"),
        ([1.0, -2.0], "w must not be negative, got -2"),
        ([1.0, np.inf], "Input w contains infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            private.check_weights(wrong, 2, "w", negative=False)
