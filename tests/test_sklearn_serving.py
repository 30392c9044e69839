"""Predictions of a few rows by the estimators: parameters are read where they are, and users may edit them."""

import ctypes
import mmap
import sys
import threading

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from fastbp.execution.in_place import MOST_ROWS
from fastbp.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
SIZES = [37, 17, 33, 16, 1, 3]  # below, at and above vectors of both dtypes
ROWS = [1, 4, 5, 7, 8, 9, 31, 33, 64, 65, MOST_ROWS]


def fitted(kind, sizes, dtype, activation="relu", **settings):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((MOST_ROWS + 3, sizes[0])).astype(dtype)
    y = np.arange(len(X)) % sizes[-1] if "Classifier" in kind.__name__ else rng.standard_normal((len(X), sizes[-1]))
    estimator = kind(
        hidden_layer_sizes=sizes[1:-1], activation=activation, max_iter=1, random_state=0, batch_size=64, **settings
    ).fit(X, y.astype(dtype).squeeze())
    for array in (*estimator.coefs_, *estimator.intercepts_, *getattr(estimator, "slopes_", ())):
        array[...] = rng.standard_normal(array.shape) / len(array) ** 0.5
    return estimator, X


def outputs(estimator, X):
    return estimator._forward_pass_fast(X)


@pytest.mark.parametrize("settings", [
    {}, {"activation": "tanh"}, {"activation": "prelu"}, {"layer_norm": True}, {"dropout": 0.5},
    {"activation": ["gelu", "relu", "prelu", "elu"], "layer_norm": [True, False, True, False]},
], ids=str)  # fmt: skip
def test_any_number_of_rows_has_the_bits_of_many(settings, dtype):
    estimator, X = fitted(MLPRegressor, SIZES, dtype, **settings)
    whole = outputs(estimator, X)  # of packed parameters, as there are more than MOST_ROWS
    for rows in ROWS:
        np.testing.assert_array_equal(outputs(estimator, X[:rows]), whole[:rows])
        np.testing.assert_array_equal(outputs(estimator, X[-rows:]), whole[-rows:])


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("mine, theirs", [(MLPClassifier, TheirClassifier), (MLPRegressor, TheirRegressor)])
def test_scikit_learn_predicts_the_same(mine, theirs, activation, dtype):
    estimator, X = fitted(mine, [37, 17, 4], dtype, activation)
    reference, _ = fitted(theirs, [37, 17, 4], dtype, activation)
    close = {"rtol": 2000 * np.finfo(dtype).eps, "atol": 20 * np.finfo(dtype).eps}
    for rows in ROWS:
        found, expected = outputs(estimator, X[:rows]), reference._forward_pass_fast(X[:rows])
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, **close)


@pytest.mark.parametrize("rows", [1, 9, 65])
def test_parameters_that_were_edited_or_assigned_count_at_once(rows, dtype):
    estimator, X = fitted(MLPRegressor, [5, 3, 2], dtype)
    outputs(estimator, X[:rows])
    estimator.coefs_[0][:], estimator.intercepts_[0][:] = 0, [1, -1, 2]
    estimator.coefs_[1] = np.array([[1, 2], [3, 4], [5, 6]], dtype)
    estimator.intercepts_ = [estimator.intercepts_[0], np.array([10, 20], dtype)]
    expected = np.full((rows, 2), [1 + 0 + 2 * 5 + 10, 2 + 0 + 2 * 6 + 20], dtype)  # relu(1, -1, 2) W + b
    np.testing.assert_array_equal(outputs(estimator, X[:rows]), expected)
    estimator.coefs_[1][0, 0] = 7
    assert outputs(estimator, X[:rows])[-1, 0] == expected[-1, 0] + 6
    estimator.set_params(activation="identity")
    assert outputs(estimator, X[:rows])[-1].tolist() == [7 - 3 + 10 + 10, 2 - 4 + 12 + 20]


@pytest.mark.parametrize("rows", [1, 40])
def test_arrays_of_any_layout_and_dtype_are_read(rows, dtype):
    estimator, X = fitted(MLPRegressor, SIZES, dtype)
    expected = outputs(estimator, X[:rows])
    given = list(estimator.coefs_)
    for change in (
        np.asfortranarray, lambda W: np.repeat(W, 2, axis=1)[:, ::2], lambda W: W[::-1].copy()[::-1],
        lambda W: W.astype(W.dtype.newbyteorder()), lambda W: np.frombuffer(W.tobytes(), W.dtype).reshape(W.shape),
    ):  # fmt: skip
        estimator.coefs_ = [change(W) for W in given]
        np.testing.assert_array_equal(outputs(estimator, X[:rows]).astype(dtype), expected)


