"""What fastbp.sklearn's estimators have and scikit-learn's lack, and input that must not reach a kernel."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.metrics import log_loss, mean_absolute_error  # noqa: E402

import fastbp  # noqa: E402
from fastbp.kernels.optimizers import OPTIMIZERS  # noqa: E402
from fastbp.schedules import Cosine  # noqa: E402
from fastbp.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = {"hidden_layer_sizes": (11, 5), "max_iter": 6, "random_state": 3, "batch_size": 32}
STILL = {"max_iter": 1, "learning_rate_init": 1e-14, "alpha": 0}  # what is learnt from is as it was drawn
X = np.random.default_rng(0).standard_normal((150, 7))
CLASSES, NUMBERS = X[:, :3].argmax(1), X[:, :2] ** 2
WORDS = np.array(["one", "two", "many"], object)[CLASSES]
YES = (X[:, :2] > 0).astype(int)


def bits(estimator):
    return b"".join(array.tobytes() for array in [*estimator.coefs_, *estimator.intercepts_])


# ---- optimizers, losses, weights


@pytest.mark.parametrize("solver", ["adam", "adamw", "rmsprop", "nadam"])
def test_an_epsilon_that_is_0_in_float32_is_refused(solver):
    for kind, told in ((np.float32, "epsilon of at least 1.2e-38 in float32, got 1e-50"), (np.float64, None)):
        estimator = MLPRegressor(**SETTINGS, solver=solver, epsilon=1e-50).set_params(max_iter=1)
        if told is None:
            estimator.fit(X.astype(kind), NUMBERS.astype(kind))
            assert np.isfinite(estimator.coefs_[0]).all()
        else:
            with pytest.raises(ValueError, match=told):
                estimator.fit(X.astype(kind), NUMBERS.astype(kind))


@pytest.mark.parametrize("solver", ["adamw", "rmsprop", "nadam"])
@pytest.mark.parametrize("part", ["fit", "partial_fit"])
def test_solvers_are_the_models_optimizers(solver, part):
    estimator = MLPRegressor(**SETTINGS, solver=solver, shuffle=False, alpha=0, warm_start=True, rho=0.8)
    estimator.set_params(max_iter=1, weight_decay=0.1).fit(X, NUMBERS)
    extra = {"adamw": {"weight_decay": 0.1}, "rmsprop": {"rho": 0.8}}.get(solver, {})
    optimizer = OPTIMIZERS[solver](epsilon=1e-8, **extra)
    model = fastbp.Model([7, 11, 5, 2], optimizer=optimizer, loss="squared_error", dtype="float64")
    for (W, b), coef, intercept in zip(model.parameters, estimator.coefs_, estimator.intercepts_, strict=True):
        W[...], b[...] = coef, intercept
    if part == "partial_fit":
        del estimator._optimizer
    getattr(estimator, part)(X, NUMBERS)
    model.fit(X, NUMBERS, epochs=1, batch_size=32, shuffle=False, verbose=0)
    assert estimator.solver == solver
    for (W, b), coef, intercept in zip(model.parameters, estimator.coefs_, estimator.intercepts_, strict=True):
        np.testing.assert_array_equal(coef, W)
        np.testing.assert_array_equal(intercept, b)


@pytest.mark.parametrize("solver", ["adamw", "rmsprop"])
def test_added_solvers_learn_and_stop_early(solver):
    estimator = MLPClassifier(random_state=0, solver=solver, max_iter=200, early_stopping=True, learning_rate_init=0.01)
    assert estimator.fit(X, WORDS).score(X, WORDS) > 0.9 and estimator.n_iter_ < 200


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_losses_of_numbers(loss):
    estimator = MLPRegressor(**SETTINGS | STILL, loss=loss, delta=0.5).fit(X, NUMBERS)
    away = abs(estimator.predict(X) - NUMBERS)
    errors = away if loss == "absolute_error" else np.where(away <= 0.5, away**2 / 2, 0.5 * (away - 0.25))
    assert estimator.loss_ == pytest.approx(errors.mean(), rel=1e-12)
    lbfgs = MLPRegressor(**SETTINGS, solver="lbfgs", loss=loss, delta=0.5).fit(X, NUMBERS)
    assert lbfgs.loss_ < estimator.loss_


@pytest.mark.parametrize("y", [CLASSES > 0, YES], ids=["binary", "multilabel"])
def test_yes_and_no_are_smoothed_too(y):
    estimator = MLPClassifier(**SETTINGS | STILL, label_smoothing=0.2).fit(X, y)
    p = estimator.predict_proba(X)
    p, wanted = (p, y) if y.ndim == 2 else (p[:, 1:], y[:, None])
    wanted = 0.8 * wanted + 0.1
    errors = -(wanted * np.log(p) + (1 - wanted) * np.log(1 - p)).sum(1)
    assert estimator.loss_ == pytest.approx(errors.mean(), rel=1e-12)


def test_weights_of_classes_count_in_partial_fit():
    weights = {"one": 3.0, "two": 0.5, "many": 0.0}
    weighted, rows = MLPClassifier(**SETTINGS, class_weight=weights), MLPClassifier(**SETTINGS)
    for start in (0, 75):
        part = slice(start, start + 75)
        weighted.partial_fit(X[part], WORDS[part], classes=list(weights))
        rows.partial_fit(
            X[part], WORDS[part], sample_weight=[weights[word] for word in WORDS[part]], classes=list(weights)
        )
    assert bits(weighted) == bits(rows)
    with pytest.raises(ValueError, match="balanced"):
        MLPClassifier(**SETTINGS, class_weight="balanced").partial_fit(X, WORDS, classes=list(weights))


@pytest.mark.parametrize("initializer", ["he_normal", "lecun_uniform", "orthogonal"])
def test_initializers(initializer):
    first, second = (MLPRegressor(**SETTINGS | STILL, initializer=initializer).fit(X, NUMBERS) for _ in range(2))
    W, b = first.coefs_[0], first.intercepts_[0]
    assert bits(first) == bits(second) and abs(b).max() < 1e-12
    if initializer == "orthogonal":
        np.testing.assert_allclose(W @ W.T, np.eye(7), atol=1e-12)
    if initializer == "lecun_uniform":
        assert abs(W).max() < np.sqrt(3 / 7)
    wide = MLPRegressor(**SETTINGS | STILL, initializer=initializer).set_params(hidden_layer_sizes=2000)
    variance = {"he_normal": 2 / 7, "lecun_uniform": 1 / 7, "orthogonal": 1 / 2000}[initializer]
    assert wide.fit(X, NUMBERS).coefs_[0].var() == pytest.approx(variance, rel=0.03)


# ---- early stopping


def test_any_scorer_may_end_training():
    own = {"X_val": X[100:], "y_val": WORDS[100:], "sample_weight_val": np.arange(1.0, 51)}
    estimator = MLPClassifier(**SETTINGS, early_stopping=True, scoring="neg_log_loss").fit(X[:100], WORDS[:100], **own)
    p, labels = estimator.predict_proba(X[100:]), list(estimator.classes_)
    best = -log_loss(WORDS[100:], p, sample_weight=own["sample_weight_val"], labels=labels)
    assert estimator.best_validation_score_ == max(estimator.validation_scores_) == pytest.approx(best, rel=1e-12)

    def error(estimator, X, y):
        return -mean_absolute_error(y, estimator.predict(X))

    by_error = MLPRegressor(**SETTINGS, early_stopping=True, scoring=error)
    by_error.fit(X, NUMBERS, X_val=X[:50], y_val=NUMBERS[:50])
    assert by_error.best_validation_score_ == max(by_error.validation_scores_) == error(by_error, X[:50], NUMBERS[:50])


def test_the_loss_may_end_training():
    estimator = MLPRegressor(**SETTINGS, early_stopping=True, scoring="loss").fit(X, NUMBERS)
    assert [-score for score in estimator.validation_scores_] == estimator.validation_loss_curve_
    assert len(estimator.validation_loss_curve_) == 6


def test_names_of_columns_do_not_disturb_a_scorer():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdefg"))
    MLPClassifier(**SETTINGS, early_stopping=True, scoring="f1_macro").fit(frame, WORDS)


# ---- bad input


@pytest.mark.parametrize(
    "own",
    [
        {"X_val": X},
        {"sample_weight_val": np.ones(150)},
        {"X_val": X, "y_val": WORDS[:-1]},
        {"X_val": X[:, 1:], "y_val": WORDS},
        {"X_val": X, "y_val": np.where(WORDS == "one", "seven", WORDS)},
        {"X_val": X, "y_val": YES},
        {"X_val": X, "y_val": WORDS, "sample_weight_val": np.ones(7)},
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_bad_validation_data_of_classes_are_refused(own, early):
    with pytest.raises(ValueError, match="_val|y_val|inconsistent|features|sample_weight|classes"):
        MLPClassifier(**SETTINGS, early_stopping=early).fit(X, WORDS, **own)


@pytest.mark.parametrize("y_val", [NUMBERS[:, 0], NUMBERS[:, [0, 0, 0]], np.full((150, 2), np.nan), WORDS, NUMBERS[:9]])
def test_bad_validation_data_of_numbers_are_refused(y_val):
    with pytest.raises(ValueError, match="y_val|columns|inconsistent|convert"):
        MLPRegressor(**SETTINGS).fit(X, NUMBERS, X_val=X, y_val=y_val)


def test_multilabel_validation_data_need_all_labels():
    with pytest.raises(ValueError, match="columns|labels"):
        MLPClassifier(**SETTINGS).fit(X, YES, X_val=X, y_val=np.column_stack([YES, YES]))


def test_other_shapes_in_partial_fit_are_refused():
    estimator = MLPRegressor(**SETTINGS).partial_fit(X, NUMBERS)
    before = bits(estimator)
    for other in (NUMBERS[:, 0], np.column_stack([NUMBERS, NUMBERS])):
        with pytest.raises(ValueError, match="columns"):
            estimator.partial_fit(X, other)
    with pytest.raises(ValueError, match="features"):
        estimator.partial_fit(X[:, 1:], NUMBERS)
    assert bits(estimator) == before


@pytest.mark.parametrize(
    "settings",
    [{"n_threads": 0}, {"solver": "adagrad"}, {"initializer": "ones"}, {"scoring": 3}, {"rho": 1.0},
     {"weight_decay": -1}, {"schedule": "cosine"}],
)  # fmt: skip
def test_bad_parameters_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        MLPClassifier(**SETTINGS, **settings).fit(X, WORDS)


# ---- layer normalization


@pytest.mark.parametrize("norms", [True, [False, True]])
def test_layers_are_normalized_as_the_models_are(norms):
    settings = SETTINGS | {"shuffle": False, "alpha": 0, "warm_start": True, "max_iter": 1}
    estimator = MLPRegressor(**settings, layer_norm=norms).fit(X, NUMBERS)
    assert [len(g) for g in estimator.gains_] == ([11, 5] if norms is True else [5]) and len(estimator.offsets_[0])
    assert all((g != 1).any() for g in estimator.gains_)
    model = fastbp.Model([7, 11, 5, 2], optimizer="adam", loss="squared_error", dtype="float64", layer_norm=norms)
    layers = zip(model.parameters, estimator.coefs_, estimator.intercepts_, strict=True)
    norms = iter(zip(estimator.gains_, estimator.offsets_, strict=True))
    for views, *mine in layers:
        for array, value in zip(views, (*mine, *(next(norms) if len(views) > 2 else ())), strict=True):
            array[...] = value
    np.testing.assert_array_equal(model.predict(X), estimator.predict(X))
    del estimator._optimizer
    estimator.partial_fit(X, NUMBERS)
    model.fit(X, NUMBERS, epochs=1, batch_size=32, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.predict(X), estimator.predict(X))


def test_the_best_gains_come_back_with_the_best_weights():
    estimator = MLPClassifier(**SETTINGS, layer_norm=True, early_stopping=True, learning_rate_init=0.1)
    estimator.set_params(max_iter=40).fit(X[:100], WORDS[:100], X_val=X[100:], y_val=WORDS[100:])
    assert estimator.validation_scores_[-1] < estimator.best_validation_score_
    assert estimator.score(X[100:], WORDS[100:]) == estimator.best_validation_score_


@pytest.mark.parametrize(
    "settings",
    [
        {"layer_norm": True},
        {"dropout": [0.0, 0.5]},
        {"clip_norm": 1.0},
        {"clip_value": 1.0},
        {"schedule": Cosine()},
        {"scoring": "loss"},
    ],
)
def test_lbfgs_refuses_what_only_minibatches_have(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        MLPClassifier(**SETTINGS, **settings, solver="lbfgs").fit(X, WORDS)


def test_lbfgs_refuses_validation_data():
    with pytest.raises(ValueError, match="X_val"):
        MLPRegressor(**SETTINGS, solver="lbfgs").fit(X, NUMBERS, X_val=X, y_val=NUMBERS)
