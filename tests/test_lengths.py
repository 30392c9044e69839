"""What kernels index by has the length and type that was checked, whatever users assign, resize or write to."""

import warnings

import numpy as np
import pytest
from test_use import Told, bits

import fastbp
from fastbp.data import checks
from fastbp.data.labelled import labelled

ROWS, COLUMNS, CLASSES = 70, 6, 3


def data(seed=0):
    random = np.random.default_rng(seed)
    X = random.standard_normal((ROWS, COLUMNS)).astype(np.float32)
    return X, random.integers(0, CLASSES, ROWS), random.random(ROWS).astype(np.float32) + 0.5


def make(**settings):
    return fastbp.Model([COLUMNS, 8, CLASSES], optimizer="adam", seed=1, **settings)


# ---- arrays that change while a model is trained


def resized(array):
    with pytest.raises(ValueError, match="cannot resize"):
        array.resize((3, 1))


def reshaped(array):
    array.shape = (array.size, 1, 1)


def typed(array):
    array.dtype = np.uint8


@pytest.mark.parametrize("change", [resized, reshaped, typed])
@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_arrays_that_get_another_shape_or_dtype_in_a_callback(kernels, change):
    told = []
    for changes in False, True:
        X, y, weights = data()
        validation = data(1)

        def alter(model, arrays=(X, y, weights, *validation), changes=changes):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                for array in arrays * changes:
                    change(array)

        model = make(kernels=kernels)
        history = model.fit(
            X, y, epochs=3, batch_size=16, sample_weight=weights, validation_data=validation, verbose=0,
            callbacks=Told("on_epoch_begin", alter),
        )  # fmt: skip
        told.append((bits(model), history.loss, history.val_loss))
    assert told[0] == told[1]


def test_targets_of_numbers_that_get_another_shape_in_a_callback():
    told = []
    for changes in False, True:
        X, y = data()[0], data()[0][:, :CLASSES].copy()

        def alter(model, y=y, changes=changes):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                y.shape = (y.size, 1) if changes else y.shape

        model = make(loss="squared_error")
        model.fit(X, y, epochs=3, batch_size=16, verbose=0, callbacks=Told("on_epoch_begin", alter))
        told.append(bits(model))
    assert told[0] == told[1]


def test_a_sparse_x_that_gets_another_shape_in_a_callback():
    """SciPy moves its numbers as well, so the values change, but all rows and columns stay."""
    sparse = pytest.importorskip("scipy.sparse")
    X, y, _ = data()
    X, model = sparse.csr_array(X * (X > 0)), make()
    alter = Told("on_epoch_begin", lambda model: X.resize((2, 1)))
    history = model.fit(X, y, epochs=3, batch_size=16, verbose=0, callbacks=alter)
    assert X.shape == (2, 1) and len(history.loss) == 3 and model.get_state()["steps"] == 15
    assert np.isfinite(history.loss).all()


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_class_numbers_are_copied_before_they_are_checked(kernels):
    """By every call, also by those whose plain loops read them with fast kernels: 10**9 as an index ends a process."""
    (X, y, _), model = data(), make(kernels=kernels)
    rows = labelled(model, X, y)
    y[:] = 10**9
    assert rows.y.max() < CLASSES
    X, y, _ = data()
    model.fit(X, y, batch_size=16, epochs=2, verbose=0, callbacks=Told("on_epoch_end", lambda model: y.fill(10**9)))
    again, (X, y, _) = make(kernels=kernels), data()
    again.fit(X, y, batch_size=16, epochs=2, verbose=0)
    assert bits(model) == bits(again)


@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "float32", "bool"])
def test_labels_are_a_copy_of_any_dtype(kind):
    given = np.array([1, 0, 1, 1]).astype(kind)
    made = checks.labels(given, 4, 2)
    assert made.dtype == np.int64 and made.tolist() == [1, 0, 1, 1] and not np.shares_memory(made, given)
    assert checks.labels(given[::-1], 4, 2).tolist() == [1, 1, 0, 1]


