"""Plans that are kept between predictions see the present parameters, and no two threads use one at a time."""

import copy
import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastbp
from fastbp.execution.pool import KEPT_BYTES

SIZES = [13, 37, 3]


@pytest.fixture
def estimators():
    """`fastbp.sklearn`, where scikit-learn is installed."""
    pytest.importorskip("sklearn", minversion="1.9")
    import fastbp.sklearn

    return fastbp.sklearn


@pytest.fixture
def X(rng):
    return rng.standard_normal((33, 13), np.float32)


@pytest.fixture
def y(rng):
    return rng.integers(0, 3, 33)


def test_parameters_that_change_between_predictions_count(X, y):
    model = fastbp.Model(SIZES, seed=0)
    before = model.predict_proba(X), model.evaluate(X, y)["loss"], model.gradients(X, y)[0]
    for layer in model.parameters:
        for array in layer:
            array *= 1.5
    fresh = fastbp.Model(SIZES, seed=1)
    fresh.set_state(model.get_state())
    np.testing.assert_array_equal(model.predict_proba(X), fresh.predict_proba(X))
    assert model.evaluate(X, y) == fresh.evaluate(X, y)
    assert model.gradients(X, y)[0] == fresh.gradients(X, y)[0]
    assert not np.array_equal(before[0], model.predict_proba(X)) and before[1] != model.evaluate(X, y)["loss"]


@pytest.mark.parametrize("rows", [1, 2, 5, 16, 17, 33])
def test_any_number_of_rows_after_any_other_has_the_same_bits(X, rows):
    model = fastbp.Model(SIZES, activation="tanh", seed=0)
    whole = model.predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(X[:rows]), whole[:rows])
    np.testing.assert_array_equal(model.predict_proba(X[-rows:].astype(np.float64)), whole[-rows:])


def test_a_row_that_is_refused_leaves_nothing_behind(X, y):
    model = fastbp.Model(SIZES, seed=0)
    right = model.predict_proba(X)
    X[7, 3] = np.nan
    for call in (model.predict_proba, lambda X: model.evaluate(X, y), lambda X: model.gradients(X, y)):
        with pytest.raises(ValueError, match="row 7"):
            call(X)
    X[7] = X[8]
    np.testing.assert_array_equal(model.predict_proba(X)[9:], right[9:])


def test_threads_share_a_model_and_an_estimator(X, y, estimators):
    model, estimator = fastbp.Model(SIZES, seed=0), estimators.MLPClassifier((37,), random_state=0, max_iter=2, tol=0)
    with pytest.warns(Warning, match="Maximum iterations"):
        estimator.fit(X, y)
    for call in model.predict_proba, estimator.predict_proba:
        right = call(X)
        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(call, [X] * 200):
                np.testing.assert_array_equal(found, right)


def test_plans_of_large_networks_and_of_other_settings_are_not_kept(X):
    model = fastbp.Model(SIZES, seed=0)
    model.predict_proba(X)
    (kept,) = model._pool._idle
    model.n_threads = 1
    model.predict_proba(X)
    (other,) = model._pool._idle
    assert other is not kept and other.n_threads == 1
    large = fastbp.Model([13, KEPT_BYTES // 4 // 17 + 1, 3], seed=0)
    large.predict_proba(X)
    assert not large._pool._idle
    sparse, few = pytest.importorskip("scipy.sparse"), X * (np.arange(13) % 5 == 0)
    before = large.predict_proba(sparse.csr_array(few))  # reads the first W where it stands
    (plan,) = large._pool._idle
    assert plan.W0 is None
    large.parameters[0][0][:] *= 2
    after = large.predict_proba(sparse.csr_array(few))
    np.testing.assert_allclose(after, large.predict_proba(few), rtol=1e-4, atol=1e-6)
    assert not np.allclose(before, after) and not large._pool._idle


def test_threads_that_are_set_later_are_those_of_fit_and_of_one_row(X, y):
    model = fastbp.Model(SIZES, seed=0, n_threads=1)
    model.predict_proba(X[:1])
    model.n_threads = None
    model.predict_proba(X[:1])
    assert model._plan.n_threads is None and model._plan._rows.n_threads is None
    model.n_threads = 1
    model.fit(X, y, epochs=1, verbose=0)
    assert model._plan.n_threads == 1


def test_an_estimator_that_cannot_be_hashed_predicts_and_leaves_nothing_behind(X, y, estimators):
    class Compared(estimators.MLPClassifier):
        def __eq__(self, other):
            raise ArithmeticError

        __hash__ = None

    pools = estimators.compiled._POOLS
    before = set(pools)
    with pytest.warns(Warning, match="Maximum iterations"):
        estimator = Compared((37,), random_state=0, max_iter=2, tol=0).fit(X, y)
    assert estimator.predict(X).shape == (33,) and set(pools) - before
    del estimator
    gc.collect()
    assert set(pools) <= before


def test_copies_keep_plans_of_their_own(X, y):
    model = fastbp.Model(SIZES, seed=0)
    model.predict_proba(X)
    twin = copy.deepcopy(model)
    twin.fit(X, y, verbose=0)
    assert not np.array_equal(twin.predict_proba(X), model.predict_proba(X))
    assert not set(map(id, twin._pool._idle)) & set(map(id, model._pool._idle))


def test_an_estimator_whose_weights_are_replaced_predicts_with_the_new_ones(X, y, estimators):
    from sklearn.base import clone

    with pytest.warns(Warning, match="Maximum iterations"):
        estimator = estimators.MLPClassifier((37,), random_state=0, max_iter=2, tol=0).fit(X, y)
    before, twin = estimator.predict_proba(X), copy.deepcopy(estimator)
    estimator.coefs_ = [2 * W for W in estimator.coefs_]
    assert not np.array_equal(estimator.predict_proba(X), before)
    np.testing.assert_array_equal(twin.predict_proba(X), before)
    with pytest.warns(Warning, match="Maximum iterations"):
        other = clone(estimator).set_params(hidden_layer_sizes=(5,)).fit(X, y)
    assert other.predict_proba(X).shape == (33, 3)
