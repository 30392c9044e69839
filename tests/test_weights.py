"""Weights of rows and classes: in gradients, in the losses and accuracies that are told, and in early stopping."""

import numpy as np
import pytest

import fastbp

rng = np.random.default_rng(6)
X = rng.standard_normal((120, 6))
y = (X @ rng.standard_normal((6, 3))).argmax(1)
WEIGHTS = np.where(np.arange(120) % 4 == 0, 0, np.arange(120) % 7 + 0.5)
WEIGHTS[30:64] = 0  # with minibatches of 32 in order, the second one weighs nothing
STILL = {"optimizer": fastbp.optimizers.SGD(0.0), "dtype": "float64", "seed": 1}


def still(loss="cross_entropy", **settings):
    return fastbp.Model([6, 16, 3], loss=loss, **STILL | settings)


def fit(m, y=y, **settings):
    return m.fit(X, y, **{"epochs": 1, "batch_size": 32, "verbose": 0, "shuffle": False} | settings)


@pytest.mark.parametrize("batch_size", [1, 32, 50, 120])
@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
def test_losses_and_accuracies_are_weighted_means_over_the_epoch(loss, kernels, batch_size):
    targets = y if loss == "cross_entropy" else np.eye(3)[y]
    m, w = still(loss, kernels=kernels), WEIGHTS
    history = fit(m, targets, sample_weight=w, batch_size=batch_size, validation_data=(X, targets, w))
    alone = [m.evaluate(X[i : i + 1], targets[i : i + 1]) for i in range(120)]
    wanted = {name: sum(w * [row[name] for row in alone]) / sum(w) for name in alone[0]}
    assert m.evaluate(X, targets, w) == pytest.approx(wanted, rel=1e-12)
    told = {name: (getattr(history, name)[0], getattr(history, f"val_{name}")[0]) for name in wanted}
    assert told == {name: pytest.approx((value, value), rel=1e-12) for name, value in wanted.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_rows_on_several_workers_weigh_the_same(n_threads, dtype):
    many, classes = np.tile(X, (20, 1)), np.tile(y, 20)
    w = np.tile(WEIGHTS, 20)
    m = fastbp.Model([6, 40, 3], **STILL | {"dtype": dtype}, n_threads=n_threads)
    history = m.fit(many, classes, sample_weight=w, batch_size=1024, epochs=1, verbose=0)
    scores = m.evaluate(many, classes, w)
    assert history.loss == pytest.approx([scores["loss"]], rel=1e-6)
    assert history.accuracy == pytest.approx([scores["accuracy"]], rel=1e-6)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_accuracy_counts_a_rows_weight_by_hand(kernels):
    m = fastbp.Model([1, 2], **STILL, kernels=kernels)
    m.parameters[0][0][...], m.parameters[0][1][...] = [[-1, 1]], 0  # class 1 where x > 0
    rows, classes, w = [[1], [2], [-1], [-2]], [1, 0, 0, 1], [3, 1, 2, 4]  # right, wrong, right, wrong
    assert m.evaluate(rows, classes, w)["accuracy"] == 0.5
    assert m.evaluate(rows, classes)["accuracy"] == 0.5
    assert m.evaluate(rows, classes, [3, 0, 2, 0])["accuracy"] == 1
    assert m.evaluate(rows, classes, [0, 1, 0, 3])["accuracy"] == 0
    history = m.fit(rows, classes, sample_weight=[3, 1, 0, 4], epochs=1, batch_size=3, verbose=0)
    assert history.accuracy == [3 / 8]


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_penalties_and_empty_minibatches_are_told_apart(kernels):
    m = still(kernels=kernels, l2=0.1)
    penalty = 0.05 * sum((W**2).sum() for W, _ in m.parameters)
    history = fit(m, sample_weight=WEIGHTS)
    assert history.loss[0] == pytest.approx(m.evaluate(X, y, WEIGHTS)["loss"] + penalty, rel=1e-12)


def test_an_empty_minibatch_does_not_mislead_early_stopping():
    m, weights = still(), np.repeat([1.0, 0.0], 60)
    stop = fastbp.callbacks.EarlyStopping("loss", patience=3, min_delta=1e-9)
    losses = fit(m, epochs=9, batch_size=20, shuffle=True, sample_weight=weights, callbacks=stop).loss
    assert losses == pytest.approx([losses[0]] * 4, rel=1e-12)  # no order of the rows looks better than another
