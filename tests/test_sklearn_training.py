"""How the estimators train and stop: weights of rows, validation scores and warm starts, beside scikit-learn's."""

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.9")

from sklearn import neural_network  # noqa: E402

from fastbp.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = {"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 3, "batch_size": 20, "learning_rate_init": 0.01}
X = np.random.default_rng(0).standard_normal((120, 4))
CLASSES, NUMBERS = X[:, :3].argmax(1), X[:, :2] ** 2
YES = (X[:, 0] > 0).astype(int)


def vectors(estimator):
    return [array.tobytes() for array in [*estimator.coefs_, *estimator.intercepts_]]


# ---- early stopping that sees no finite score


@pytest.mark.parametrize(
    ("make", "y", "own"),
    [
        (lambda **more: MLPRegressor(**SETTINGS, **more), NUMBERS, slice(0, 1)),  # R2 of one row
        (lambda **more: MLPClassifier(**SETTINGS, scoring=lambda *_: np.nan, **more), YES, slice(0, 30)),
        (lambda **more: MLPClassifier(**SETTINGS, scoring=lambda *_: -np.inf, **more), YES, slice(0, 30)),
    ],
    ids=["one row", "nan", "-inf"],
)
def test_without_a_finite_score_the_last_weights_are_kept_with_a_warning(make, y, own):
    validation = {"X_val": X[own], "y_val": y[own]}
    plain = make().fit(X, y, **validation)
    with pytest.warns(RuntimeWarning, match="no finite validation score in 8 epochs; the last weights are kept"):
        stopped = make(early_stopping=True).fit(X, y, **validation)
    assert vectors(stopped) == vectors(plain) and stopped.loss_curve_ == plain.loss_curve_


def test_one_finite_score_among_others_is_the_best():
    scores = iter([np.nan, -2.0, np.nan, -1.0, np.nan, np.nan, -3.0, np.nan])
    seen = []

    def score(estimator, *_):
        seen.append(vectors(estimator))
        return next(scores)

    estimator = MLPClassifier(**SETTINGS, scoring=score, early_stopping=True).fit(X, YES)
    assert vectors(estimator) == seen[3] and estimator.best_validation_score_ == -1.0


# ---- validation scores as scikit-learn has them


@pytest.mark.parametrize(
    "y", [np.ones(120, int), np.full(120, "yes", object), YES, CLASSES], ids=["one", "word", "two", "three"]
)
def test_validation_scores_are_scikit_learns(y):
    settings = SETTINGS | {"early_stopping": True, "max_iter": 5}
    ours, theirs = (kind(**settings).fit(X, y) for kind in (MLPClassifier, neural_network.MLPClassifier))
    assert ours.validation_scores_ == theirs.validation_scores_
    if len(np.unique(y)) == 1:
        assert ours.validation_scores_ == [1.0] * 5
