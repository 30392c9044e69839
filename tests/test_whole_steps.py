"""Whole trainings with the fast kernels and with the plain loops come to the same parameters."""

import numpy as np
import pytest
from trainings import AGREE, OPTIMIZERS, assert_alike, both, data, flat

import fastbp
from fastbp.execution.fast_plan import BLOCK_ROWS
from fastbp.kernels.fast.tile import ROWS

NETWORKS = [(5, 3), (37, 19, 10), (16, 32, 8, 2), (1, 7, 1, 3, 11), (13, 33, 17, 16, 31, 5)]


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


@pytest.mark.parametrize("width", [*range(2, 10), 12, 13, *range(15, 18), *range(20, 26), *range(31, 34), 40])
def test_layers_of_every_width_agree(width, dtype, rng):
    sizes = (7, width, width)  # one vector or two hold what fills no tile
    X, y = data(rng, 50, sizes)
    assert_alike(both(sizes, X, y, 33, dtype=dtype), X, y)


def test_layers_of_one_unit_agree(dtype, rng):
    sizes = (7, 1, 2)
    X, y = data(rng, 50, sizes)
    assert_alike(both(sizes, X, y, 33, dtype=dtype), X, y)
    of_one_class = fastbp.losses.CrossEntropy()  # nothing is to be learnt
    (fast, history), (plain, _) = both((7, 3, 1), X, 0 * y, 33, dtype=dtype, loss=of_one_class)
    assert flat(fast).tobytes() == flat(plain).tobytes() and history.loss == [0, 0]
    assert (fast.predict_proba(X) == 1).all()


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


@pytest.mark.parametrize("outputs", [1, 2])
def test_one_or_two_outputs_of_many_inputs_agree_on_any_number_of_threads(outputs, dtype, rng):
    sizes, loss = (5003, outputs), "cross_entropy" if outputs == 2 else "squared_error"  # too large for blocks
    X = rng.standard_normal((700, 5003)).astype(dtype)
    y = (X[:, 0] > 0).astype(int) if outputs == 2 else X[:, :1]
    settings = {"dtype": dtype, "loss": loss, "learning_rate": 0.01}
    (fast, fast_history), (plain, history) = both(sizes, X, y, 100, **settings)
    tolerance = AGREE[dtype.name]
    np.testing.assert_allclose(flat(fast), flat(plain), rtol=0, atol=tolerance * abs(flat(plain)).max())
    np.testing.assert_allclose(fast_history.loss, history.loss, rtol=10 * tolerance)
    alone = fastbp.Model(sizes, seed=7, n_threads=1, **settings)
    alone.fit(X, y, epochs=2, batch_size=100, verbose=0)
    assert flat(alone).tobytes() == flat(fast).tobytes()


def test_what_fills_up_the_panels_stays_zero(rng):
    sizes = (5, 19, 3)
    X, y = data(rng, 50, sizes)
    for settings in OPTIMIZERS.values():
        model = fastbp.Model(sizes, seed=7, **settings)
        model.fit(X, y, epochs=2, batch_size=16, verbose=0)
        plan, used = model._plan, np.zeros(model.network.n_parameters, np.float32)
        for flat_panels in (plan.parameters, *plan.slots.values()):
            assert np.isfinite(flat_panels).all()
            plan._pack("unpack_parameters", flat_panels, used)
            assert np.count_nonzero(flat_panels) == np.count_nonzero(used) > 0


@pytest.mark.parametrize("X_dtype", ["uint8", "float32", "float64"])
def test_a_row_of_any_length_is_read_to_its_end_and_no_further(X_dtype, dtype, rng):
    for I in (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 129):
        X = (255 * rng.random((BLOCK_ROWS + 6, I))).astype(X_dtype)
        settings = {"seed": 0, "dtype": dtype, "n_threads": 1}
        plain = fastbp.Model([I, 5], **settings)
        scaled = fastbp.Model([I, 5], input_shift=np.zeros(I), input_scale=np.ones(I), **settings)
        assert plain.predict_proba(X).tobytes() == scaled.predict_proba(X).tobytes()
        for column in {0, I // 2, I - 1} if X.dtype.kind == "f" else ():
            for row in (BLOCK_ROWS, BLOCK_ROWS + 5):  # the first of a block, which the row before must not meet
                wrong = X.copy()
                wrong[row, column] = np.nan
                for model in (plain, scaled):
                    with pytest.raises(ValueError, match=f"row {row}, column {column}"):
                        model.predict_proba(wrong)


def test_a_shift_far_from_zero_loses_no_digits():
    rng = np.random.default_rng(3)
    X = (1e6 + rng.standard_normal((50, 21))).astype(np.float32)  # 16 columns fill a vector, 5 are left
    settings = {"input_shift": np.full(21, 1e6 + 0.01), "input_scale": 0.5, "seed": 0}
    fast, plain = (fastbp.Model([21, 3], kernels=kernels, **settings) for kernels in ("fast", "elementwise"))
    np.testing.assert_allclose(fast.predict_proba(X), plain.predict_proba(X), rtol=1e-5)
    np.testing.assert_allclose(fast.predict_proba(X)[:2], fast.predict_proba(X[:2]), rtol=1e-5)
