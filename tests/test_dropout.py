"""Dropout drops in training steps alone, its share, and the same from run to run."""

import numpy as np
import pytest

import fastbp
from fastbp.kernels.activations import ACTIVATIONS
from fastbp.optimizers import SGD

rng = np.random.default_rng(5)
X = rng.standard_normal((120, 6))
y = (X @ rng.standard_normal((6, 3))).argmax(1)


def test_dropout_drops_its_share_keeps_the_mean_and_is_off_afterwards():
    wide = fastbp.Model([1, 4000, 2], seed=0, dropout=0.25, learning_rate=0.0, activation="identity")
    plain = fastbp.Model([1, 4000, 2], seed=0, learning_rate=0.0, activation="identity")
    for m in (wide, plain):
        (W, _), (V, _) = m.parameters
        W[...], V[...] = 1, 1 / 4000
        V[:, 1] = 0
    ones, zeros = np.ones((64, 1)), np.zeros(64, int)
    np.testing.assert_array_equal(wide.predict_proba(ones), plain.predict_proba(ones))
    kept = wide.fit(ones, zeros, epochs=1, batch_size=64, verbose=0).loss[0]
    assert kept == pytest.approx(np.log1p(np.exp(-1.0)), abs=0.005)  # the mean of t is 1 as without
    assert kept != plain.fit(ones, zeros, epochs=1, batch_size=64, verbose=0).loss[0]


def test_dropout_differs_from_step_to_step_and_not_from_run_to_run():
    def losses(seed):
        m = fastbp.Model([6, 64, 3], seed=seed, dropout=0.5, learning_rate=0.0)
        return [m.fit(X, y, epochs=1, batch_size=120, shuffle=False, verbose=0).loss[0] for _ in range(3)]

    assert losses(1) == losses(1) and len(set(losses(1))) == 3


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("momentum", [0, 0.9])
def test_dropout_is_off_where_gradients_are_asked_for(kernels, momentum):
    settings = {"dtype": "float64", "kernels": kernels}
    dropping = fastbp.Model([6, 16, 3], seed=1, dropout=0.5, optimizer=SGD(momentum=momentum), **settings)
    dropping.fit(X, y, epochs=2, batch_size=32, verbose=0)
    plain = fastbp.Model([6, 16, 3], **settings)
    for layer, same in zip(plain.parameters, dropping.parameters, strict=True):
        for array, other in zip(layer, same, strict=True):
            array[...] = other
    (E, gradients), (right, expected) = dropping.gradients(X, y), plain.gradients(X, y)
    assert E == pytest.approx(right, rel=1e-14) and E == pytest.approx(dropping.evaluate(X, y)["loss"], rel=1e-14)
    for layer, same in zip(gradients, expected, strict=True):
        for array, other in zip(layer, same, strict=True):
            np.testing.assert_allclose(array, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_goes_through_what_is_kept_and_nothing_else(activation, kernels):
    """One unit, kept with a probability of 1/4: y = 0, so that E = (4 F(t))^2 / 2 or 0."""
    settings = {"loss": "squared_error", "dtype": "float64", "kernels": kernels, "seed": 3, "learning_rate": 1.0}
    plain = fastbp.Model([1, 1, 1], activation, **settings)
    m = fastbp.Model([1, 1, 1], activation, dropout=0.75, **settings)
    kept = set()
    for _ in range(20):
        for model in (plain, m):
            for layer, values in zip(model.parameters, ((0.7, 0), (1, 0)), strict=True):
                for array, value in zip(layer, values, strict=False):  # not an activation's parameter
                    array[...] = value
                for more in layer[2:]:
                    more[...] = 0.3
        _, [(dW, *_), _] = plain.gradients([[1.0]], [[0.0]])
        loss = m.fit([[1.0]], [[0.0]], epochs=1, verbose=0).loss[0]
        step = 0.7 - m.parameters[0][0][0, 0]
        kept.add(loss > 0)
        assert step == pytest.approx(16 * dW[0, 0] if loss > 0 else 0, rel=1e-12)
    assert kept == {False, True}
