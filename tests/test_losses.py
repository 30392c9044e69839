"""Every activation with every loss: by hand, against central differences in numpy, and fast against plain loops."""

import math
from dataclasses import replace

import numpy as np
import pytest
from trainings import OPTIMIZERS, assert_alike, both, targets

import fastbp
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.kernels.losses import LOSSES, POINT_LOSSES

KERNELS = "fast", "elementwise"
MIXED = "gelu", "logistic", "relu", "silu", "tanh", "leaky_relu", "identity"  # one a hidden layer, as many as there are
LN2, LN3 = math.log(2), math.log(3)


# ---- by hand

BY_HAND = {  # t, y, E, dE/dt of one output
    "binary_cross_entropy": [
        (0, 0, LN2, 1 / 2), (0, 1, LN2, -1 / 2), (LN3, 1, 2 * LN2 - LN3, -1 / 4), (LN3, 0, 2 * LN2, 3 / 4),
        (LN3, 1 / 2, 2 * LN2 - LN3 / 2, 1 / 4), (1000, 0, 1000, 1), (1000, 1, 0, 0), (-1000, 1, 1000, -1),
    ],
    "squared_error": [(3, 1, 2, 2), (-1, 1, 2, -2), (1, 1, 0, 0)],
    "absolute_error": [(3, 1, 2, 1), (-1, 1, 2, -1), (1, 1, 0, 0)],
    "huber": [(3, 1, 3 / 2, 1), (1.5, 1, 1 / 8, 1 / 2), (-1, 1, 3 / 2, -1), (2, 1, 1 / 2, 1)],
    "log_cosh": [
        (1, 1, 0, 0), (1 + LN3, 1, math.log(5 / 3), 4 / 5), (1 - LN3, 1, math.log(5 / 3), -4 / 5),
        (1000, 0, 1000 - LN2, 1),
    ],
    "poisson": [(LN2, 4, 4 * LN2 - 2, -2), (LN2, 0, 2, 2), (0, 1, 0, 0), (-1000, 0, 0, 0)],
}  # fmt: skip


def near(dtype):
    return {"rtol": 8 * np.finfo(dtype).eps, "atol": 8 * np.finfo(dtype).eps}


def test_every_loss_that_sums_over_outputs_is_computed_by_hand():
    assert set(BY_HAND) == set(POINT_LOSSES) & set(LOSSES)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("loss", BY_HAND)
