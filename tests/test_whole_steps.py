"""Whole trainings with the fast kernels and with the plain loops come to the same parameters."""

import numpy as np
import pytest

import fastbp
from fastbp.kernels.tile import ROWS

OPTIMIZERS = {
    "sgd": {"learning_rate": 0.1},
    "momentum": {"learning_rate": 0.05, "momentum": 0.9},
    "nesterov": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
    "adam": {"optimizer": "adam", "learning_rate": 0.01},
}
NETWORKS = [(5, 3), (37, 19, 10), (16, 32, 8, 2), (1, 7, 1, 3, 11), (13, 33, 17, 16, 31, 5)]
AGREE = {"float32": 2e-4, "float64": 1e-11}  # largest difference as a share of the largest parameter


def flat(model):
    return np.concatenate([array.ravel() for layer in model.parameters for array in layer])


def data(rng, rows, sizes):
    X = rng.standard_normal((rows, sizes[0]))
    return X, (X @ rng.standard_normal((sizes[0], sizes[-1]))).argmax(1)


def both(sizes, X, y, batch_size, epochs=2, **settings):
    """Train a model of each kind alike; return [(model, its history)], the fast one first."""
    pair = []
    for kernels in ("fast", "elementwise"):
        model = fastbp.Model(sizes, seed=7, kernels=kernels, **settings)
        pair.append((model, model.fit(X, y, epochs=epochs, batch_size=batch_size, verbose=0)))
    return pair


def assert_alike(pair, X, y):
    (fast, fast_history), (plain, history) = pair
    tolerance = AGREE[fast.dtype.name]
    a, b = flat(fast), flat(plain)
    assert not np.array_equal(b, flat(fastbp.Model(plain.layer_sizes, seed=7, dtype=plain.dtype)))  # they have moved
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * abs(b).max())
    np.testing.assert_allclose(fast_history.loss, history.loss, rtol=10 * tolerance)
    np.testing.assert_allclose(fast_history.accuracy, history.accuracy, atol=1e-12 if tolerance < 1e-9 else 0.02)
    np.testing.assert_allclose(fast.predict_proba(X), plain.predict_proba(X), atol=20 * tolerance)
    assert fast.evaluate(X, y)["loss"] == pytest.approx(plain.evaluate(X, y)["loss"], rel=10 * tolerance)
    for slot, twin in zip(fast.get_state()["optimizer"].values(), plain.get_state()["optimizer"].values(), strict=True):
        np.testing.assert_allclose(slot, twin, rtol=0, atol=10 * tolerance * abs(twin).max())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("sizes", NETWORKS, ids=lambda sizes: "-".join(map(str, sizes)))
def test_trainings_agree(sizes, optimizer, dtype, rng):
    X, y = data(rng, 107, sizes)
    assert_alike(both(sizes, X, y, 33, dtype=dtype, **OPTIMIZERS[optimizer]), X, y)  # the last batch has 8 rows


@pytest.mark.parametrize("batch_size", [1, 2, ROWS - 1, ROWS, ROWS + 1, 61, 62, 10_000])
def test_batches_of_every_size_agree(batch_size, dtype, rng):
    sizes = (17, 9, 3)
    X, y = data(rng, 61, sizes)
    assert_alike(both(sizes, X, y, batch_size, dtype=dtype), X, y)


@pytest.mark.parametrize("kind", ["uint8", "int16", "float32", "float64", "reversed", "columns", "memmap"])
@pytest.mark.parametrize("scaled", [False, True])
def test_data_of_every_kind_agrees(kind, scaled, dtype, rng, tmp_path):
    sizes = (19, 13, 10)
    X, y = data(rng, 75, sizes)
    settings = {"learning_rate": 0.1}
    if kind in ("uint8", "int16"):
        X = (40 * abs(X)).astype(kind)
        settings = {"learning_rate": 1e-4}
    elif kind == "reversed":
        X = X[::-1, ::-1]
    elif kind == "columns":
        X = np.asfortranarray(X)
    elif kind == "memmap":
        np.save(tmp_path / "X.npy", X.astype(np.float32))
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
    else:
        X = X.astype(kind)
    if scaled:
        plain = np.asarray(X, np.float64)
        settings = {"learning_rate": 0.1, "input_shift": plain.mean(0), "input_scale": 1 / plain.std(0)}
    assert_alike(both(sizes, X, y, 16, dtype=dtype, **settings), X, y)


@pytest.mark.parametrize("rows", [1, ROWS - 1, ROWS, ROWS + 1, 64, 65, 200])
def test_gradients_and_predictions_agree_on_any_number_of_rows(rows, dtype, rng):
    sizes = (10, 33, 16, 7)
    X, y = data(rng, rows, sizes)
    fast, plain = (fastbp.Model(sizes, seed=7, kernels=kernels, dtype=dtype) for kernels in ("fast", "elementwise"))
    bound = 40 * float(np.finfo(dtype).eps)
    (E, gradients), (E_plain, gradients_plain) = fast.gradients(X, y), plain.gradients(X, y)
    assert pytest.approx(E_plain, rel=bound) == E
    for layer, layer_plain in zip(gradients, gradients_plain, strict=True):
        for d, d_plain in zip(layer, layer_plain, strict=True):
            np.testing.assert_allclose(d, d_plain, rtol=0, atol=bound * max(1, abs(d_plain).max()))
    np.testing.assert_allclose(fast.predict_proba(X), plain.predict_proba(X), atol=bound)
    for row in range(min(rows, 5)):
        assert np.array_equal(fast.predict_proba(X[row : row + 1]), fast.predict_proba(X)[row : row + 1])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_same_bits_from_run_to_run(optimizer, dtype, rng):
    sizes = (37, 33, 10)
    X, y = data(rng, 107, sizes)
    first, second = (fastbp.Model(sizes, seed=7, dtype=dtype, **OPTIMIZERS[optimizer]) for _ in range(2))
    losses = [model.fit(X, y, epochs=3, batch_size=33, verbose=0).loss for model in (first, second)]
    assert flat(first).tobytes() == flat(second).tobytes() and losses[0] == losses[1]
    assert first.predict_proba(X).tobytes() == second.predict_proba(X).tobytes()


def test_what_fills_up_the_panels_stays_zero(rng):
    sizes = (5, 19, 3)
    X, y = data(rng, 50, sizes)
    for settings in OPTIMIZERS.values():
        model = fastbp.Model(sizes, seed=7, **settings)
        model.fit(X, y, epochs=2, batch_size=16, verbose=0)
        plan, used = model._plan, np.zeros(model.network.n_parameters, np.float32)
        for flat_panels in (plan.P, *plan.slots.values()):
            assert np.isfinite(flat_panels).all()
            plan._out_of_panels(used, flat_panels)
            assert np.count_nonzero(flat_panels) == np.count_nonzero(used) > 0


def test_a_shift_far_from_zero_loses_no_digits():
    rng = np.random.default_rng(3)
    X = (1e6 + rng.standard_normal((50, 21))).astype(np.float32)  # 16 columns fill a vector, 5 are left
    settings = {"input_shift": np.full(21, 1e6 + 0.01), "input_scale": 0.5, "seed": 0}
    fast, plain = (fastbp.Model([21, 3], kernels=kernels, **settings) for kernels in ("fast", "elementwise"))
    np.testing.assert_allclose(fast.predict_proba(X), plain.predict_proba(X), rtol=1e-5)
    np.testing.assert_allclose(fast.predict_proba(X)[:2], fast.predict_proba(X[:2]), rtol=1e-5)
