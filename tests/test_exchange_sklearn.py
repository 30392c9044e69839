"""Networks from and to scikit-learn: the same parameters to the bit, the same predictions."""

import warnings

import numpy as np
import pytest
from exchanged import NAMED, SIZES, assert_same_parameters, made, near, outputs, rows
from numpy.testing import assert_allclose, assert_array_equal

import fastbp

sklearn = pytest.importorskip("sklearn")
exchange = pytest.importorskip("fastbp.exchange.sklearn")

from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn_pairs import LOSSES  # noqa: E402

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
Y = {  # of 60 rows
    "multiclass": np.arange(60) % 3 * 2 - 1,
    "words": np.array(["one", "two", "many"])[np.arange(60) % 3],
    "floats": np.arange(60) % 4 / 1.0,
    "binary": np.array(["yes", "no"])[np.arange(60) % 2],
    "multilabel": (np.arange(60)[:, None] % [2, 3, 5] == 0).astype(int),
}


def fitted(mlp, y, dtype="float32", **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mlp.fit(np.random.default_rng(3).standard_normal((len(y), 7)).astype(dtype), y, **how)


def classifier(kind="multiclass", dtype="float32", **settings):
    return fitted(
        MLPClassifier(**{"hidden_layer_sizes": (17, 5), "max_iter": 3, "random_state": 0} | settings), Y[kind]
    )


FOURTH = fastbp.losses.PointLoss("fourth", lambda z, y: (z - y) ** 4 / 4, lambda z, y: (z - y) ** 3)
ONE = fastbp.losses.CrossEntropy()  # an object, so that a model of one class is made


def loss_of(name):
    return {"loss": name} if "poisson" in LOSSES else {}


def test_a_loss_for_counts_goes_where_scikit_learn_has_it():
    model = made((7, 5, 2), loss="poisson")
    if "poisson" in LOSSES:
        assert exchange.to_sklearn(model).loss == "poisson"
    else:
        with pytest.raises(ValueError, match="loss 'poisson' needs scikit-learn 1.7 or newer, found 1"):
            exchange.to_sklearn(model)


def parameters(mlp):
    return list(zip(mlp.coefs_, mlp.intercepts_, strict=True))


def probabilities(mlp, X):
    """What a fastbp model gives: one column where scikit-learn gives two of one logistic output."""
    if isinstance(mlp, MLPRegressor):
        return mlp.predict(X)
    p = mlp.predict_proba(X)
    return p[:, 1:] if mlp.n_outputs_ == 1 else p


@pytest.mark.parametrize("kind", Y)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_classifiers_come_with_the_same_predictions(kind, activation, dtype):
    mlp = fitted(MLPClassifier((17, 5), activation, max_iter=3, random_state=0), Y[kind], dtype)
    model = exchange.from_sklearn(mlp)
    assert model.dtype == dtype and model.layer_sizes == (7, 17, 5, mlp.n_outputs_)
    assert_same_parameters(model.parameters, parameters(mlp))
    assert_allclose(model.predict_proba(rows(model)), probabilities(mlp, rows(model)), **near(model))
    predicted, expected = model.predict(rows(model)), mlp.predict(rows(model))
    names = dict(zip(mlp.classes_.tolist(), model.class_names, strict=True))
    assert_array_equal(predicted, expected if kind == "multilabel" else [names[c] for c in expected.tolist()])
    back = exchange.to_sklearn(model, None if kind == "multilabel" else mlp.classes_)
    assert_same_parameters(parameters(back), parameters(mlp))
    assert_array_equal(back.classes_, mlp.classes_)
    assert_array_equal(back.predict(rows(model)), mlp.predict(rows(model)))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", [(), (1,), (33, 16)])
@pytest.mark.parametrize("columns", [1, 2])
def test_regressors_come_with_the_same_predictions(loss, hidden, columns, dtype):
    y = np.random.default_rng(4).random((60, columns)).squeeze()
    mlp = fitted(MLPRegressor(hidden_layer_sizes=hidden, max_iter=3, random_state=0, **loss_of(loss)), y, dtype)
    model = exchange.from_sklearn(mlp)
    assert model.loss.name == loss
    assert_same_parameters(model.parameters, parameters(mlp))
    assert_allclose(model.predict(rows(model)), mlp.predict(rows(model)), **near(model))
    assert_same_parameters(parameters(exchange.to_sklearn(model)), parameters(mlp))


def test_class_names_are_the_labels_as_text():
    names = {kind: exchange.from_sklearn(classifier(kind)).class_names for kind in Y}
    assert names["multiclass"] == ["-1", "1", "3"]
    assert names["words"] == ["many", "one", "two"]
    assert names["floats"] == ["0", "1", "2", "3"]
    assert names["binary"] == ["no", "yes"]
    assert names["multilabel"] == ["0", "1", "2"]


def test_numbers_come_back_as_numbers_and_words_as_words():
    for kind in "multiclass", "words", "floats", "binary":
        mlp = classifier(kind)
        back = exchange.to_sklearn(exchange.from_sklearn(mlp))
        assert_array_equal(back.classes_, mlp.classes_)
        assert back.score(np.ones((60, 7)), Y[kind]) == mlp.score(np.ones((60, 7)), Y[kind])


def test_settings_come_and_go():
    sgd = {"solver": "sgd", "learning_rate_init": 0.25, "momentum": 0.5, "nesterovs_momentum": False}
    adam = {"solver": "adam", "learning_rate_init": 0.002, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-6}
    for settings in sgd, adam:
        model = exchange.from_sklearn(classifier(alpha=0.5, **settings))
        back = exchange.to_sklearn(model).get_params()
        expected = {"alpha": 0.5, "hidden_layer_sizes": (17, 5), "activation": "relu", **settings}
        assert {name: back[name] for name in expected} == expected
        assert model.network.l2 == 0.5 / 200
    assert exchange.from_sklearn(classifier(alpha=0.5, batch_size=10)).network.l2 == 0.05
    lbfgs = exchange.from_sklearn(classifier(solver="lbfgs", learning_rate_init=9))
    assert (lbfgs.optimizer.name, lbfgs.learning_rate) == ("adam", 0.001)


def test_feature_names_come_and_go():
    mlp = classifier()
    mlp.feature_names_in_ = np.array(list("abcdefg"), dtype=object)
    model = exchange.from_sklearn(mlp)
    assert model.feature_names == list("abcdefg")
    assert_array_equal(exchange.to_sklearn(model).feature_names_in_, mlp.feature_names_in_)


def test_compiled_estimators_are_taken_too():
    module = pytest.importorskip("fastbp.sklearn")
    mlp = fitted(module.MLPClassifier((5,), max_iter=2, random_state=0), Y["words"])
    model = exchange.from_sklearn(mlp)
    assert_allclose(model.predict_proba(rows(model)), mlp.predict_proba(rows(model)), **near(model))


def test_what_only_our_estimators_have_comes_along():
    module, y = pytest.importorskip("fastbp.sklearn"), np.arange(60) % 3
    settings = {"dropout": [0.25, 0.0], "layer_norm": [False, True], "clip_value": 2.0, "clip_norm": 3.0}
    own = {"activation": ["gelu", "silu"], "solver": "adamw", "weight_decay": 0.25, "max_iter": 3, **settings}
    mlp = module.MLPClassifier(hidden_layer_sizes=(9, 4), l1=0.5, batch_size=10, label_smoothing=0.1, **own)
    X = np.random.default_rng(0).standard_normal((60, 5))
    with pytest.warns(ConvergenceWarning):
        mlp.fit(X, y)
    model = exchange.from_sklearn(mlp)
    assert_array_equal(model.predict_proba(X), mlp.predict_proba(X))
    config = model.get_config()
    assert all(np.array_equal(config[name], value) for name, value in (settings | {"l1": 0.05}).items())
    assert model.loss == fastbp.losses.CrossEntropy(0.1)
    assert model.optimizer == fastbp.optimizers.AdamW(weight_decay=0.25)
    with pytest.warns(ConvergenceWarning):
        numbers = module.MLPRegressor(hidden_layer_sizes=(9, 4), loss="huber", delta=0.25, **own).fit(X, X[:, :2])
    model = exchange.from_sklearn(numbers)
    assert model.loss == fastbp.losses.Huber(0.25)
    assert_array_equal(model.predict(X), numbers.predict(X))


@pytest.mark.parametrize("sizes", [sizes for sizes in SIZES if sizes[-1] != 2])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", *LOSSES])
def test_models_go_with_the_same_predictions(sizes, loss, dtype):
    model = made(sizes, dtype, loss=loss, activation="tanh")
    mlp = exchange.to_sklearn(model)
    assert type(mlp) is (MLPRegressor if loss in ("squared_error", "poisson") else MLPClassifier)
    assert_same_parameters(parameters(mlp), model.parameters)
    assert_allclose(probabilities(mlp, rows(model)), outputs(model, rows(model)), **near(model))
    assert_array_equal(mlp.predict(rows(model)).shape, model.predict(rows(model)).shape)
    assert_same_parameters(exchange.from_sklearn(mlp).parameters, model.parameters)
    assert exchange.from_sklearn(mlp).loss.name == loss


def test_two_softmax_outputs_become_one_logistic_output(dtype):
    model = made((7, 5, 2), dtype, class_names=["yes", "no"])
    mlp = exchange.to_sklearn(model)
    assert mlp.classes_.tolist() == ["no", "yes"] and mlp.out_activation_ == "logistic"
    assert_allclose(mlp.predict_proba(rows(model))[:, ::-1], model.predict_proba(rows(model)), **near(model))
    assert_array_equal(mlp.predict(rows(model)), model.predict(rows(model)))


def test_classes_are_sorted_with_their_columns():
    model = made((7, 5, 3), class_names=["c", "a", "b"])
    mlp = exchange.to_sklearn(model)
    assert mlp.classes_.tolist() == ["a", "b", "c"]
    assert_allclose(mlp.predict_proba(rows(model)), model.predict_proba(rows(model))[:, [1, 2, 0]], **near(model))
    assert exchange.to_sklearn(model, [30, 20, 10]).classes_.tolist() == [10, 20, 30]
    one = exchange.to_sklearn(made((7, 1), loss="binary_cross_entropy"), ["bad", "good"])
    assert set(one.predict(np.eye(7))) <= {"bad", "good"}


def test_a_label_pair_in_descending_order_keeps_its_meaning():
    model = made((7, 5, 1), loss="binary_cross_entropy")
    mlp = exchange.to_sklearn(model, ["spam", "ham"])
    expected = np.array(["spam", "ham"])[model.predict(rows(model))]
    assert_array_equal(mlp.predict(rows(model)), expected)
    assert_allclose(mlp.predict_proba(rows(model))[:, :1], model.predict_proba(rows(model)), **near(model))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    "loss, outputs",
    [
        *[("cross_entropy", 3), ("cross_entropy", 2), ("binary_cross_entropy", 1), ("binary_cross_entropy", 3)],
        *zip(LOSSES, (1, 2), strict=False),
    ],
)
def test_what_comes_out_trains_on(solver, loss, outputs):
    mlp = exchange.to_sklearn(made((7, 5, outputs), optimizer=solver, learning_rate=0.01, loss=loss))
    X = np.random.default_rng(3).standard_normal((60, 7)).astype(np.float32)
    y = np.arange(60) % max(outputs, 2) if outputs < 3 or loss == "cross_entropy" else Y["multilabel"]
    if loss == "poisson":
        y = np.random.default_rng(4).random((60, 2))
    before = [W.copy() for W in mlp.coefs_]
    mlp.partial_fit(X, y)
    assert all((old != new).any() and abs(old - new).max() < 0.2 for old, new in zip(before, mlp.coefs_, strict=True))
    mlp.set_params(warm_start=True, max_iter=2)
    first = mlp.score(X, y)
    fitted(mlp, y)
    assert mlp.n_iter_ == 2 and np.isfinite(mlp.loss_) and np.isfinite(first)
    sklearn.base.clone(mlp)