def test_an_outputs_error_and_gradient(loss, kernels, dtype):
    for t, y, wanted, gradient in BY_HAND[loss]:
        model = fastbp.Model([1, 1], loss=loss, dtype=dtype, kernels=kernels)
        model.parameters[0][1][:] = t
        E, [(dW, db)] = model.gradients([[0]], [y])
        np.testing.assert_allclose([E, db[0], dW[0, 0]], [wanted, gradient, 0], **near(dtype))
        assert model.evaluate([[0]], [[y]])["loss"] == pytest.approx(E, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("kernels", KERNELS)
def test_outputs_add_up_and_rows_are_averaged_by_their_weights(kernels, dtype):
    model = fastbp.Model([1, 2], loss="squared_error", dtype=dtype, kernels=kernels)
    model.parameters[0][0][:], model.parameters[0][1][:] = [[1, 2]], [0, 1]
    X, y = [[0], [1], [2]], [[2, 2], [1, 0], [0, 0]]  # t = (0, 1), (1, 3), (2, 5); E = 5/2, 9/2, 29/2
    E, [(dW, db)] = model.gradients(X, y)
    np.testing.assert_allclose([E, *db, *dW[0]], [21.5 / 3, 0 / 3, 7 / 3, 4 / 3, 13 / 3], **near(dtype))
    E, [(dW, db)] = model.gradients(X, y, sample_weight=[1, 3, 0])
    np.testing.assert_allclose([E, *db, *dW[0]], [16 / 4, -2 / 4, 8 / 4, 0, 9 / 4], **near(dtype))
    assert model.evaluate(X, y, sample_weight=[1, 3, 0])["loss"] == 4


@pytest.mark.parametrize("kernels", KERNELS)
def test_weighted_rows_of_classes_and_labels_that_are_spread(kernels, dtype):
    model = fastbp.Model([1, 2], dtype=dtype, kernels=kernels)
    model.parameters[0][1][:] = [0, LN3]  # z = 1/4, 3/4
    E, [(_, db)] = model.gradients([[0], [0]], [0, 1], sample_weight=[1, 3])
    np.testing.assert_allclose([E, *db], [(2 * LN2 + 3 * (2 * LN2 - LN3)) / 4, 0, 0], **near(dtype))
    model = fastbp.Model([1, 2], dtype=dtype, kernels=kernels, label_smoothing=0.2)
    model.parameters[0][1][:] = [0, LN3]
    E, [(_, db)] = model.gradients([[0]], [1])  # y = 0.1, 0.9
    np.testing.assert_allclose([E, *db], [2 * LN2 - 0.9 * LN3, 0.15, -0.15], **near(dtype))


@pytest.mark.parametrize("kernels", KERNELS)
def test_penalties_count_weights_and_no_biases(kernels, dtype):
    model = fastbp.Model([2, 2], loss="squared_error", l1=0.5, l2=0.25, dtype=dtype, kernels=kernels)
    W, b = model.parameters[0]
    W[...], b[...] = [[2, -1], [0, 3]], [1, 1]
    E, [(dW, db)] = model.gradients([[0, 0]], [[1, 1]], sample_weight=[7])
    np.testing.assert_allclose(E, 0.125 * 14 + 0.5 * 6, **near(dtype))
    np.testing.assert_allclose(dW, [[1, -0.75], [0, 1.25]], **near(dtype))
    assert not db.any() and model.evaluate([[0, 0]], [[1, 1]])["loss"] == 0


@pytest.mark.parametrize("kernels", KERNELS)
def test_a_row_is_right_where_predict_says_what_y_says(kernels, dtype):
    model = fastbp.Model([1, 3], loss="binary_cross_entropy", dtype=dtype, kernels=kernels)
    model.parameters[0][0][:] = 1, -1, 0
    X = np.array([[-9], [-1], [0], [1], [9]])  # z = 1/2 is no yes
    y = np.array([[0, 1, 0], [0, 1, 1], [0, 0, 0.5], [1, 0, 0], [1, 1, 0]])
    right = (model.predict(X) == (y > 0.5)).all(1)
    assert right.tolist() == [True, False, True, True, False]
    assert model.evaluate(X, y)["accuracy"] == right.mean()


@pytest.mark.parametrize("loss", BY_HAND)
def test_what_is_no_number_stays_in_its_row(loss, dtype):
    huge = np.finfo(dtype).max
    for O in (1, 3, 37):
        model = fastbp.Model([2, 2, O], "identity", loss=loss, dtype=dtype)
        X, y = np.array([[1, 0], [0, 4]] * 9), np.ones((18, O))
        (W_1, _), (W_2, _) = model.parameters
        W_1[1], W_2[1] = huge, -abs(W_2[0])  # h = inf, inf
        W_2[0] = abs(W_2[0])  # t = inf - inf
        with pytest.warns(RuntimeWarning, match="predictions of 9 of 18 rows are not finite"):
            z = model._outputs(X)
        assert np.isnan(z[1::2]).all() and np.isfinite(z[::2]).all()
        E, [_, (dW, db)] = model.gradients(X, y)
        assert np.isnan(E) and np.isnan(dW).all() and np.isnan(db).all()


# ---- against central differences


def logistic(t):
    return 1 / (1 + np.exp(-t))


BY_NUMPY = {
    "relu": lambda t: t.clip(0),
    "identity": lambda t: t,
    "logistic": logistic,
    "tanh": np.tanh,
    "leaky_relu": lambda t: np.where(t < 0, t / 100, t),
    "gelu": lambda t: t * (1 + np.vectorize(math.erf)(t / math.sqrt(2))) / 2,
    "silu": lambda t: t * logistic(t),
}


def activate(F, t, *a):
    """h of an activation, with its parameter if it has one; of its point function where numpy is not asked."""
    return BY_NUMPY[F.name](t) if F.name in BY_NUMPY else np.vectorize(F.f)(t, *a)


def huber(t, y):
    return np.where(abs(t - y) <= 1, (t - y) ** 2 / 2, abs(t - y) - 0.5)


ERRORS = {
    "cross_entropy": lambda t, y: np.log(np.exp(t).sum(1)) - t[range(len(t)), y],
    "binary_cross_entropy": lambda t, y: (np.log(1 + np.exp(t)) - y * t).sum(1),
    "squared_error": lambda t, y: ((t - y) ** 2).sum(1) / 2,
    "absolute_error": lambda t, y: abs(t - y).sum(1),
    "huber": lambda t, y: huber(t, y).sum(1),
    "log_cosh": lambda t, y: np.log(np.cosh(t - y)).sum(1),
    "poisson": lambda t, y: (y * (np.log(np.maximum(y, 1)) - t) - y + np.exp(t)).sum(1),
}


def errors(loss, t, y):
    """Error of each row, likewise."""
    return ERRORS[loss.name](t, y) if loss.name in ERRORS else np.vectorize(loss.error)(t, y, *loss.numbers).sum(1)


def error(model, X, y, w):
    """E of a model in numpy, float64."""
    h, penalty, network = X, 0.0, model.network
    for (W, b, *more), F, norm in zip(model.parameters, network.activations, network.layer_norms, strict=True):
        t = h @ W + b
        if norm:
            t = (t - t.mean(1, keepdims=True)) / np.sqrt(t.var(1, keepdims=True) + 1e-5) * more[0] + more[1]
        h = activate(F, t, *more[2 * norm :])
        penalty += network.l1 * abs(W).sum() + network.l2 / 2 * (W**2).sum()
    return (w * errors(network.loss, h, y)).sum() / w.sum() + penalty


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [*ACTIVATIONS, "mixed"])
def test_gradients_are_central_differences(activation, loss):
    rng, step = np.random.default_rng(11), 1e-5
    sizes = [4, 5, 6, 3] if activation != "mixed" else [3, 4, 3, 5, 2, 4, 3, 4, 3]
    F_of_layers = MIXED if activation == "mixed" else activation
    X, w = rng.standard_normal((7, sizes[0])), rng.uniform(0, 2, 7)
    y = targets(rng, X, loss, sizes[-1])
    gradients = {}
    for kernels in KERNELS:
        settings = {"loss": loss, "l1": 0.01, "l2": 0.02, "dtype": "float64", "seed": 5, "kernels": kernels}
        model = fastbp.Model(sizes, F_of_layers, **settings)
        for (_, b, *_), draws in zip(
            model.parameters, np.random.default_rng(1).uniform(-0.5, 0.5, (8, 6)), strict=False
        ):
            b[...] = draws[: len(b)]
        E, gradients[kernels] = model.gradients(X, y, sample_weight=w)
        assert pytest.approx(error(model, X, y, w), rel=1e-13) == E
    for arrays, fast, plain in zip(model.parameters, *gradients.values(), strict=True):
        for array, gradient, same in zip(arrays, fast, plain, strict=True):
            difference = np.empty_like(array)
            for index, value in np.ndenumerate(array):
                around = []
                for array[index] in (value - step, value + step):
                    around.append(error(model, X, y, w))
                array[index] = value
                difference[index] = (around[1] - around[0]) / (2 * step)
            scale = abs(gradient).max()
            assert scale > 1e-4 or activation == "mixed"  # nothing dead
            np.testing.assert_allclose(difference, gradient, rtol=0, atol=1e-7 * max(scale, 1e-2))
            np.testing.assert_allclose(same, gradient, rtol=0, atol=1e-13 * max(scale, 1e-2))


