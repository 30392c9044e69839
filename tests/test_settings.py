"""Settings of models beyond the paper's: kept, refused where they are bad, the same by name and as objects."""

import inspect

import numpy as np
import pytest

import fastbp


@pytest.fixture
def data():
    """Learnable: 200 rows of 5 columns in 3 classes."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((200, 5))
    return X, (X @ rng.standard_normal((5, 3))).argmax(1)


def model(**settings):
    return fastbp.Model([5, 17, 3], **{"seed": 3, **settings})


def flat(model):
    return np.concatenate([array.ravel() for layer in model.parameters for array in layer])


# ---- settings beyond the paper's

EVERYTHING = {
    "activation": ["gelu", "tanh"],
    "optimizer": fastbp.optimizers.AdamW(0.002, beta_1=0.8, weight_decay=0.02, epsilon_after_correction=True),
    "loss": fastbp.losses.CrossEntropy(label_smoothing=0.1),
    "l1": 0.01,
    "l2": 0.02,
    "dropout": [0.1, 0.2],
    "clip_value": 3.0,
    "clip_norm": 2.0,
    "initializer": "glorot_uniform",
}


HUBER = {"loss": fastbp.losses.Huber(delta=0.3), "optimizer": fastbp.optimizers.RMSprop(rho=0.8)}


@pytest.mark.parametrize("settings", [EVERYTHING, HUBER, {}])
def test_all_settings_are_kept(settings, tmp_path):
    model = fastbp.Model([3, 5, 4, 2], seed=2, **settings)
    model.save(tmp_path / "model.safetensors")
    copies = [fastbp.Model(**model.get_config()), fastbp.load(tmp_path / "model.safetensors")]
    assert model.get_config() == copies[0].get_config() == copies[1].get_config()
    assert model.network == copies[0].network == copies[1].network
    assert model.optimizer == copies[0].optimizer == copies[1].optimizer
    plain = {name: model.get_config()[name] for name in settings if name not in ("optimizer", "loss")}
    assert plain == {name: value for name, value in settings.items() if name in plain}
    for name in {"optimizer", "loss"} & settings.keys():
        assert {getattr(copy, name) for copy in (model, *copies)} == {settings[name]}


@pytest.mark.parametrize("name", ["he", "glorot", "lecun"])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_initial_weights_have_the_variance_of_their_initializer(name, kind):
    (W, b), _ = fastbp.Model([200, 300, 2], seed=3, dtype="float64", initializer=f"{name}_{kind}").parameters
    variance = {"he": 2 / 200, "glorot": 2 / 500, "lecun": 1 / 200}[name]
    assert W.var() == pytest.approx(variance, rel=0.02) and abs(W.mean()) < 0.002 and not b.any()
    assert kind == "normal" or abs(W).max() <= np.sqrt(3 * variance)


@pytest.mark.parametrize("sizes", [(7, 7), (5, 9), (9, 5)])
def test_orthogonal_weights_are_orthogonal(sizes):
    [(W, _)] = fastbp.Model(sizes, seed=3, dtype="float64", initializer="orthogonal").parameters
    product = W @ W.T if sizes[0] <= sizes[1] else W.T @ W
    np.testing.assert_allclose(product, np.eye(min(sizes)), atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"activation": ["relu"]}, "activation"),
        ({"activation": ["relu", "sine"]}, "activation"),
        ({"loss": "log_loss"}, "loss"),
        ({"loss": "squared_error", "label_smoothing": 0.1}, "label_smoothing"),
        ({"dropout": 1}, "dropout"),
        ({"dropout": [0.1]}, "dropout"),
        ({"clip_norm": 0}, "clip_norm"),
        ({"clip_value": -1}, "clip_value"),
        ({"l1": np.nan}, "l1"),
        ({"initializer": "ones"}, "initializer"),
        ({"optimizer": fastbp.optimizers.Adam(), "learning_rate": 0.1}, "learning_rate .*optimizer=Adam"),
        ({"loss": fastbp.losses.CrossEntropy(), "label_smoothing": 0.1}, "label_smoothing .*loss=CrossEntropy"),
    ],
)
def test_bad_settings_beyond_the_papers_are_refused(settings, name):
    with pytest.raises(ValueError, match=name):
        fastbp.Model([3, 5, 4, 2], **settings)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: fastbp.losses.Huber(delta=0), "delta"),
        (lambda: fastbp.losses.CrossEntropy(label_smoothing=1), "label_smoothing"),
        (lambda: fastbp.optimizers.AdamW(weight_decay=-0.1), "weight_decay"),
        (lambda: fastbp.optimizers.RMSprop(rho=1), "rho"),
        (lambda: fastbp.optimizers.SGD(learning_rate=np.inf), "learning_rate"),
        (lambda: fastbp.optimizers.Adam(epsilon=np.nan), "epsilon"),
    ],
)
def test_bad_settings_of_optimizers_and_losses_are_refused_where_they_are_made(make, name):
    with pytest.raises(ValueError, match=name):
        make()


@pytest.mark.parametrize("kind", [fastbp.optimizers.Adam, fastbp.optimizers.AdamW])
def test_epsilon_comes_before_or_after_and_nothing_between(kind):
    with pytest.raises(TypeError, match="epsilon_after_correction must be True or False, got 0.5"):
        kind(epsilon_after_correction=0.5)


EPSILONS = [fastbp.optimizers.Adam, fastbp.optimizers.AdamW, fastbp.optimizers.NAdam, fastbp.optimizers.RMSprop]


@pytest.mark.parametrize("kind", EPSILONS)
def test_an_epsilon_that_is_0_in_the_models_dtype_is_refused(kind):
    for epsilon, dtype in ((0, "float32"), (1e-50, "float32"), (0, "float64"), (1e-310, "float64")):
        with pytest.raises(ValueError, match=f"optimizer must have an epsilon of at least .* in {dtype}, got"):
            model(optimizer=kind(epsilon=epsilon), dtype=dtype)
    model(optimizer=kind(epsilon=1e-50), dtype="float64")
    model(optimizer=kind(epsilon=2e-38))


@pytest.mark.parametrize("kind", EPSILONS[:2])
def test_an_epsilon_that_the_correction_makes_0_is_refused(kind):
    settings = {"beta_2": 1 - 1e-8, "epsilon_after_correction": True}  # epsilon is multiplied by 1e-4
    with pytest.raises(ValueError, match=r"epsilon of at least 1.2e-34 in float32, got 1e-34"):
        model(optimizer=kind(epsilon=1e-34, **settings))
    model(optimizer=kind(epsilon=2e-34, **settings))


@pytest.mark.parametrize("kind", EPSILONS)
def test_the_least_epsilon_leaves_what_fills_up_panels_at_0(kind, data):
    pytest.importorskip("numba", reason="plain loops need Numba")

    def losses(kernels):
        settings = {"activation": "tanh", "layer_norm": True, "l2": 0.01, "seed": 0, "kernels": kernels}
        m = fastbp.Model([5, 7, 3], optimizer=kind(epsilon=1.2e-38), **settings)
        return m.fit(*data, epochs=1, verbose=0).loss

    np.testing.assert_allclose(losses("fast"), losses("elementwise"), rtol=1e-4)


class Steeper(fastbp.optimizers.SGD):
    """A subclass that has no kernels of its own."""


class Halved(fastbp.losses.Huber):
    """Likewise."""

    name = "halved"


@pytest.mark.parametrize("what, value", [
    ("optimizer", Steeper(0.1)), ("optimizer", fastbp.optimizers.Optimizer(0.1)),
    ("loss", Halved()), ("loss", fastbp.losses.Loss()),
])  # fmt: skip
def test_objects_without_kernels_are_refused(what, value):
    with pytest.raises(TypeError, match=f"{what} must be of a class .*, got {type(value).__name__}$"):
        model(**{what: value})


MOVED = "parametrization", "rate_factors"


def test_settings_of_optimizers_are_no_arguments_of_the_model():
    assert len(inspect.signature(fastbp.Model).parameters) <= 24
    for name in ("momentum", "nesterov", "beta_1", "beta_2", "epsilon", "rho", "weight_decay", "delta", *MOVED):
        with pytest.raises(TypeError, match=name):
            fastbp.Model([2, 2], **{name: 0.5})


def test_a_name_is_the_object_with_its_defaults(data):
    named = model(optimizer="adam", learning_rate=0.01, loss="cross_entropy", label_smoothing=0.2)
    objects = model(optimizer=fastbp.optimizers.Adam(0.01), loss=fastbp.losses.CrossEntropy(label_smoothing=0.2))
    for m in named, objects:
        m.fit(*data, epochs=2, verbose=0)
    assert named.optimizer == objects.optimizer and named.loss == objects.loss
    assert flat(named).tobytes() == flat(objects).tobytes()


def test_the_learning_rate_of_an_optimizer_object_can_be_set(data):
    given = fastbp.optimizers.SGD(0.5, momentum=0.9)
    changed, made = model(optimizer=given), model(optimizer=fastbp.optimizers.SGD(0.25, momentum=0.9))
    changed.learning_rate = 0.25
    assert (changed.learning_rate, given.learning_rate, changed.optimizer) == (0.25, 0.5, made.optimizer)
    for m in changed, made:
        m.fit(*data, epochs=2, verbose=0)
    assert flat(changed).tobytes() == flat(made).tobytes()


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_numbers_are_no_probabilities(loss):
    m = fastbp.Model([1, 2], loss=loss)
    assert not hasattr(m, "predict_proba")
    with pytest.raises(AttributeError, match=f"a model of loss '{loss}' predicts no probabilities; call predict"):
        m.predict_proba(np.zeros((3, 1)))


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_classes_have_probabilities_in_subclasses_too(loss):
    class Doubled(fastbp.Model):
        def predict_proba(self, X):
            return 2 * super().predict_proba(X)

    X = np.ones((3, 1))
    m, doubled = (kind([1, 2], loss=loss, seed=0) for kind in (fastbp.Model, Doubled))
    assert hasattr(m, "predict_proba") and "probabilities" in fastbp.Model.predict_proba.__doc__
    assert np.array_equal(doubled.predict_proba(X), 2 * m.predict_proba(X))
    assert np.array_equal(fastbp.Model.predict_proba(m, X), m.predict_proba(X))


def test_what_stands_outside_the_model_is_found_from_it():
    names = "save", "diagnose", "to_onnx", "from_sklearn", "to_sklearn", "from_torch", "to_torch"
    assert set(names) <= set(dir(fastbp.Model))


def test_numbers_are_predicted_as_numbers_and_have_no_accuracy():
    X = np.linspace(-1, 1, 40)[:, None]
    model = fastbp.Model([1, 16, 1], seed=0, loss="squared_error", learning_rate=0.1)
    history = model.fit(X, 3 * X[:, 0], epochs=200, batch_size=8, verbose=0)
    assert history.accuracy == [] and set(model.evaluate(X, 3 * X)) == {"loss"}
    assert model.predict(X).shape == (40,) and abs(model.predict(X) - 3 * X[:, 0]).max() < 0.2
    with pytest.raises(AttributeError, match="predict"):
        model.predict_proba(X)


# ---- found by fuzzing: one sentence that names the argument, whatever is given

TIME, HUGE, SINGLE = np.timedelta64(3, "s"), 10**400, np.array(0.5)
ODD = [
    ("l1", TIME, TypeError),
    ("seed", TIME, TypeError),
    ("layer_norm", np.timedelta64(1, "s"), TypeError),
    ("n_threads", np.timedelta64(1, "s"), TypeError),
    ("layer_sizes", [5, TIME, 3], TypeError),
    *((name, HUGE, ValueError) for name in ("learning_rate", "l2", "dropout", "clip_norm")),
    *((name, SINGLE, TypeError) for name in ("layer_sizes", "dropout", "layer_norm", "feature_names", "class_names")),
    ("activation", np.array("relu"), TypeError),
    ("feature_names", 5, TypeError),
    ("class_names", 0.5, TypeError),
    ("dtype", {"a": []}, ValueError),
    ("dtype", "f4,(", ValueError),
    ("input_shift", np.longdouble("1e4000"), ValueError),
]


@pytest.mark.parametrize(("name", "value", "error"), ODD, ids=lambda value: repr(value)[:20])
def test_odd_objects_are_refused_by_name(name, value, error):
    with pytest.raises(error, match=name):
        fastbp.Model(**{"layer_sizes": [5, 17, 3], name: value})


@pytest.mark.parametrize("name", ["epochs", "batch_size", "verbose", "shuffle"])
def test_times_are_no_numbers(data, name):
    made = model()
    before = flat(made)
    with pytest.raises(TypeError, match=name):
        made.fit(*data, **{"verbose": 0, name: np.timedelta64(1, "s")})
    assert (flat(made) == before).all()


def test_one_callback_in_an_array_of_no_dimension_is_refused(data):
    with pytest.raises(TypeError, match=r"callbacks\[0\] must be"):
        model().fit(*data, verbose=0, callbacks=np.array(3))


def test_names_that_are_assigned_are_checked():
    made = model()
    for name, count in ("feature_names", 5), ("class_names", 3):
        setattr(made, name, tuple("abcde")[:count])
        for wrong in 5, "abc", ["a"], ["a"] * count, [1] * count:
            with pytest.raises((TypeError, ValueError), match=name):
                setattr(made, name, wrong)
        assert getattr(made, name) == list("abcde")[:count]
    assert made.predict(np.ones((2, 5))).dtype.kind == "U"
    made.class_names = None
    assert made.predict(np.ones((2, 5))).dtype == np.int64
