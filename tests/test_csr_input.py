"""Sparse X that is damaged, or given to estimators, in data frames, and to what looks at a model."""

import warnings

import numpy as np
import pytest
from test_csr import never_dense, random  # noqa: F401

import fastbp
from fastbp.data.sparse import SparseRows
from fastbp.inspection.profiler import costs
from fastbp.kernels.entries.records import HUGE, LINE, address, aligned
from fastbp.kernels.program.phases import Kernel

sparse = pytest.importorskip("scipy.sparse")
peers = pytest.importorskip("sklearn.neural_network")
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

import fastbp.sklearn as ours  # noqa: E402


def _index(at, value):
    def damage(X):
        X.indices[at] = value

    return damage


def _pointer(at, value):
    def damage(X):
        X.indptr[at] += value

    return damage


def _cut(name):
    def damage(X):
        setattr(X, name, getattr(X, name)[:-2])

    return damage


DAMAGES = [
    (_index(3, -1), "column indices from 0 to 19, got -1"),
    (_index(-1, 20), "column indices from 0 to 19, got 20"),
    (_pointer(7, 1000), "indptr that begins with 0 and never falls"),
    (_pointer(0, 2), "indptr that begins with 0 and never falls, got 2 at 0"),
    (_pointer(-1, 4), "indptr that ends with the number of entries"),
    (_cut("data"), "arrays of one length"),
    (_cut("indices"), "arrays of one length"),
    (_cut("indptr"), r"indptr of shape \(41,\), got shape \(39,\)"),
]


def refuses(X, message):
    """Every call refuses X by name, and changes nothing."""
    y, good = np.arange(40) % 2, random(40, 20)
    model = fastbp.Model([20, 5, 2], seed=0)
    estimator = ours.MLPClassifier((5,), random_state=0, solver="sgd", max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(good, y)
    before = model.get_state()["parameters"], [W.copy() for W in estimator.coefs_]
    for call in (
        lambda: model.fit(X, y, verbose=0),
        lambda: model.predict(X),
        lambda: model.gradients(X, y),
        lambda: estimator.fit(X, y),
        lambda: estimator.partial_fit(X, y),
        lambda: estimator.predict(X),
    ):
        with pytest.raises(ValueError, match=f"X must be sparse with .*{message}"):
            call()
    assert np.array_equal(before[0], model.get_state()["parameters"])
    assert all(np.array_equal(a, b) for a, b in zip(before[1], estimator.coefs_, strict=True))


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_damaged_arrays_are_refused(damage, message):
    X = random(40, 20)
    damage(X)
    refuses(X, message)


def test_damaged_arrays_of_other_formats_are_refused():
    X = random(40, 20).tocsc()
    X.indices[0] = 40
    refuses(X, "row indices from 0 to 39, got 40")
    X = random(40, 20).tocoo()
    X.coords[1][0] = 20
    refuses(X, "column indices from 0 to 19, got 20")


def test_indices_that_are_damaged_while_a_model_is_trained():
    X, y = random(40, 20), np.arange(40) % 2

    class Damage(fastbp.callbacks.Callback):
        def on_epoch_end(self, *_):
            X.indices[:] = 2**31 - 1

    with pytest.raises(ValueError, match="column indices from 0 to 19"):
        fastbp.Model([20, 5, 2], seed=0).fit(X, y, epochs=3, verbose=0, callbacks=Damage())


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("settings", [{}, {"input_scale": 0.5}, {"input_shift": 1.0}])
def test_what_is_not_finite_is_named(bad, settings):
    X = random(40, 20).tolil()
    X[7, 3] = bad
    model = fastbp.Model([20, 5, 2], seed=0, **settings)
    before = model.get_state()["parameters"]
    for call in (lambda: model.fit(X.tocsr(), np.zeros(40, int), verbose=0), lambda: model.predict(X.tocsr())):
        with pytest.raises(ValueError, match=r"X must hold finite numbers within float32, got .* in row 7, column 3"):
            call()
    assert np.array_equal(before, model.get_state()["parameters"])


def curve(made, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        made.fit(X, y)
    return made


SOLVERS = [
    {"solver": "sgd", "momentum": 0.0, "alpha": 0.0},
    {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
    {"solver": "sgd"},
    {"solver": "adam"},
    {"solver": "adam", "early_stopping": True},
    {"solver": "lbfgs"},
]


@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize("settings", SOLVERS, ids=str)
def test_estimators_train_as_scikit_learn_does(never_dense, settings, form, rng):  # noqa: F811
    X, y = random(300, 120, share=0.06).asformat(form), rng.integers(0, 3, 300)
    settings = {"hidden_layer_sizes": (20,), "random_state": 1, "max_iter": 8} | settings
    mine, theirs = (curve(made(**settings), X, y) for made in (ours.MLPClassifier, peers.MLPClassifier))
    if settings["solver"] != "lbfgs":
        first = theirs.loss_curve_[0]
        assert np.abs(np.subtract(mine.loss_curve_, theirs.loss_curve_)).max() <= 1e-10 * first
    assert mine.loss_ == pytest.approx(theirs.loss_, rel=1e-6 if settings["solver"] == "lbfgs" else 1e-10)
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), rtol=1e-5)
    np.testing.assert_allclose(mine.predict_proba(X[:3]), mine.predict_proba(X)[:3], rtol=1e-12)


def test_coefficients_that_users_assign_are_what_predicts(rng):
    X, y = random(60, 41), rng.standard_normal(60)
    estimator = curve(ours.MLPRegressor(hidden_layer_sizes=(7,), random_state=0, max_iter=2), X, y)
    estimator.coefs_[0] = np.asfortranarray(estimator.coefs_[0] * 2)
    np.testing.assert_allclose(estimator.predict(X), estimator.predict(X.toarray()), rtol=1e-10)


def test_data_frames_of_sparse_columns(never_dense):  # noqa: F811
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    X, y = random(40, 6), np.arange(40) % 2
    frame = pandas.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X), columns=list("abcdef"))
    model = fastbp.Model([6, 5, 2], seed=0)
    model.fit(frame, y, epochs=1, verbose=0)
    assert model.feature_names == list("abcdef")
    expected = model.predict_proba(X.toarray())
    np.testing.assert_allclose(model.predict_proba(frame), expected, rtol=1e-6)
    frame["c"] = frame["c"].sparse.to_dense()
    np.testing.assert_allclose(model.predict_proba(frame), expected, rtol=1e-6)
    half = pandas.DataFrame(X.toarray(), columns=list("abcdef")).astype(pandas.SparseDtype("float64", 0.5))
    np.testing.assert_allclose(model.predict_proba(half), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="missing: 'a'; unexpected: 'x'"):
        model.predict(frame.rename(columns={"a": "x"}))