# ---- the optimizer's state


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("length", [0, 1, 5, 10**6])
def test_a_state_of_another_length_is_refused(kernels, length):
    plan = make(kernels=kernels)._plan
    with pytest.raises(ValueError, match=f"'m' must hold a number for each.* got shape \\({length},\\)"):
        plan.set_slots({"m": np.ones(length, np.float32), "v": np.ones(length, np.float32)})


def test_a_state_of_another_dtype_is_converted():
    model = make()
    n = model.network.n_parameters
    model._plan.set_slots({"m": np.arange(n), "v": np.arange(n, dtype=np.float64)})
    for state in model._plan.get_slots().values():
        np.testing.assert_array_equal(state, np.arange(n, dtype=np.float32))


# ---- the estimators' parameters


def mlp(**settings):
    pytest.importorskip("sklearn")
    from fastbp.sklearn import MLPClassifier

    X, y, _ = data()
    made = MLPClassifier((8,), random_state=0, layer_norm=True, **settings)
    for _ in range(2):
        made.partial_fit(X, y, classes=np.arange(CLASSES))
    return made


def fewer_inputs(mlp):
    mlp.coefs_[0] = mlp.coefs_[0][:-1]


def more_inputs(mlp):
    mlp.coefs_[0] = np.vstack([mlp.coefs_[0]] * 100)


def one_unit(mlp):
    mlp.coefs_[1] = mlp.coefs_[1][:1]  # NumPy would repeat it


def more_units(mlp):
    mlp.coefs_[0] = np.hstack([mlp.coefs_[0]] * 2)


def flat_weights(mlp):
    mlp.coefs_[1] = mlp.coefs_[1].ravel()


def a_number(mlp):
    mlp.intercepts_[0] = 0.5


def fewer_layers(mlp):
    mlp.coefs_ = mlp.coefs_[:1]


def no_layers(mlp):
    mlp.coefs_ = mlp.intercepts_ = []


def other_gains(mlp):
    mlp.gains_[0] = mlp.gains_[0][:1]


def no_gains(mlp):
    mlp.gains_, mlp.offsets_ = [], []


CHANGES = (
    fewer_inputs, more_inputs, one_unit, more_units, flat_weights, a_number, fewer_layers, no_layers, other_gains,
    no_gains,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_parameters_of_shapes_that_do_not_fit_are_refused(change):
    X, y, _ = data()
    made = mlp()
    change(made)
    for call in (
        lambda: made.predict(X), lambda: made.predict_proba(X[:1]), lambda: made.score(X, y),
        lambda: made.partial_fit(X, y),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must"):
            call()


def test_a_state_of_another_layout_is_refused():
    X, y, _ = data()
    made, random = mlp(), np.random.default_rng(0)
    made.coefs_ = [random.random((COLUMNS, 50)), random.random((50, CLASSES))]
    made.intercepts_ = [np.zeros(50), np.zeros(CLASSES)]
    made.gains_, made.offsets_ = [np.ones(50)], [np.zeros(50)]
    assert made.predict_proba(X).shape == (ROWS, CLASSES)
    with pytest.raises(ValueError, match="hidden_layer_sizes must be as it was"):
        made.partial_fit(X, y)
    made.set_params(hidden_layer_sizes=(50,))
    with pytest.raises(NotImplementedError, match="_optimizer is AdamOptimizer of the user's"):
        made.partial_fit(X, y)


def test_parameters_of_another_dtype_train_on():
    X, y, _ = data()
    made, twin = mlp(), mlp()
    made.coefs_ = [W.astype(np.float64) for W in made.coefs_]
    for estimator in made, twin:
        estimator.partial_fit(X, y)
    np.testing.assert_allclose(made.coefs_[0], twin.coefs_[0], rtol=1e-4)


def test_networks_of_other_libraries_have_the_shapes_that_they_should():
    made = mlp()
    one_unit(made)
    with pytest.raises(ValueError, match=r"layer 2 must have parameters of shape \(8, 3\), got \(1, 3\)"):
        fastbp.Model.from_sklearn(made)
