"""Estimators, profiles and warm-up of models whose products are of bfloat16."""

import pickle

import numpy as np
import pytest

import fastbp
from fastbp.execution import warmup as warming
from fastbp.inspection.profiler import vectorized
from fastbp.inspection.profiler.peaks import bfloat16_gflops, peak_gflops
from fastbp.kernels.registry.bfloat16 import BFLOAT16_KERNELS

sklearn = pytest.importorskip("fastbp.sklearn")
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # trainings are short


def table(rows=200, kind=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, 7)).astype(kind)
    return X, X[:, 0] * 2 - X[:, 1] + 0.1 * rng.standard_normal(rows)


def classes(y):
    return np.where(y > 0, "up", "down")


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_classifier_keeps_float32_and_predicts_in_bfloat16(kind, solver):
    X, y = table(kind=kind)
    settings = {"hidden_layer_sizes": (16, 8), "solver": solver, "max_iter": 20, "random_state": 0, "tol": 0.0}
    one = sklearn.MLPClassifier(precision="bfloat16", **settings).fit(X, classes(y))
    assert {array.dtype for array in (*one.coefs_, *one.intercepts_)} == {np.dtype(np.float32)}
    assert one.predict_proba(X).dtype == np.float32
    model = fastbp.Model.from_sklearn(one)
    assert model.network.precision == "bfloat16" and model.dtype == np.float32
    np.testing.assert_array_equal(model.predict_proba(X)[:, 0], one.predict_proba(X)[:, 1])
    np.testing.assert_array_equal(one.predict_proba(X[:3]), one.predict_proba(X)[:3])
    plain = sklearn.MLPClassifier(**settings).fit(X.astype(np.float32), classes(y))
    assert abs(one.loss_ - plain.loss_) < 0.02 and one.loss_ != plain.loss_
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(again.predict_proba(X), one.predict_proba(X))


def test_a_regressor_learns_goes_on_and_stops_early():
    X, y = table()
    settings = {"early_stopping": True, "max_iter": 60, "learning_rate_init": 0.01, "random_state": 0}
    one = sklearn.MLPRegressor(precision="bfloat16", **settings).fit(X, y)
    plain = sklearn.MLPRegressor(**settings).fit(X.astype(np.float32), y)
    assert one.score(X, y) > plain.score(X, y) - 0.02 and one.predict(X).dtype == np.float32
    other = sklearn.MLPRegressor(precision="bfloat16", random_state=0).partial_fit(X, y)
    assert other.partial_fit(X, y).coefs_[0].dtype == np.float32


def test_what_estimators_refuse():
    X, y = table()
    with pytest.raises(ValueError, match="precision must not be given for solver 'lbfgs'"):
        sklearn.MLPRegressor(precision="bfloat16", solver="lbfgs").fit(X, y)
    with pytest.raises(ValueError, match="'precision' parameter of MLPRegressor must be"):
        sklearn.MLPRegressor(precision="float16").fit(X, y)
    X[3, 2] = 1e39
    with pytest.raises(ValueError, match="X must hold numbers within float32 for precision='bfloat16'"):
        sklearn.MLPRegressor(precision="bfloat16").fit(X, y)


def test_tables_are_learned_and_saved(tmp_path):
    X, y = table(kind=object)
    settings = {"hidden_layer_sizes": (16,), "n_epochs": 20, "batch_size": 32, "random_state": 0}
    one = sklearn.TabularRegressor(precision="bfloat16", **settings).fit(X, y)
    assert one.members_[0].model.network.precision == "bfloat16"
    plain = sklearn.TabularRegressor(**settings).fit(X, y)
    assert abs(one.score(X, y) - plain.score(X, y)) < 0.05
    one.save(tmp_path / "table.safetensors")
    np.testing.assert_array_equal(fastbp.load(tmp_path / "table.safetensors").predict(X), one.predict(X))
    named = sklearn.TabularClassifier(precision="bfloat16", **settings).fit(X, classes(y))
    assert named.score(X, classes(y)) > 0.7
    with pytest.raises(ValueError, match="precision 'bfloat16' goes with dtype 'float32'"):
        sklearn.TabularRegressor(precision="bfloat16", dtype="float64", **settings).fit(X, y)


@pytest.mark.slow
def test_a_profile_knows_the_products_and_both_peaks():
    X, y = np.random.default_rng(0).standard_normal((256, 40)).astype(np.float32), np.arange(256) % 3
    model = fastbp.Model([40, 48, 3], precision="bfloat16", optimizer="adam", seed=0)
    found = fastbp.profile(model, X, y, batch_size=64, steps=4)
    names = {kernel.name for kernel in found.kernels}
    assert {"fast_linear_bfloat16", "fast_linear_backward_params_bfloat16", "round_inputs", "round_weights"} <= names
    forward = next(each for each in found.kernels if each.name == "fast_linear_bfloat16" and each.layer == 1)
    assert forward.flop == 4 * 2 * 64 * 40 * 48 and forward.product and 7 in forward.equations
    assert forward.peak_share == pytest.approx(forward.gflops / found.machine.bfloat16_gflops)
    assert f"of bfloat16 {found.machine.bfloat16_gflops:.0f}" in str(found)
    other = fastbp.profile(fastbp.Model([40, 48, 3], seed=0), X, y, batch_size=64, steps=4)
    assert other.machine.bfloat16_gflops == 0 and "bfloat16" not in str(other)


def test_the_peak_of_bfloat16_is_that_of_float32_or_twice_that():
    ratio = bfloat16_gflops(1, (0.002,)) / peak_gflops(1, np.dtype(np.float32), (0.002,))
    assert 0.5 < ratio < 4


@pytest.mark.parametrize("name", [name for name in BFLOAT16_KERNELS if name.startswith("fast_linear")])
def test_hot_loops_compute_vectors(name):
    counts = fastbp.assert_vectorized(name)
    assert counts.fma > 0
    with pytest.raises(ValueError, match=f"kernel '{name}' is of dtype 'float32' alone, got dtype 'float64'"):
        vectorized.instructions(name, "float64")


def test_a_model_is_warmed_up_for_what_it_uses(monkeypatch):
    asked = set()
    monkeypatch.setattr(warming, "library", lambda: None)
    monkeypatch.setattr(warming, "_compile", lambda dtype, name, pairs, *rest: asked.update(_named(pairs)))
    fastbp.warmup(fastbp.Model([5, 4, 3], precision="bfloat16", optimizer="adam", seed=0), verbose=0)
    products = {"linear_forward_bfloat16", "linear_backward_params_bfloat16", "linear_backward_input_bfloat16"}
    rounding = {"round_inputs", "round_outputs", "round_below", "round_weights", "transpose_rows_bfloat16"}
    assert products | rounding | {"run_task_flushing", "round_parameters"} <= asked
    assert not {"linear_forward", "row_block"} & asked


def _named(pairs):
    return {*warming._work(pairs), *(kernel.name for kernel in warming._kernels(pairs))}