def test_what_looks_at_a_model_takes_sparse_rows(rng):
    X, y = random(64, 200, share=0.02), rng.integers(0, 2, 64)
    model = fastbp.Model([200, 5, 2], seed=0, optimizer="adam")
    expected = str(model.diagnose(X.toarray(), y))
    assert str(model.diagnose(X, y)) == expected
    assert fastbp.find_learning_rate(model, X, y, steps=20).losses.size


@pytest.mark.slow
def test_a_profile_counts_entries(rng):
    X, y = random(64, 200, share=0.02), rng.integers(0, 2, 64)
    model = fastbp.Model([200, 5, 2], seed=0, optimizer="adam")
    found = {kernel.name: kernel for kernel in fastbp.profile(model, X, y, batch_size=32, steps=2).kernels}
    assert found["fast_linear_csr"].flop == 2 * (2 * 32 * X.nnz / 64 * 5)  # in two steps
    assert "fast_adam_update_csr" in found


def test_the_cost_of_a_sparse_step_counts_entries():
    network = fastbp.Model([1000, 10, 3]).network
    step = costs.Step(network, 20, np.dtype("float32"), 1, False, 1, 7.0)
    forward, update = (costs.cost(Kernel(*name), 0, step) for name in (("linear_forward_csr",), ("update_csr", "adam")))
    dense = costs.cost(Kernel("update", "adam"), 0, step)
    assert forward.flop == 2 * 20 * 7 * 10 and 7 in forward.equations
    assert update.flop == dense.flop + 2 * 20 * 7 * 10 and update.bytes < dense.bytes


def test_large_arrays_are_zeros_that_begin_a_cache_line():
    for size in (HUGE - LINE - 8, HUGE, 3 * HUGE):
        array = aligned(size // 8, np.dtype(np.float64))
        assert (len(array), address(array) % LINE, array.any()) == (size // 8, 0, False)
        array[:] = 1
        assert array.sum() == len(array)


def test_an_indptr_that_changes_after_its_check_is_refused(rng):
    csr = sparse.random_array((6, 5), density=0.5, format="csr", rng=rng)
    assert len(SparseRows(csr)) == 6
    for at, value in (2, 99), (-1, csr.nnz + 1):
        damaged = csr.copy()
        damaged.indptr[at] = value
        with pytest.raises(ValueError, match="X must be sparse with an indptr"):
            SparseRows(damaged)


@pytest.mark.parametrize("kind", ["int32", "int64"])
@pytest.mark.parametrize("share", [0.1, 0.6])
@pytest.mark.parametrize("wrong", [-1, 20, 2**31 - 1])
def test_predictions_leave_the_columns_of_csr_to_the_kernels(kind, share, wrong, monkeypatch):
    X, y = random(300, 20, share=share), np.arange(300) % 3
    estimator = curve(ours.MLPClassifier((5,), random_state=0, solver="sgd", max_iter=1), X, y)
    expected = estimator.predict_proba(X.toarray())
    X.indices, X.indptr = X.indices.astype(kind), X.indptr.astype(kind)
    scanned = []
    monkeypatch.setattr("fastbp.data.sparse._check_range", lambda *arguments: scanned.append(arguments))
    np.testing.assert_allclose(estimator.predict_proba(X), expected, rtol=1e-12)
    assert not scanned
    monkeypatch.undo()
    X.indices[-1] = wrong
    with pytest.raises(ValueError, match=f"X must be sparse with column indices from 0 to 19, got {wrong}"):
        estimator.predict_proba(X)
