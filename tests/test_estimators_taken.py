"""Estimators and pipelines in place of models, where a model is looked into."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import fastbp  # noqa: E402
import fastbp.sklearn as ours  # noqa: E402
from fastbp.exchange.estimators import taken  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((90, 4)) * [1, 5, 1, 1] + 3
CLASSES = np.array(["owl", "cat", "dog"])[np.abs(X[:, 2:] - 3).argmax(1) + (X[:, 0] > 3.5)]
BINARY, NUMBERS = CLASSES == "owl", X[:, :2]
SETTINGS = {"hidden_layer_sizes": (7,), "max_iter": 3, "random_state": 1, "batch_size": 30}
KINDS = [
    (MLPClassifier, CLASSES), (ours.MLPClassifier, CLASSES), (MLPClassifier, BINARY), (ours.MLPClassifier, BINARY),
    (MLPRegressor, NUMBERS), (ours.MLPRegressor, NUMBERS[:, 0]),
]  # fmt: skip


def close(model, X, estimator, rows):
    if hasattr(estimator, "predict_proba"):
        expected = estimator.predict_proba(rows)
        found = model.predict_proba(X)
        np.testing.assert_allclose(found, expected[:, -found.shape[1] :], rtol=1e-9)
    else:
        np.testing.assert_allclose(model.predict(X), estimator.predict(rows), rtol=1e-9)


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_a_fitted_estimator_or_pipeline_is_the_model_that_predicts_the_same(kind, y):
    for value in kind(**SETTINGS), make_pipeline(StandardScaler(), kind(**SETTINGS)):
        value.fit(X, y)
        model, rows, numbers, size = taken(value, X, y)
        close(model, rows, value, X)
        assert size == 30
        if kind in (MLPClassifier, ours.MLPClassifier):
            assert model.score(rows, numbers) == pytest.approx(value.score(X, y))
            assert set(numbers.tolist()) == set(range(len(np.unique(y))))
        else:
            assert model.score(rows, numbers) == pytest.approx(value.score(X, y))


@pytest.mark.parametrize(("kind", "y"), KINDS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "rmsprop"])
def test_one_that_is_not_fitted_has_the_weights_that_fit_begins_with(kind, y, solver):
    if solver == "rmsprop" and kind.__module__.startswith("sklearn"):
        solver = "sgd"
    estimator = kind(**SETTINGS | {"solver": solver})
    value = make_pipeline(StandardScaler(), estimator)
    model, rows, _, _ = taken(value, X, y)
    assert not hasattr(estimator, "coefs_") and not hasattr(value[0], "mean_")
    np.testing.assert_array_equal(rows, StandardScaler().fit_transform(X))
    still = kind(**SETTINGS | {"solver": "sgd", "learning_rate_init": 1e-300, "momentum": 0, "alpha": 0, "max_iter": 1})
    still.fit(rows, y)
    for (W, b), coef, intercept in zip(model.parameters, still.coefs_, still.intercepts_, strict=True):
        np.testing.assert_array_equal(W, coef)
        np.testing.assert_array_equal(b, intercept)


@pytest.mark.parametrize("fitted", [False, True])
def test_tools_take_them_and_find_what_they_find_of_the_model(fitted):
    value = make_pipeline(StandardScaler(), ours.MLPClassifier(**SETTINGS))
    if fitted:
        value.fit(X, CLASSES)
    model, rows, numbers, _ = taken(value, X, CLASSES)
    one, other = fastbp.diagnose(value, X, CLASSES), model.diagnose(rows, numbers)
    assert str(one) == str(other) and one.layers == other.layers
    one = fastbp.find_learning_rate(value, X, CLASSES, steps=20)
    other = fastbp.find_learning_rate(model, rows, numbers, steps=20, batch_size=30)
    np.testing.assert_array_equal(one.losses, other.losses)
    assert not hasattr(value[-1], "coefs_") or fitted


def test_a_search_is_its_best_estimator():
    search = GridSearchCV(MLPClassifier(**SETTINGS), {"alpha": [0.1, 0.2]}, cv=2).fit(X, CLASSES)
    close(*taken(search, X, CLASSES)[:2], search, X)


def test_what_is_none_of_these_is_refused():
    with pytest.raises(TypeError, match=r"model must be a fastbp\.Model, an MLPClassifier .*, got int"):
        fastbp.diagnose(3, X, CLASSES)
    with pytest.raises(TypeError, match="got StandardScaler"):
        fastbp.find_learning_rate(make_pipeline(StandardScaler()), X, CLASSES)
    with pytest.raises(ValueError, match="model must be fitted, got a MLPClassifier without coefs_"):
        taken(MLPClassifier())
    fitted = MLPClassifier(**SETTINGS).fit(X, CLASSES)
    with pytest.raises(ValueError, match=r"y must hold classes of the estimator, .*, got 'fox'"):
        fastbp.diagnose(fitted, X[:1], ["fox"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [MLPClassifier, ours.MLPClassifier])
def test_the_profiler_takes_them(kind):
    value = make_pipeline(StandardScaler(), kind(**SETTINGS))
    profile = fastbp.profile(value, X, CLASSES, steps=3)
    assert profile.step.count == 3 and {"fast_linear_relu", "fast_linear"} & {k.name for k in profile.kernels}


# ---- pictures and the page


def test_pictures_take_them():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from fastbp import plot
    from fastbp.plot import confusing

    def axes():
        return Figure(layout="constrained").subplots()

    settings = SETTINGS | {"early_stopping": True}
    value = make_pipeline(StandardScaler(), ours.MLPClassifier(**settings)).fit(X, CLASSES)
    model, rows, numbers, _ = taken(value, X, CLASSES)
    counts = confusing.confusion_counts(model, rows, numbers)
    assert counts.trace() / 90 == pytest.approx(value.score(X, CLASSES))
    names = [label.get_text() for label in plot.confusion(value, X, CLASSES, axes()).get_yticklabels()]
    assert names == value.classes_.tolist()
    for ax in (
        plot.network(value, axes()), plot.loss_surface(value, X, CLASSES, axes(), points=1),
        plot.error_curve(value, X, CLASSES, ax=axes()), plot.descent(value, X, CLASSES, ax=axes(), steps=2, points=1),
        plot.descent(value, X, CLASSES, 1, ax=axes(), steps=2),
    ):  # fmt: skip
        assert ax.has_data() or ax.texts
    ax = plot.history(value, axes())
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), value[-1].loss_curve_)
    (shares,) = [other for other in ax.figure.axes if other is not ax]
    np.testing.assert_array_equal(shares.get_lines()[0].get_ydata(), value[-1].validation_scores_)
    with pytest.raises(ValueError, match="got a MLPClassifier without loss_curve_"):
        plot.history(ours.MLPClassifier(), axes())


@pytest.mark.slow
@pytest.mark.parametrize("words", [False, True])
def test_the_page_takes_them(tmp_path, words):
    pytest.importorskip("matplotlib")
    from fastbp.files.datasets import Dataset
    from fastbp.inspection import report

    names, numbers = np.unique(CLASSES, return_inverse=True)
    y = CLASSES if words else numbers
    value = make_pipeline(StandardScaler(), ours.MLPClassifier(**SETTINGS)).fit(X, y)
    data = Dataset(X, numbers, names.tolist(), X_test=X[:30], y_test=numbers[:30], name="birds")
    outcome = report.Outcome(value, data, None, [], 30, 0.5)
    report.write(tmp_path / "page.html", outcome)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"{value.score(X[:30], y[:30]):.2%}" in text and "4-7-3" in text


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 91)])
def test_class_weight_of_an_estimator_weighs_the_rows_that_are_looked_at(weights):
    weighed = ours.MLPClassifier(**SETTINGS, class_weight={False: 1.0, True: 7.0}).fit(X, BINARY)
    plain = fastbp.Model.from_sklearn(weighed)
    rows = np.where(BINARY, 7.0, 1.0) * (1 if weights is None else weights)
    assert fastbp.diagnose(weighed, X, BINARY, weights).loss == fastbp.diagnose(plain, X, BINARY * 1, rows).loss
    assert fastbp.diagnose(weighed, X, BINARY).loss != fastbp.diagnose(plain, X, BINARY * 1).loss
    found = fastbp.find_learning_rate(make_pipeline(weighed), X, BINARY, sample_weight=weights, batch_size=30)
    expected = fastbp.find_learning_rate(plain, X, BINARY * 1, sample_weight=rows, batch_size=30)
    assert found.losses.tobytes() == expected.losses.tobytes()
    with pytest.raises(ValueError, match=r"sample_weight must have shape \(90,\)"):
        fastbp.diagnose(weighed, X, BINARY, np.ones(5))