@pytest.mark.parametrize("rows", [1, 40])
def test_float32_weights_and_float64_rows_give_float64(rows):
    estimator, X = fitted(MLPRegressor, SIZES, np.float32)
    found = outputs(estimator, X[:rows].astype(np.float64))
    assert found.dtype == np.float64
    estimator.coefs_ = [W.astype(np.float64) for W in estimator.coefs_]
    np.testing.assert_array_equal(found, outputs(estimator, X[:rows]))


@pytest.mark.parametrize("rows", [1, 9, 40, MOST_ROWS + 1])
def test_parameters_that_do_not_fit_are_refused(rows, dtype):
    estimator, X = fitted(MLPRegressor, [5, 8, 2], dtype)
    kept = estimator.coefs_, estimator.intercepts_
    for coefs, intercepts in (
        ([kept[0][0], kept[0][1][:7]], kept[1]), (kept[0], [kept[1][0][:3], kept[1][1]]),
        (kept[0][:1], kept[1]), (kept[0], [*kept[1], kept[1][0]]), (kept[0], [kept[1][0][:, None], kept[1][1]]),
    ):  # fmt: skip
        estimator.coefs_, estimator.intercepts_ = coefs, intercepts
        with pytest.raises(ValueError, match="coefs_ and intercepts_ must hold W of shape"):
            outputs(estimator, X[:rows])
    estimator.coefs_, estimator.intercepts_ = [kept[0][0][:4], kept[0][1]], kept[1]
    with pytest.raises(ValueError, match="X must have 4 columns, one for each row of coefs_"):
        outputs(estimator, X[:rows])


@pytest.mark.parametrize("rows", [1, 9, 40, MOST_ROWS + 1])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_get_scikit_learns_error(rows, bad):
    mine, X = fitted(MLPRegressor, [5, 8, 2], np.float64)
    theirs, _ = fitted(TheirRegressor, [5, 8, 2], np.float64)
    X[rows - 1, 3] = bad
    messages = []
    for estimator in (mine, theirs):
        with pytest.raises(ValueError, match=r"Input X contains") as error:
            estimator.predict(X[:rows])
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    assert np.isfinite(mine.predict(np.ones((rows, 5)))).all()


@pytest.mark.parametrize("X", [np.ones((0, 5)), np.ones(5), np.ones((2, 4)), np.ones((2, 5, 1)), [["a"] * 5]], ids=str)
def test_rows_of_another_shape_get_scikit_learns_error(X):
    messages = []
    for kind in (MLPRegressor, TheirRegressor):
        with pytest.raises(ValueError, match=r"array|features|could not convert|string") as error:
            fitted(kind, [5, 8, 2], np.float64)[0].predict(X)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("sizes", [[5, 3, 1], [16, 8, 2], [9, 17, 7], [1, 1, 1], [3, 33, 15]])
def test_nothing_is_read_behind_the_users_arrays(sizes, dtype):
    estimator, X = fitted(MLPRegressor, sizes, dtype)
    expected = [outputs(estimator, X[:rows]) for rows in (1, 9, 65)]
    rooms = []

    def at_the_end(array):  # of a page, behind which there is one that may not be read
        room = mmap.mmap(-1, 2 * mmap.PAGESIZE)
        rooms.append(room)
        start = ctypes.addressof(ctypes.c_char.from_buffer(room))
        if sys.platform != "win32":
            assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(start + mmap.PAGESIZE), mmap.PAGESIZE, 0) == 0
        moved = np.frombuffer(room, dtype, array.size, mmap.PAGESIZE - array.nbytes).reshape(array.shape)
        moved[...] = array
        return moved

    estimator.coefs_ = [at_the_end(W) for W in estimator.coefs_]
    estimator.intercepts_ = [at_the_end(b) for b in estimator.intercepts_]
    for rows, z in zip((1, 9, 65), expected, strict=True):
        np.testing.assert_array_equal(outputs(estimator, X[:rows]), z)


def test_many_threads_may_predict_at_once():
    estimator, X = fitted(MLPClassifier, [37, 64, 5], np.float64)
    rows = [1, 3, 9, 40, 100]
    expected, wrong = [estimator.predict_proba(X[:n]) for n in rows], []

    def ask():
        for _ in range(30):
            for n, z in zip(rows, expected, strict=True):
                if not np.array_equal(estimator.predict_proba(X[:n]), z):
                    wrong.append(n)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("call", ["predict", "partial_fit", "fit"])
@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("value", [3.0, np.zeros(()), np.zeros((2, 2, 2))], ids=["number", "no dimension", "three"])
def test_fitted_arrays_of_other_dimensions_are_refused(name, value, call, rng):
    X, y = rng.random((9, 3)), np.arange(9) % 2
    estimator = MLPClassifier((4,), max_iter=9, tol=10, n_iter_no_change=1, random_state=0, warm_start=True)
    estimator.fit(X, y)
    getattr(estimator, name)[0] = value
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must hold W of shape"):
        getattr(estimator, call)(*([X] if call == "predict" else [X, y]))
