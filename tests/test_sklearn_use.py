"""fastbp.sklearn within what scikit-learn offers around an estimator, and with the data it takes."""

import os
import pickle
import signal
import threading
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib  # noqa: E402
from scipy import sparse  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from fastbp.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = {"hidden_layer_sizes": (11, 5), "max_iter": 10, "random_state": 3, "batch_size": 32}
X = np.random.default_rng(0).standard_normal((150, 7))
CLASSES, NUMBERS = X[:, :3].argmax(1), X[:, :2] ** 2
WORDS = np.array(["one", "two", "many"], object)[CLASSES]


def bits(estimator):
    """All that training made, to the bit."""
    arrays = [*estimator.coefs_, *estimator.intercepts_, np.array(estimator.loss_curve_)]
    return b"".join(array.tobytes() for array in arrays)


@pytest.fixture(params=["classifier", "regressor"])
def made(request):
    """An estimator, and the y it is for."""
    return (MLPClassifier(**SETTINGS), WORDS) if request.param == "classifier" else (MLPRegressor(**SETTINGS), NUMBERS)


# ---- around an estimator


def test_a_pipeline_scores_in_cross_validation(made):
    estimator, y = made
    pipeline = make_pipeline(StandardScaler(), estimator.set_params(max_iter=100, learning_rate_init=0.01))
    scores = cross_val_score(pipeline, X, y, cv=3)
    assert scores.shape == (3,) and scores.min() > 0.4


def test_a_grid_is_searched_in_two_processes_as_in_one():
    grid = {"alpha": [1e-4, 1.0], "activation": ["tanh", "relu"]}
    found = [GridSearchCV(MLPClassifier(**SETTINGS), grid, cv=2, n_jobs=n).fit(X, CLASSES) for n in (1, 2)]
    for name in ("split0_test_score", "split1_test_score"):
        assert np.array_equal(found[0].cv_results_[name], found[1].cv_results_[name])
    assert bits(found[0].best_estimator_) == bits(found[1].best_estimator_)


def test_a_clone_trains_to_the_same_bits(made):
    estimator, y = made
    again = clone(estimator.fit(X, y))
    assert not hasattr(again, "coefs_") and again.get_params() == estimator.get_params()
    assert bits(again.fit(X, y)) == bits(estimator)


def test_what_joblib_wrote_predicts_the_same_bits(made, tmp_path):
    estimator, y = made
    joblib.dump(estimator.fit(X, y), tmp_path / "estimator")
    again = joblib.load(tmp_path / "estimator")
    assert bits(again) == bits(estimator) and np.array_equal(again.predict(X), estimator.predict(X))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_pickle_in_the_middle_of_partial_fit_changes_no_bit(made, solver):
    estimator, y = made
    how = {"classes": np.unique(WORDS)} if y is WORDS else {}
    for _ in range(3):
        estimator.set_params(solver=solver).partial_fit(X, y, **how)
    again = pickle.loads(pickle.dumps(estimator))
    for each in (estimator, again):
        for _ in range(3):
            each.partial_fit(X, y)
    assert bits(again) == bits(estimator) and again.t_ == estimator.t_ == 6 * len(X)


def test_warm_start_goes_on_from_the_weights_that_are_there(made):
    estimator, y = made
    estimator.set_params(warm_start=True).fit(X, y)
    before, first = bits(estimator), estimator.loss_curve_[0]
    estimator.fit(X, y)
    assert bits(estimator) != before and estimator.loss_curve_[0] == first
    assert estimator.loss_curve_[10] < first  # went on, not anew


def test_data_frames_come_and_go():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdefg"))
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SETTINGS)).set_output(transform="pandas")
    pipeline.fit(frame, pandas.Series(WORDS))
    assert list(pipeline[-1].feature_names_in_) == list("abcdefg")
    plain = make_pipeline(StandardScaler(), MLPClassifier(**SETTINGS)).fit(X, WORDS)
    assert np.array_equal(pipeline.predict(frame), plain.predict(X))
    with pytest.raises(ValueError, match="feature names"):
        pipeline[-1].predict(frame[list("gfedcba")])