# ---- fast kernels against plain loops, over whole trainings

SHAPES = [  # sizes, rows of a minibatch
    ((1, 1, 1), 3),
    ((7, 13, 16, 2), 17),
    ((17, 15, 33, 1), 16),
    ((5, 16, 17, 31, 3), 15),
    ((37, 61, 10), 300),  # in four blocks
    ((20, 100, 2), 200),  # in two
]
VARIANTS = [(False, {}), (True, {}), (False, {"l2": 0.05}), (True, {"l2": 0.01, "l1": 0.002})]  # weighted, settings


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [*ACTIVATIONS, "mixed"])
def test_trainings_agree(activation, loss, dtype, rng):
    """Each shape meets each optimizer and each variant in one of the tests."""
    number = [*ACTIVATIONS, "mixed"].index(activation) + 3 * list(LOSSES).index(loss)
    for k, optimizer in enumerate(OPTIMIZERS):
        sizes, batch_size = SHAPES[(number + k) % len(SHAPES)]
        sizes = (*sizes[:-1], max(2, sizes[-1])) if loss == "cross_entropy" else sizes  # one class learns nothing
        weighted, extra = VARIANTS[(number // 2 + k) % len(VARIANTS)]
        X = rng.standard_normal((2 * batch_size + 5, sizes[0])) / 2
        y = targets(rng, X, loss, sizes[-1])
        w = np.where(rng.random(len(X)) < 0.3, 0, rng.uniform(0.5, 2, len(X))) if weighted else None
        F_of_layers = MIXED[: len(sizes) - 2] if activation == "mixed" else activation
        settings = {"activation": F_of_layers, "loss": loss, "dtype": dtype, **extra}
        given = OPTIMIZERS[optimizer]["optimizer"]
        settings["optimizer"] = replace(given, learning_rate=given.learning_rate / 5)
        assert_alike(both(sizes, X, y, batch_size, fit={"sample_weight": w}, **settings), X, y)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_a_minibatch_that_counts_nothing_moves_nothing(loss, kernels, dtype, rng):
    X = rng.standard_normal((24, 5))
    y = targets(rng, X, loss, 3)
    w = np.repeat([1.0, 0.0], [8, 16])
    alone, with_nothing = (fastbp.Model([5, 7, 3], loss=loss, dtype=dtype, kernels=kernels, seed=2) for _ in range(2))
    alone.fit(X[:8], y[:8], epochs=1, batch_size=8, shuffle=False, verbose=0)
    with_nothing.fit(X, y, epochs=1, batch_size=8, shuffle=False, verbose=0, sample_weight=w)
    for layer, other in zip(alone.parameters, with_nothing.parameters, strict=True):
        for array, same in zip(layer, other, strict=True):
            np.testing.assert_array_equal(array, same)
    assert with_nothing.evaluate(X, y, w)["loss"] == pytest.approx(alone.evaluate(X[:8], y[:8])["loss"], rel=1e-6)
