"""Models whose products are of bfloat16: the same on any threads and near the plain loops; what is refused; files."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse

import fastbp
from fastbp.execution.fast_plan import FastPlan
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.losses import LOSSES
from fastbp.kernels.optimizers import OPTIMIZERS

SIZES = [19, 37, 21, 5]
EPS = 2.0**-8  # half of the last place of a bfloat16, as a share of the number


def data(loss="cross_entropy", rows=157, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, SIZES[0])).astype(np.float32)
    if loss == "cross_entropy":
        return X, rng.integers(0, SIZES[-1], rows)
    Y = rng.standard_normal((rows, SIZES[-1])).astype(np.float32)
    return X, {"binary_cross_entropy": (Y > 0).astype(np.float32), "poisson": abs(Y).round()}.get(loss, Y)


def model(precision="bfloat16", **settings):
    return fastbp.Model(SIZES, **{"seed": 0, "precision": precision, "learning_rate": 0.01} | settings)


def fitted(X, y, epochs=2, **settings):
    one = model(**settings)
    one.fit(X, y, epochs=epochs, batch_size=33, verbose=0)
    return one


def flat(layers):
    return np.concatenate([array.ravel() for layer in layers for array in layer])


CASES = [
    *({"optimizer": name} for name in OPTIMIZERS),
    *({"activation": name} for name in ACTIVATIONS),
    *({"loss": name} for name in LOSSES),
    {"dropout": 0.3}, {"dropout": 0.2, "layer_norm": [True, False], "activation": ["tanh", "relu"]},
    {"layer_norm": True, "optimizer": "adam"}, {"l1": 1e-3, "l2": 1e-2}, {"clip_norm": 0.1}, {"clip_value": 1e-3},
    {"label_smoothing": 0.1}, {"scaling_layer": True, "activation": "prelu", "optimizer": "adam"},
    {"optimizer": fastbp.optimizers.Adam(0.01, parametrization="ntk"), "learning_rate": None},
    {"input_shift": 0.5, "input_scale": 2.0},
]  # fmt: skip


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_the_bits_are_the_same_on_any_threads(settings):
    X, y = data(settings.get("loss", "cross_entropy"))
    first, *others = [fitted(X, y, n_threads=n, **settings) for n in range(1, fastbp.execution.threads.most() + 1)]
    for other in others:
        assert flat(other.parameters).tobytes() == flat(first.parameters).tobytes()
        np.testing.assert_array_equal(other._outputs(X), first._outputs(X))
    assert np.isfinite(flat(first.parameters)).all()
    assert flat(first.parameters).tobytes() != flat(fitted(X, y, precision=None, **settings).parameters).tobytes()


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_gradients_are_those_of_the_plain_loops_and_near_those_of_float32(settings):
    X, y = data(settings.get("loss", "cross_entropy"))
    (E, fast), (plain_E, plain), (exact_E, exact) = (
        model(**settings, **how).gradients(X, y)
        for how in ({}, {"kernels": "elementwise"}, {"precision": None, "kernels": "fast"})
    )
    assert E == pytest.approx(plain_E, rel=1e-5)
    assert E == pytest.approx(exact_E, rel=0.03)
    size = abs(flat(exact)).max()
    # One number of h that is rounded the other way differs by EPS: so few, and so little, as sums differ in float32
    assert np.mean(abs(flat(fast) - flat(plain)) > 1e-4 * size) < 0.02
    assert abs(flat(fast) - flat(plain)).max() < EPS * size
    # Each of the two operands of some six products in a row is off by no more than EPS, at random
    assert abs(flat(fast) - flat(exact)).max() < 12 * EPS * size


def test_one_layer_by_hand():
    third = fastbp.Model([2, 1], loss="squared_error", precision="bfloat16", learning_rate=0.5)
    (W, b), x, y = third.parameters[0], np.array([[1 + 2**-9, 3.0]], np.float32), np.array([[0.0]], np.float32)
    W[:], b[:] = [[1 + 2**-8], [2**-10 + 2**-20]], 2**-12
    # x is rounded to 1 and 3, W to 1 (half way, to even) and 2^-10; b is not
    t = 1 + 3 * 2**-10 + 2**-12
    assert third.predict(x) == np.float32(t)
    _, [(dW, db)] = third.gradients(x, y)
    d = 1.0  # dE/dt = t, rounded
    np.testing.assert_array_equal(dW, [[d], [3 * d]])
    assert db == np.float32(t)  # that of b is summed as it is
    third.fit(x, y, epochs=1, verbose=0)
    np.testing.assert_array_equal(W, np.float32([[1 + 2**-8 - 0.5 * d], [2**-10 + 2**-20 - 1.5 * d]]))  # no digit lost


def test_a_model_goes_on_with_the_same_bits_after_a_file_a_copy_and_a_pickle(tmp_path):
    X, y = data()
    whole, half = fitted(X, y, epochs=4, optimizer="adam"), fitted(X, y, optimizer="adam")
    half.save(tmp_path / "half.safetensors")
    others = fastbp.load(tmp_path / "half.safetensors"), copy.deepcopy(half), pickle.loads(pickle.dumps(half))
    for other in (half, *others):
        assert other.network.precision == "bfloat16" and other.get_config()["precision"] == "bfloat16"
        other.fit(X, y, epochs=2, batch_size=33, verbose=0)
        assert flat(other.parameters).tobytes() == flat(whole.parameters).tobytes()


def test_a_checkpoint_goes_on_with_the_same_bits_and_not_in_another_precision(tmp_path):
    X, y = data()
    whole, options = fitted(X, y, epochs=4, optimizer="adam"), {"batch_size": 33, "verbose": 0}
    writing = fastbp.callbacks.Checkpoint(tmp_path)
    model(optimizer="adam").fit(X, y, epochs=2, callbacks=writing, **options)
    other = model(optimizer="adam")
    other.fit(X, y, epochs=4, callbacks=writing, resume=tmp_path, **options)
    assert flat(other.parameters).tobytes() == flat(whole.parameters).tobytes()
    with pytest.raises(ValueError, match="precision is None, there it is 'bfloat16'"):
        model(precision=None, optimizer="adam").fit(X, y, epochs=5, callbacks=writing, resume=tmp_path, **options)


def test_parameters_that_users_write_are_rounded_anew():
    X, y = data()
    one, other = fitted(X, y), model()
    for mine, theirs in zip(one.parameters, other.parameters, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            b[...] = a
    np.testing.assert_array_equal(other._outputs(X), one._outputs(X))
    np.testing.assert_array_equal(other._outputs(X[:1]), one._outputs(X)[:1])


def test_a_float32_model_predicts_in_bfloat16_from_weights_that_are_rounded_once(monkeypatch):
    X, y = data()
    plain, loads, load = fitted(X, y, precision=None), [], FastPlan.load
    expected = fastbp.Model(**plain.get_config() | {"precision": "bfloat16"})
    expected.set_state(plain.get_state())
    monkeypatch.setattr(FastPlan, "load", lambda plan, flat: (loads.append(plan), load(plan, flat)))
    for n in (len(X), 1, 3):
        found = plain.predict_proba(X[:n], precision="bfloat16")
        np.testing.assert_array_equal(found, expected.predict_proba(X[:n]))
        assert abs(found - plain.predict_proba(X[:n])).max() < 0.05 and (plain.predict(X[:n]) >= 0).all()
    ours = [plan for plan in loads if plan.network.precision and plan.network.loss is plain.network.loss]
    first = len(ours)
    for _ in range(3):
        plain.predict(X[:2], precision="bfloat16")
    assert len([plan for plan in loads if plan in ours]) <= first + 1  # `predict` of all rows has looked at them


def test_rounded_weights_are_made_anew_once_the_parameters_may_have_changed(monkeypatch):
    X, y = data()
    one, loads, load = fitted(X, y), [], FastPlan.load
    monkeypatch.setattr(FastPlan, "load", lambda plan, flat: (loads.append(plan), load(plan, flat)))

    def outputs():
        return one.predict_proba(X), len(loads)

    (z, first), (again, second) = outputs(), outputs()
    assert first == second == 1 and (z == again).all()
    W = one.parameters[0][0]  # somebody holds a view from here on
    W[0] += 1
    changed, third = outputs()
    assert third == 2 and (changed != z).any()
    W[0] -= 3
    later, fourth = outputs()
    assert fourth == 3 and (later != changed).any()
    del W
    assert outputs()[1] == 4 and outputs()[1] == 4
    one.fit(X, y, epochs=1, verbose=0)
    assert outputs()[1] == 6 and (outputs()[0] != later).any()  # `fit` loads them, too


def test_sparse_rows_keep_float32_in_the_first_layer(dtype):
    X, y = data()
    X = scipy.sparse.random_array((157, 19), density=0.1, rng=1, dtype=dtype, format="csr")
    fast, plain = (model(kernels=kernels).gradients(X, y)[1] for kernels in ("fast", "elementwise"))
    size = abs(flat(fast)).max()
    assert abs(flat(fast) - flat(plain)).max() < EPS * size
    one, two = (fitted(X, y, n_threads=n, optimizer="adam") for n in (1, fastbp.execution.threads.most()))
    assert flat(one.parameters).tobytes() == flat(two.parameters).tobytes()


def test_it_learns_as_float32_does():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((2000, 19)).astype(np.float32)
    y = (X @ rng.standard_normal((19, 5))).argmax(axis=1)
    scores = []
    for precision in (None, "bfloat16"):
        one = model(precision, optimizer="adam")
        one.fit(X[:1500], y[:1500], epochs=15, batch_size=64, verbose=0)
        scores.append(one.score(X[1500:], y[1500:]))
    assert scores[0] > 0.85 and scores[1] > scores[0] - 0.02


@pytest.mark.parametrize(
    "settings, error, message",
    [
        ({"dtype": "float64"}, ValueError, "precision 'bfloat16' goes with dtype 'float32', got dtype 'float64'"),
        ({"precision": "float16"}, ValueError, "precision 'float16' is not known.*known are 'bfloat16'"),
        (
            {"scaling_layer": fastbp.Members(3)},
            ValueError,
            "does not go with Members, got 3 of them",
        ),
        ({"precision": 16}, TypeError, "precision must be a string, got 16 of type int"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        model(**settings)


def test_predictions_in_bfloat16_are_refused_for_float64():
    plain = fastbp.Model(SIZES, dtype="float64", seed=0)
    with pytest.raises(ValueError, match="precision 'bfloat16' goes with dtype 'float32', got dtype 'float64'"):
        plain.predict(data()[0], precision="bfloat16")
