"""Rows whose products exceed the dtype: predictions warn of them, name the first, and leave the others as they are."""

import warnings

import numpy as np
import pytest

import fastbp
from fastbp.data import Pieces

SIZES = [3, 16, 4]
NEAR = np.random.default_rng(0).standard_normal((300, 3))
WORDS = "predictions of 1 of {} rows are not finite, the first of row {}: .* exceed {}; X should be scaled"


def model(dtype, **settings):
    net = fastbp.Model(SIZES, seed=0, dtype=dtype, **settings)
    for W, *_ in net.parameters:
        W *= 50
    return net


def rows(n, far, dtype):
    """Rows of which one is near the largest number, so that its sums exceed it."""
    X = NEAR[:n].astype(dtype)
    X[far] = np.finfo(dtype).max / 4 * np.sign(X[far])
    return X


@pytest.mark.parametrize(
    "settings", [{}, {"kernels": "elementwise"}, {"layer_norm": True}, {"activation": "gelu"}], ids=str
)
@pytest.mark.parametrize(("n", "far"), [(1, 0), (2, 1), (40, 33), (300, 7)])
def test_predictions_of_a_model_warn_of_them(n, far, settings, dtype):
    net, X = model(dtype, **settings), rows(n, far, dtype)
    others = np.arange(n) != far
    for call in net.predict, net.predict_proba:
        with pytest.warns(RuntimeWarning, match=WORDS.format(n, far, np.dtype(dtype))) as told:
            found = call(X)
        assert len(told) == 1 and told[0].filename == __file__
        if others.any():
            np.testing.assert_allclose(found[others], call(X[others]), rtol=1e-5)
        if found.ndim == 2:
            assert not np.isfinite(found[far]).all() and np.isfinite(found[others]).all()


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("n", [1, 5, 100])
def test_one_output_of_several_is_enough(n, loss):
    net = fastbp.Model([2, 3], loss=loss, seed=0)
    net.parameters[0][0][...] = [[1, 2, 3], [0, 0, 4]]
    X = np.zeros((n, 2), np.float32)
    assert np.isfinite(net.predict(X)).all()
    X[n // 2] = 1.5e38, -1.5e38  # t is finite, infinite and not a number
    with pytest.warns(RuntimeWarning, match=f"predictions of 1 of {n} rows are not finite, the first of row {n // 2}"):
        net.predict(X)


def test_rows_of_a_source_are_counted_over_its_pieces():
    X = rows(300, 170, "float32")
    pieces = Pieces(lambda: ((X[at : at + 100], None) for at in range(0, 300, 100)))
    with pytest.warns(RuntimeWarning, match=WORDS.format(300, 170, "float32")):
        model("float32").predict(pieces)


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(("n", "far"), [(1, 0), (3, 1), (200, 150)])
def test_estimators_warn_of_them(kind, n, far, dtype):
    pytest.importorskip("sklearn")
    import fastbp.sklearn as ours

    estimator = getattr(ours, kind)(hidden_layer_sizes=(16,), max_iter=3, tol=9.0, n_iter_no_change=1, random_state=0)
    estimator.fit(NEAR.astype(dtype), NEAR[:, 0] > 0)
    for W in estimator.coefs_:
        W *= 50
    with pytest.warns(RuntimeWarning, match=WORDS.format(n, far, np.dtype(dtype))) as told:
        estimator.predict(rows(n, far, dtype))
    assert len(told) == 1


def test_ordinary_rows_give_no_warning(dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in 1, 4, 300:
            model(dtype).predict(NEAR[:n])
