"""How the estimators train, stop and go on: weights of rows, scores, schedules, warm starts, and input they refuse."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
pandas = pytest.importorskip("pandas")

from sklearn import neural_network  # noqa: E402
from sklearn_pairs import WEIGHTED  # noqa: E402

from fastbp.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = {"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 3, "batch_size": 20, "learning_rate_init": 0.01}
X = np.random.default_rng(0).standard_normal((120, 4))
CLASSES, NUMBERS = X[:, :3].argmax(1), X[:, :2] ** 2
YES = (X[:, 0] > 0).astype(int)


def vectors(estimator):
    return [array.tobytes() for array in [*estimator.coefs_, *estimator.intercepts_]]


# ---- weights that sum to 0 or less

SIGNED = np.random.default_rng(1).uniform(0.5, 2, 120)
SIGNED[:20] *= -1  # the first minibatch's sum is below 0, as rows are in order
KINDS = {
    "classes": (MLPClassifier, neural_network.MLPClassifier, CLASSES),
    "yes": (MLPClassifier, neural_network.MLPClassifier, YES),
    "numbers": (MLPRegressor, neural_network.MLPRegressor, NUMBERS),
}


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_minibatch_whose_weights_sum_to_less_than_0_trains_as_in_scikit_learn(kind, solver):
    ours, theirs, y = KINDS[kind]
    more = {"solver": solver, "shuffle": False, "alpha": 0.01, "max_iter": 5, "activation": "tanh"}
    w = SIGNED - (SIGNED.sum() / 120 + 0.3) if solver == "lbfgs" else SIGNED  # there, all rows are one minibatch
    found = ours(**SETTINGS | more).fit(X, y, w)
    if not WEIGHTED:
        assert np.isfinite(found.loss_curve_ if solver != "lbfgs" else found.loss_).all()
        return
    wanted = theirs(**SETTINGS | more).fit(X, y, w)
    if solver != "lbfgs":
        np.testing.assert_allclose(found.loss_curve_, wanted.loss_curve_, rtol=1e-9)
        assert found.best_loss_ == pytest.approx(wanted.best_loss_, rel=1e-9)
    for array, same in zip(found.coefs_ + found.intercepts_, wanted.coefs_ + wanted.intercepts_, strict=True):
        np.testing.assert_allclose(array, same, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("w", [np.zeros(20), np.repeat([1.0, -1.0], 10), np.tile([0.1, 0.2, -0.3, 0], 5)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_minibatch_whose_weights_sum_to_0_is_refused(kind, w):
    ours, theirs, y = KINDS[kind]
    weights = np.ones(120)
    weights[40:60] = w
    settings = SETTINGS | {"shuffle": False}
    if not w.any() and WEIGHTED:
        with pytest.raises(ZeroDivisionError):
            theirs(**settings).fit(X, y, weights)
    with pytest.raises(ValueError, match="sample_weight must not sum to 0 over a minibatch.* rows .40 41"):
        ours(**settings).fit(X, y, weights)
    with pytest.raises(ValueError, match="sample_weight must not sum to 0 over all rows"):
        ours(**settings, solver="lbfgs").fit(X[:20], y[:20], w) if w.any() else ours(**settings).fit(
            X, y, X_val=X[:20], y_val=y[:20], sample_weight_val=np.repeat([1.0, -1.0], 10)
        )
    ours(**settings).set_params(batch_size=120).fit(X, y, weights)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_validation_scores_honour_weights(kind, own):
    ours, theirs, y = KINDS[kind]
    w = np.where(np.arange(120) % 3, 0.1, 5.0)
    w[np.arange(120) % 7 == 0] = -0.05
    settings = SETTINGS | {"early_stopping": True, "max_iter": 5, "learning_rate_init": 0.05}
    found = ours(**settings).fit(X, y, w)
    if WEIGHTED:
        wanted = theirs(**settings).fit(X, y, w)
        np.testing.assert_allclose(found.validation_scores_, wanted.validation_scores_, rtol=1e-9)
    without = ours(**settings).fit(X, y)
    assert not np.allclose(found.validation_scores_, without.validation_scores_)
    if own:
        found = ours(**settings | {"max_iter": 1}).fit(X, y, X_val=X[:50], y_val=y[:50], sample_weight_val=w[:50])
        assert found.validation_scores_ == pytest.approx([found.score(X[:50], y[:50], w[:50])], rel=1e-12)


# ---- schedules that go on


class Seen:
    def __init__(self):
        self.asked = []

    def factors(self, steps, steps_per_epoch, total):
        self.asked.append((int(steps[0]), len(steps), steps_per_epoch, total))
        return np.full(len(steps), 0.5)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_schedule_goes_on_with_warm_start_and_in_partial_fit(solver):
    settings = SETTINGS | {"solver": solver, "max_iter": 3}
    warm = MLPClassifier(**settings, warm_start=True, schedule=Seen()).fit(X, YES).fit(X, YES)
    assert warm.schedule.asked == [(6 * k, 6, 6, 18 if k < 3 else 36) for k in range(6)]
    anew = MLPClassifier(**settings, schedule=Seen()).fit(X, YES).fit(X, YES)
    assert anew.schedule.asked == [(6 * k, 6, 6, 18) for k in (0, 1, 2)] * 2
    part = MLPClassifier(**settings, schedule=Seen())
    for _ in range(4):
        part.partial_fit(X, YES, classes=[0, 1])
    assert part.schedule.asked == [(6 * k, 6, 6, max(18, 6 * k + 6)) for k in range(4)]


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


# ---- warm starts with other layers


@pytest.mark.parametrize(
    ("first", "then", "name"),
    [
        ({}, {"hidden_layer_sizes": (6, 6)}, "hidden_layer_sizes"),
        ({}, {"hidden_layer_sizes": ()}, "hidden_layer_sizes"),
        ({}, {"hidden_layer_sizes": [7]}, "hidden_layer_sizes"),
        ({}, {"layer_norm": True}, "layer_norm"),
        ({"layer_norm": True}, {"layer_norm": False}, "layer_norm"),
        ({}, {"activation": "prelu"}, "activation"),
        ({"activation": "prelu"}, {"activation": ["tanh"]}, "activation"),
    ],
)
@pytest.mark.parametrize("part", [False, True])
def test_training_that_goes_on_refuses_settings_that_need_other_parameters(first, then, name, part):
    estimator = MLPClassifier(**SETTINGS | first, warm_start=not part).fit(X, YES)
    before = vectors(estimator)
    estimator.set_params(**then)
    with pytest.raises(ValueError, match=f"{name} must be as it was"):
        estimator.partial_fit(X, YES) if part else estimator.fit(X, YES)
    assert vectors(estimator) == before
    estimator.set_params(warm_start=False).fit(X, YES)
    assert [W.shape[1] for W in estimator.coefs_[:-1]] == list(estimator.hidden_layer_sizes)


def test_training_goes_on_with_the_same_layers_however_they_are_written():
    for sizes in (6, [6], np.array([6])):
        estimator = MLPRegressor(**SETTINGS, layer_norm=True, activation="prelu", warm_start=True).fit(X, NUMBERS)
        estimator.set_params(hidden_layer_sizes=sizes, layer_norm=[True], activation=["prelu"]).fit(X, NUMBERS)


# ---- dates are no numbers

DAYS = np.arange(480).reshape(120, 4).astype("datetime64[D]")
DATES = {
    "dates": DAYS,
    "durations": DAYS - DAYS[0, 0],
    "frame": pandas.DataFrame(DAYS.astype("datetime64[ns]")),
    "a column": pandas.DataFrame(X).assign(day=DAYS[:, 0].astype("datetime64[ns]")).drop(columns=0),
    "list": [list(row) for row in DAYS],
    "objects": np.array([[*row[:3], day] for row, day in zip(X, DAYS[:, 0], strict=True)], object),
}


@pytest.mark.parametrize("name", DATES)
def test_dates_are_refused_in_every_method(name):
    dates = DATES[name]
    classifier, regressor = MLPClassifier(**SETTINGS).fit(X, YES), MLPRegressor(**SETTINGS).fit(X, NUMBERS)
    calls = [
        lambda: classifier.predict(dates),
        lambda: classifier.predict_proba(dates),
        lambda: classifier.score(dates, YES),
        lambda: classifier.fit(dates, YES),
        lambda: classifier.partial_fit(dates, YES),
        lambda: regressor.predict(dates),
        lambda: regressor.fit(dates, NUMBERS),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="X must hold numbers, got dates or times"):
            call()
    with pytest.raises(TypeError, match="X_val must hold numbers, got dates or times"):
        classifier.fit(X, YES, X_val=dates, y_val=YES)


def test_dates_are_no_targets_and_no_weights():
    with pytest.raises(TypeError, match="y must hold numbers, got dates or times"):
        MLPRegressor(**SETTINGS).fit(X, DAYS[:, 0])
    with pytest.raises(TypeError, match="y_val must hold numbers, got dates or times"):
        MLPRegressor(**SETTINGS).fit(X, NUMBERS, X_val=X, y_val=pandas.DataFrame(DAYS[:, :2].astype("datetime64[ns]")))
    with pytest.raises(TypeError, match="sample_weight must hold numbers, got dates or times"):
        MLPClassifier(**SETTINGS).fit(X, YES, DAYS[:, 0] - DAYS[0, 0])


# ---- parameters that scikit-learn lacks


def test_gains_that_are_not_finite_end_fit_with_an_error():
    class Blown(MLPClassifier):
        def _store(self, plan, last=False):
            super()._store(plan, last)
            self.gains_[0][0] = np.inf

    with pytest.raises(ValueError, match="non-finite gains"):
        Blown(**SETTINGS, layer_norm=True).fit(X, YES)