@pytest.mark.parametrize("loss", ["absolute_error", "log_cosh", fastbp.losses.Huber(0.5)])
def test_a_loss_that_scikit_learn_lacks_is_said_to_change(loss):
    model = made((7, 5, 2), loss=loss)
    name = getattr(loss, "name", loss)
    with pytest.warns(UserWarning, match=f"would train on with the loss 'squared_error' in place of '{name}'$") as told:
        mlp = model.to_sklearn()
    assert told[0].filename == __file__ and mlp.loss == "squared_error"
    assert_allclose(mlp.predict(rows(model)), model.predict(rows(model)), **near(model))


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"dropout": 0.5}, "without dropout"), ({"l1": 0.1, "clip_norm": 2.0}, "without l1, clip_norm"),
     ({"clip_value": 1.0}, "without clip_value"), ({"label_smoothing": 0.1}, "without label_smoothing"),
     ({"loss": "huber", "dropout": 0.5}, "in place of 'huber' and without dropout")],
)  # fmt: skip
def test_what_else_training_on_would_lack_is_said(settings, words):
    with pytest.warns(UserWarning, match=f"predicts the same, but would train on .*{words}$"):
        made((7, 5, 3), **settings).to_sklearn()


def test_an_unfitted_or_foreign_estimator_is_refused():
    with pytest.raises(ValueError, match="mlp must be fitted, got a MLPRegressor without coefs_"):
        exchange.from_sklearn(MLPRegressor())
    with pytest.raises(TypeError, match=r"got Pipeline; of a pipeline pass the last step, pipeline\[-1\]"):
        exchange.from_sklearn(make_pipeline(MLPClassifier()))
    with pytest.raises(TypeError, match="mlp must be an MLPClassifier or MLPRegressor, got int"):
        exchange.from_sklearn(3)
    with pytest.raises(ValueError, match="two classes or more, got one: 1"):
        exchange.from_sklearn(fitted(MLPClassifier((2,), max_iter=2), np.ones(60, int)))
    with pytest.raises(ValueError, match="momentum must be below 1"):
        exchange.from_sklearn(classifier(solver="sgd", momentum=1.0))