# ---- data


def test_a_lazy_frame_is_refused_in_plain_words(made):
    polars = pytest.importorskip("polars")
    estimator, y = made
    frame = polars.DataFrame(X, schema=list("abcdefg"))
    assert list(estimator.fit(frame, y).feature_names_in_) == list("abcdefg")
    for call in (
        lambda: estimator.predict(frame.lazy()),
        lambda: estimator.partial_fit(frame.lazy(), y),
        lambda: estimator.fit(frame.lazy(), y),
        lambda: estimator.fit(frame, y, X_val=frame.lazy(), y_val=y),
    ):
        with pytest.raises(TypeError, match=r"lazy frame.*collect"):
            call()


def test_words_are_classes_with_early_stopping_too():
    settings = SETTINGS | {"max_iter": 100, "early_stopping": True, "learning_rate_init": 0.01}
    estimator = MLPClassifier(**settings).fit(X, WORDS)
    assert estimator.classes_.tolist() == ["many", "one", "two"]
    assert estimator.score(X, WORDS) > 0.7 and set(estimator.predict(X)) <= set(WORDS)
    numbered = MLPClassifier(**settings).fit(X, np.unique(WORDS, return_inverse=True)[1])
    assert bits(numbered) == bits(estimator) and numbered.validation_scores_ == estimator.validation_scores_


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_rows_give_the_bits_of_dense_ones(made, kind, solver):
    estimator, y = made
    dense = np.where(X > 0.5, X, 0)
    found = [clone(estimator).set_params(solver=solver).fit(rows, y) for rows in (dense, kind(dense))]
    for one, other in zip(*(each.coefs_ + each.intercepts_ for each in found), strict=True):
        assert one.tobytes() == other.tobytes()
    assert np.array_equal(found[0].predict(dense), found[1].predict(kind(dense)))


def test_float32_stays_float32(made):
    estimator, y = made
    estimator.fit(X.astype("float32"), y if y is WORDS else y.astype("float32"))
    assert {array.dtype.name for array in estimator.coefs_ + estimator.intercepts_} == {"float32"}
    z = estimator.predict_proba(X.astype("float32")) if y is WORDS else estimator.predict(X.astype("float32"))
    assert z.dtype == "float32"


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_row_of_weight_zero_is_as_one_that_is_not_there(made, solver):
    estimator, y = made
    kept, w = np.arange(150) % 3 > 0, np.random.default_rng(1).uniform(0.5, 2, 150)
    estimator.set_params(solver=solver, batch_size=1000)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Got `batch_size`", UserWarning)
        without = clone(estimator).fit(X[kept], y[kept], w[kept])
        estimator.fit(X, y, np.where(kept, w, 0))
    if solver != "lbfgs":
        np.testing.assert_allclose(estimator.loss_curve_, without.loss_curve_, rtol=1e-10)
    for array, same in zip(estimator.coefs_ + estimator.intercepts_, without.coefs_ + without.intercepts_, strict=True):
        np.testing.assert_allclose(array, same, rtol=0, atol=1e-8)


# ---- Ctrl-C


@pytest.mark.skipif(os.name != "posix", reason="a signal as POSIX has it")
def test_ctrl_c_ends_training_with_a_warning(made):
    estimator, y = made
    estimator.set_params(max_iter=10**7, n_iter_no_change=10**7)
    clone(estimator).set_params(max_iter=1).fit(X, y)  # compiles
    timer = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.warns(UserWarning, match="interrupted by user"):
        estimator.fit(X, y)
    timer.join()
    assert 0 < estimator.n_iter_ < 10**7 and len(estimator.loss_curve_) >= estimator.n_iter_ - 1
    assert estimator.predict(X).shape == np.shape(y) and np.isfinite(estimator.coefs_[0]).all()
