"""E over one weight and the steps of gradient descent are those of the equations."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from test_plot import X, Y, axes, drawn, model

from fastbp import plot
from fastbp.plot import descending, landscape

rng = np.random.default_rng(8)


# ---- one weight


def test_the_error_curve_and_its_slope_are_those_of_gradients():
    m = model(l2=0.01)
    E, gradients = m.gradients(X, Y)
    ax = plot.error_curve(m, X, Y, 2, (4, 1), axes())
    slope, here = gradients[1][0][4, 1], m.parameters[1][0][4, 1]
    w, curve = drawn(ax, "$E(w)$")
    assert w[50] == here and curve[50] == E
    i = np.array([49, 50, 51])
    parabola = np.polyfit(w[i] - here, curve[i], 2)
    np.testing.assert_allclose(parabola[1], slope, rtol=5e-3)
    ends, tangent = drawn(ax, rf"$\partial E/\partial w$ = {slope:.3g}")
    np.testing.assert_allclose(np.diff(tangent) / np.diff(ends), slope)
    np.testing.assert_allclose(np.interp(here, ends, tangent), E)
    moved = model(l2=0.01)
    moved.parameters[1][0][4, 1] = w[0]
    assert curve[0] == pytest.approx(moved.gradients(X, Y)[0], rel=1e-12)


def test_the_steepest_weight_is_taken_by_default():
    m = model(epochs=0)
    dW = m.gradients(X, Y)[1][0][0]
    assert np.abs(dW[descending.OneWeight(m, X, Y, 1, None).index]) == np.abs(dW).max()


def test_one_weight_descends_by_equation_54():
    m = model(epochs=0)
    ax = plot.descent(m, X, Y, 1, (0, 5), axes(), steps=4, learning_rate=0.5, start=2.0)
    w, E = drawn(ax, r"4 steps, $\alpha$ = 0.5")
    assert w[0] == 2 and len(w) == 5
    for step in range(4):
        m.parameters[0][0][0, 5] = w[step]
        loss, gradients = m.gradients(X, Y)
        assert E[step] == loss and w[step + 1] == pytest.approx(w[step] - 0.5 * gradients[0][0][0, 5], rel=1e-12)


# ---- the whole model's descent


def test_the_path_is_that_of_gradient_descent():
    m = model(epochs=0)
    path = descending.train_path(m, X, Y, 5, 0.3, None, 0)
    for flat in path:
        np.testing.assert_allclose(flat, landscape.flat_parameters(m), rtol=1e-9, atol=1e-12)
        for (W, b), (dW, db) in zip(m.parameters, m.gradients(X, Y)[1], strict=True):
            W -= 0.3 * dW
            b -= 0.3 * db


def test_steps_of_minibatches_depend_on_the_seed_alone():
    one, same, other = (descending.train_path(model(epochs=0), X, Y, 3, 0.1, 8, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_the_plane_is_that_of_the_largest_extents():
    basis = np.linalg.qr(rng.standard_normal((30, 3)))[0].T
    along = rng.standard_normal((12, 3)) * [5, 2, 0.1]
    directions, shares = descending.nearest_plane(along @ basis)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    away = (along - along[-1])[:-1]
    values = np.linalg.eigvalsh(away.T @ away)[::-1]
    np.testing.assert_allclose(shares, values[:2] / values.sum(), rtol=1e-9)


@pytest.mark.parametrize("path", [[[0, 0, 0], [3, 4, 0]], [[1, 1], [1, 1]]], ids=["straight", "none"])
def test_a_path_that_spans_no_plane_gets_a_direction(path):
    directions, shares = descending.nearest_plane(np.array(path, float))
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    assert shares[1] == 0


def test_the_plane_goes_through_the_paths_end_and_holds_it():
    m = model(epochs=0)
    ax = plot.descent(m, X, Y, ax=axes(), steps=6, points=3)
    a, b = drawn(ax, r"6 steps, $\alpha$ = 0.1")
    assert (a[-1], b[-1]) == (0, 0) and len(a) == 7
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left < a.min() <= a.max() < right and low < b.min() <= b.max() < high
