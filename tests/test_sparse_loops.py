"""Plain loops take sparse rows of few entries as they are: in training by the printed equations, and in diagnoses."""

import tracemalloc

import numpy as np
import pytest
from test_csr import agree, forms, never_dense, random, trained  # noqa: F401

import fastbp

sparse = pytest.importorskip("scipy.sparse")
SETTINGS = [
    {},
    {"optimizer": "adam", "l2": 0.01, "activation": "tanh"},
    {"layer_norm": True, "dropout": 0.5},
    {"clip_norm": 0.05, "activation": "prelu"},
    {"input_shift": -0.5, "input_scale": 3.0},
    {"input_scale": 0.5},
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_loops_on_entries_are_the_dense_twin(never_dense, settings, dtype, rng):  # noqa: F811
    X, y = random(60, 41), rng.integers(0, 3, 60)
    settings = {"kernels": "elementwise", "dtype": dtype, **settings}
    share = 1e-11 if dtype == "float64" else 2e-5
    agree(trained(X, y, [41, 10, 3], **settings), trained(X.toarray(), y, [41, 10, 3], **settings), share)


def test_loops_take_all_forms_of_an_array(never_dense, rng):  # noqa: F811
    X, y = random(60, 41).astype(np.float32).astype(np.float64), rng.integers(0, 3, 60)
    expected = trained(X, y, [41, 10, 3], kernels="elementwise")
    for name, form in forms(X):
        before = form.data.copy()
        agree(trained(form, y, [41, 10, 3], kernels="elementwise"), expected)
        assert np.array_equal(before, form.data, equal_nan=True), name


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("settings", [{}, {"input_scale": 0.5}, {"input_shift": 1.0}])
def test_what_is_not_finite_is_named(bad, settings):
    X = random(40, 20).tolil()
    X[7, 3] = bad
    model = fastbp.Model([20, 5, 2], seed=0, kernels="elementwise", **settings)
    y = np.zeros(40, int)
    for call in (lambda: model.fit(X.tocsr(), y, verbose=0), lambda: model.diagnose(X.tocsr(), y)):
        with pytest.raises(ValueError, match=r"X must hold finite numbers within float32, got .* in row 7, column 3"):
            call()


@pytest.mark.parametrize("settings", [{}, {"optimizer": "adam", "activation": "tanh"}, SETTINGS[4]], ids=str)
def test_a_diagnosis_of_entries_is_that_of_the_dense_rows(never_dense, settings, rng):  # noqa: F811
    X, y = random(64, 200, share=0.05), rng.integers(0, 2, 64)
    model = fastbp.Model([200, 5, 2], seed=0, dtype="float64", **settings)
    found, expected = model.diagnose(X, y), model.diagnose(X.toarray(), y)
    assert found.loss == pytest.approx(expected.loss, rel=1e-12) and found.findings == expected.findings
    for one, other in zip(found.layers, expected.layers, strict=True):
        for name, value in vars(other).items():
            number = isinstance(value, float)
            assert getattr(one, name) == (pytest.approx(value, rel=1e-9) if number else value), name


@pytest.mark.parametrize("settings", [{}, {"input_shift": 0.25}], ids=str)
def test_a_diagnosis_by_hand(settings):
    X = sparse.csr_array(([4.0, 3.0], [1, 0], [0, 1, 2]), (2, 50))
    model = fastbp.Model([50, 1], loss="squared_error", dtype="float64", seed=0, **settings)
    model.parameters[0][0][...] = 2
    c = -settings.get("input_shift", 0)
    t = 2 * np.array([4 + 50 * c, 3 + 50 * c])
    [layer] = model.diagnose(X, [0.0, 0.0]).layers
    x = np.sqrt(((4 + c) ** 2 + (3 + c) ** 2 + 98 * c**2) / 100)
    assert layer.h == pytest.approx(np.sqrt((t**2).mean())) and layer.growth == pytest.approx(layer.h / x)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_wide_rows_take_no_memory_of_a_dense_array(kernels, rng):
    rows, columns = 600, 30_000  # 144 MB in float64, 72 in float32
    X = sparse.random_array((rows, columns), density=1e-3, format="csr", rng=rng)
    model, y = fastbp.Model([columns, 3], seed=0, kernels=kernels), rng.integers(0, 3, rows)
    model.fit(X[:8], y[:8], epochs=1, verbose=0)
    tracemalloc.start()
    try:
        for call in (model.diagnose, model.gradients, model.evaluate):
            call(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6
