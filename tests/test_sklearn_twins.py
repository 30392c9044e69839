"""fastbp.sklearn's estimators as software takes them that knows scikit-learn's classes, and in pipelines."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn  # noqa: E402
from sklearn import neural_network  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn_pairs import CLASSES, KINDS, NUMBERS, SETTINGS, YES, X  # noqa: E402

import fastbp  # noqa: E402
from fastbp.sklearn import MLPClassifier, MLPRegressor, register_converters  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
WORDS = np.array(["one", "two", "many"], object)[CLASSES]
LABELS = np.column_stack([YES, 1 - YES, YES])


# ---- to_sklearn


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs", "adamw"])
@pytest.mark.parametrize("activation", ["tanh", fastbp.activations.RELU, ["logistic", "logistic"]])
@pytest.mark.parametrize("name", KINDS)
def test_the_twin_predicts_the_same(name, activation, solver):
    kind = MLPClassifier if name == "MLPClassifier" else MLPRegressor
    ours = kind(**SETTINGS, solver=solver, activation=activation).fit(X, KINDS[name])
    twin = ours.to_sklearn()
    assert type(twin) is getattr(neural_network, name)
    np.testing.assert_allclose(twin.predict(X), ours.predict(X), rtol=0, atol=1e-12)
    assert twin.get_params().keys() == type(twin)().get_params().keys()
    theirs = type(twin)(**SETTINGS, solver="lbfgs" if solver == "lbfgs" else "adam").fit(X, KINDS[name])
    assert vars(twin).keys() - {"_optimizer"} == vars(theirs).keys() - {"_optimizer"}
    assert not any(np.shares_memory(a, b) for a, b in zip(twin.coefs_, ours.coefs_, strict=True))
    pickle.loads(pickle.dumps(twin))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_the_twin_trains_on_as_ours_does(solver):
    ours = MLPClassifier(**SETTINGS, solver=solver).fit(X, WORDS)
    twin = ours.to_sklearn()
    for estimator in (ours, twin):
        estimator.partial_fit(X, WORDS)
    for mine, its in zip(ours.coefs_, twin.coefs_, strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-12)


def test_an_estimator_that_is_not_fitted_has_a_twin_that_is_not():
    with pytest.warns(UserWarning, match="the loss 'squared_error' in place of 'huber'"):
        twin = MLPRegressor(hidden_layer_sizes=(3,), solver="rmsprop", loss="huber", dropout=0.5).to_sklearn()
    assert vars(twin) == vars(neural_network.MLPRegressor(hidden_layer_sizes=(3,)))


@pytest.mark.parametrize(
    "loss",
    ["absolute_error", "log_cosh", fastbp.losses.Huber(2.0), fastbp.losses.PointLoss(
        "fourth", lambda z, y: (z - y) ** 4 / 4, lambda z, y: (z - y) ** 3)],
)  # fmt: skip
def test_a_loss_that_scikit_learn_lacks_is_said_to_change(loss):
    ours = MLPRegressor(**SETTINGS, loss=loss).fit(X, NUMBERS)
    with pytest.warns(UserWarning, match=f"'squared_error' in place of '{getattr(loss, 'name', loss)}'") as told:
        twin = ours.to_sklearn()
    assert told[0].filename == __file__
    np.testing.assert_allclose(twin.predict(X), ours.predict(X))
    assert twin.loss == "squared_error"


@pytest.mark.parametrize("loss", ["squared_error", "poisson", fastbp.losses.Poisson(), fastbp.losses.SquaredError()])
def test_a_loss_that_scikit_learn_has_stays(loss):
    twin = MLPRegressor(loss=loss).to_sklearn()
    assert twin.loss == getattr(loss, "name", loss)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"activation": "gelu"}, "'gelu'"), ({"activation": ["tanh", "relu"]}, "one activation"),
     ({"layer_norm": True}, "layer normalization"), ({"layer_norm": [False, True]}, "layer normalization")],
)  # fmt: skip
def test_what_has_no_twin_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        MLPRegressor(**SETTINGS, **settings).fit(X, NUMBERS).to_sklearn()


# ---- fastbp.Model of an output that was set


@pytest.mark.parametrize(
    ("kind", "y", "out"),
    [(MLPRegressor, NUMBERS, "relu"), (MLPRegressor, NUMBERS, "exp"), (MLPClassifier, CLASSES, "identity"),
     (MLPClassifier, CLASSES, "logistic"), (MLPClassifier, YES, "tanh"), (MLPClassifier, YES, "identity")],
)  # fmt: skip
def test_a_model_of_another_output_is_refused(kind, y, out):
    estimator = kind(**SETTINGS).fit(X, y)
    estimator.out_activation_ = out
    for each in (estimator, estimator.to_sklearn()):
        with pytest.raises(ValueError, match=f"out_activation_ must be '.*', as fit sets it, got '{out}'"):
            fastbp.Model.from_sklearn(each)


# ---- skl2onnx


def outputs(estimator, rows, **how):
    skl2onnx, onnxruntime = pytest.importorskip("skl2onnx"), pytest.importorskip("onnxruntime")
    register_converters()
    proto = skl2onnx.to_onnx(estimator, rows[:1], **how)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": rows})


@pytest.mark.parametrize("y", [CLASSES, WORDS, YES, LABELS], ids=["classes", "words", "binary", "labels"])
def test_skl2onnx_converts_classifiers_and_pipelines(y):
    rows = X.astype("float32")
    for estimator in (MLPClassifier(**SETTINGS), make_pipeline(StandardScaler(), MLPClassifier(**SETTINGS))):
        estimator.fit(rows, y)
        classes, p = outputs(estimator, rows, options={"zipmap": False})
        np.testing.assert_allclose(p, estimator.predict_proba(rows), atol=1e-5)
        np.testing.assert_array_equal(classes, estimator.predict(rows))


def test_skl2onnx_converts_regressors_and_names_what_it_cannot():
    rows = X.astype("float32")
    estimator = MLPRegressor(**SETTINGS, solver="adamw", loss="huber").fit(rows, NUMBERS)
    (z,) = outputs(estimator, rows)
    np.testing.assert_allclose(z.ravel(), estimator.predict(rows), atol=1e-5)
    for settings, y in (({"loss": "poisson"}, NUMBERS), ({}, LABELS.astype(float))):
        with pytest.raises(NotImplementedError, match=r"skl2onnx does not convert .*from_sklearn"):
            outputs(MLPRegressor(**SETTINGS, **settings).fit(rows, y), rows)
    with pytest.raises(ValueError, match="'gelu'"):
        outputs(MLPRegressor(**SETTINGS, activation="gelu").fit(rows, NUMBERS), rows)


# ---- X_val in a pipeline


def test_a_pipeline_scales_validation_data_that_transform_input_names():
    raw = 100 + 20 * X
    settings = SETTINGS | {"early_stopping": True}
    scaler = StandardScaler().fit(raw[:100])
    alone = MLPClassifier(**settings).fit(
        scaler.transform(raw[:100]), WORDS[:100], X_val=scaler.transform(raw[100:]), y_val=WORDS[100:]
    )
    with sklearn.config_context(enable_metadata_routing=True):
        mlp = MLPClassifier(**settings).set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("mlp", mlp)], transform_input=["X_val"])
        pipeline.fit(raw[:100], WORDS[:100], X_val=raw[100:], y_val=WORDS[100:])
    np.testing.assert_array_equal(pipeline[-1].validation_loss_curve_, alone.validation_loss_curve_)
    assert pipeline[-1].validation_scores_ == alone.validation_scores_