@pytest.mark.parametrize(
    "settings, classes, words",
    [
        ({"sizes": (3, 4, 4, 3), "activation": ["relu", "tanh"]}, None, "one activation .* model has 'relu', 'tanh'"),
        ({"sizes": (3, 3), **NAMED}, None, "input_shift or input_scale; convert a model without them"),
        ({"sizes": (3, 3), "input_scale": 2}, None, "input_shift or input_scale"),
        ({"sizes": (3, 4, 3), "layer_norm": True}, None, "scikit-learn has no layer normalization"),
        ({"sizes": (3, 1), "loss": FOURTH}, None, "loss 'fourth' has no counterpart in scikit-learn"),
        ({"sizes": (3, 1), "loss": ONE}, None, "two classes or more, the model has one"),
        ({"sizes": (3, 3)}, [1, 2], "classes must be 3 different labels, got .1, 2."),
        ({"sizes": (3, 3)}, [1, 2, 1], "classes must be 3 different labels"),
        ({"sizes": (3, 3)}, [0.5, 1, 2], "classes must be labels that"),
        ({"sizes": (3, 1), "loss": "binary_cross_entropy"}, ["yes"], "classes must be 2 different labels"),
        ({"sizes": (3, 2), "loss": "binary_cross_entropy"}, [0, 1], "classes must be None for 2 logistic outputs"),
        ({"sizes": (3, 2), "loss": "poisson"}, [0, 1], "classes must be None for loss 'poisson'"),
    ],
)  # fmt: skip
def test_what_scikit_learn_can_not_express_is_refused(settings, classes, words):
    with pytest.raises(ValueError, match=words):
        exchange.to_sklearn(made(settings.pop("sizes"), **settings), classes)


def test_other_activations_and_no_model_are_refused():
    with pytest.raises(
        ValueError, match="scikit-learn has no activation 'silu', only 'relu', 'identity', 'logistic', 't"
    ):
        exchange.to_sklearn(made((3, 4, 3), activation="silu"))
    with pytest.raises(TypeError, match=r"model must be a fastbp\.Model, got MLPClassifier"):
        exchange.to_sklearn(MLPClassifier())


def test_the_model_keeps_its_own_numbers():
    model = fastbp.Model([3, 4, 3], seed=0)
    mlp = exchange.to_sklearn(model)
    mlp.coefs_[0][...] = 0
    assert model.parameters[0][0].all()
