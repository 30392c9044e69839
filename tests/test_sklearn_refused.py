"""Fits of the estimators that are refused: the error names the argument, and what was fitted before stays."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402

from fastbp.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0, "batch_size": 16}
X = np.random.default_rng(0).standard_normal((60, 4))
Y = (X[:, 0] > 0).astype(int)
NAN = np.where(X == X[3, 1], np.nan, X)
REFUSED = {
    "NaN": ({"X_val": NAN, "y_val": Y}, "Input X_val contains NaN"),
    "columns": ({"X_val": X[:, :1], "y_val": Y}, "X_val has 1 features, but X has 4"),
    "rows": ({"X_val": X, "y_val": Y[:9]}, "X_val and y_val must have as many rows, got 60 and 9"),
    "class": ({"X_val": X, "y_val": Y + 1}, r"y_val must hold classes of y, \[0, 1\], got \[2\], too"),
    "NaN in y": ({"X_val": X, "y_val": np.where(Y, np.nan, 0)}, "Input y_val contains NaN"),
    "weights": (
        {"X_val": X, "y_val": Y, "sample_weight_val": np.ones(7)},
        r"sample_weight_val must have shape \(60,\)",
    ),
    "NaN weights": (
        {"X_val": X, "y_val": Y, "sample_weight_val": np.full(60, np.nan)},
        "sample_weight_val contains NaN",
    ),
    "no weight": ({"X_val": X, "y_val": Y, "sample_weight_val": np.zeros(60)}, "sample_weight"),
}


def state(estimator):
    """Return a hash of all attributes."""
    return joblib.hash(vars(estimator))


@pytest.mark.parametrize("name", REFUSED)
def test_a_fit_that_is_refused_changes_nothing(name):
    own, message = REFUSED[name]
    fitted = MLPClassifier(**SETTINGS).fit(X, Y)
    before = state(fitted)
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, Y, **own)
    assert state(fitted) == before


def test_no_other_refusal_changes_a_fitted_estimator():
    fitted = MLPClassifier(**SETTINGS, early_stopping=True, validation_fraction=0.2).fit(X, Y)
    before = state(fitted)
    for few, error in ((X[:4], "validation set is too small|least populated|test_size"), (NAN, "Input X contains NaN")):
        with pytest.raises(ValueError, match=error):
            fitted.fit(few, Y[: len(few)])
    with pytest.raises(ValueError, match="inconsistent"):
        fitted.fit(X[:, :2], Y[:7])
    assert state(fitted) == before
    lbfgs = MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, solver="lbfgs", random_state=0).fit(X, Y)
    before = state(lbfgs)
    with pytest.raises(ValueError, match="sample_weight must not sum to 0"):
        lbfgs.fit(X[:, :2], Y, np.repeat([1.0, -1.0], 30))
    assert state(lbfgs) == before


def test_an_estimator_is_not_fitted_by_a_fit_that_is_refused():
    estimator = MLPRegressor(**SETTINGS)
    with pytest.raises(ValueError, match="Input X_val contains NaN"):
        estimator.fit(X, Y, X_val=NAN, y_val=Y)
    with pytest.raises(NotFittedError):
        estimator.predict(X)


def test_an_error_in_training_leaves_the_weights_that_were_reached():
    class Ends(MLPClassifier):
        def _update_no_improvement_count(self, *rows):
            if self.n_iter_ == 2:
                raise RuntimeError("enough")

    estimator = Ends(**SETTINGS)
    with pytest.raises(RuntimeError, match="enough"):
        estimator.fit(X, Y)
    whole = MLPClassifier(**SETTINGS | {"max_iter": 2}).fit(X, Y)
    assert estimator.coefs_[0].tobytes() == whole.coefs_[0].tobytes()


def test_weights_beside_class_weight_name_what_is_wrong():
    weighed = MLPClassifier(**SETTINGS, class_weight="balanced")
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(5,\), expected \(60,\)"):
        weighed.fit(X, Y, sample_weight=np.ones(5))
    with pytest.raises(ValueError, match="Input y contains NaN"):
        weighed.fit(X, np.where(Y, np.nan, 0.0))


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 61)])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_are_weights_of_the_rows_that_train(solver, weights):
    rows = np.where(Y, 5.0, 1.0) * (1 if weights is None else weights)
    settings = SETTINGS | {"solver": solver}
    by_class = MLPClassifier(**settings, class_weight={0: 1.0, 1: 5.0}).fit(X, Y, weights)
    by_row = MLPClassifier(**settings).fit(X, Y, rows)
    assert by_class.coefs_[0].tobytes() == by_row.coefs_[0].tobytes()


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 61)])
def test_class_weights_do_not_weigh_validation(weights):

    settings = SETTINGS | {"early_stopping": True, "scoring": "loss", "max_iter": 1, "learning_rate_init": 1e-13}
    known = np.ones(60) if weights is None else weights
    found = [
        MLPClassifier(**settings, class_weight=each).fit(X, Y, weights).validation_loss_curve_[0]
        for each in (None, {0: 1.0, 1: 50.0})
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)  # weights as they were drawn
    own = MLPClassifier(**settings, class_weight={0: 1.0, 1: 50.0})
    own.fit(X, Y, X_val=X, y_val=Y, sample_weight_val=known)
    plain = MLPClassifier(**settings).fit(X, Y, X_val=X, y_val=Y, sample_weight_val=known)
    assert own.validation_loss_curve_[0] == pytest.approx(plain.validation_loss_curve_[0], rel=1e-9)
