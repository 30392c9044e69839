"""Embeddings of numbers and categories: gradients, steps, threads, files, and what is refused."""

import copy
import re

import numpy as np
import pytest
from scipy import sparse

import fastbp
from fastbp.data.labelled import labelled
from fastbp.kernels.program.state import lanes_of
from fastbp.optimizers import AdamW

LANES = lanes_of(np.float64)
FACTORS = {"b": 0.1, "scales": 6, "slope": 0.1, "numbers": 0.3, "categories": 2}
SHAPES = [  # columns of numbers, other columns, levels, frequencies, outputs, width
    (1, 0, [], 1, 1, 1),
    (2, 1, [3], LANES - 1, 3, 2),
    (0, 1, [1, 9], 4, 2, LANES + 1),
    (LANES + 1, 2, [13], LANES + 1, 5, 3),
    (3, 0, [2, 31], 16, 4, LANES),
]


def data(numbers, others, levels, rows, seed=0):
    random = np.random.default_rng(seed)
    columns = [random.standard_normal((rows, numbers + others)), *(random.integers(0, n, (rows, 1)) for n in levels)]
    X = np.hstack(columns)
    order = random.permutation(X.shape[1])  # columns of any kind stand anywhere
    return X[:, order], np.argsort(order), random.integers(0, 3, rows)


def made(shape, places, dtype="float64", kernels="fast", **settings):
    numbers, others, levels, frequencies, outputs, width = shape
    categories = {places[numbers + others + i]: n for i, n in enumerate(levels)}
    embedding = fastbp.embeddings.Embedding(places[:numbers].tolist(), categories, frequencies, outputs, width, 0.5)
    optimizer = AdamW(0.02, weight_decay=0.3, parametrization="ntk", rate_factors=FACTORS, decay_factors=FACTORS)
    usual = {"activation": "blended_selu", "optimizer": optimizer, "scaling_layer": True, "seed": 1}
    model = fastbp.Model([len(places), 13, 3], embedding=embedding, dtype=dtype, kernels=kernels, **usual | settings)
    if len(model.scales):
        model.scales[:] = np.random.default_rng(2).uniform(-2, 2, len(model.scales))
    return model


def everything(model):
    state = model.get_state()
    return np.concatenate([state["parameters"], *state["optimizer"].values()])


@pytest.mark.parametrize("shape", SHAPES)
def test_fast_and_elementwise_steps_agree(shape):
    X, places, y = data(*shape[:3], 29)
    found = []
    for kernels in ("fast", "elementwise"):
        model = made(shape, places, kernels=kernels, dropout=0.2)
        model.fit(X, y, epochs=3, batch_size=8, verbose=0)
        found.append((everything(model), model.predict_proba(X), model.predict_proba(X[:1])))
    for fast, plain in zip(*found, strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-9, atol=1e-12)


def gradient(model, X, y):
    found = np.empty(model.network.n_parameters)
    plan = model._new_plan()
    plan.load(model._flat)
    plan.gradients(labelled(model, X, y), found)
    return found


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize("shape", SHAPES[1:4])
@pytest.mark.parametrize("scaled", [True, False])
def test_the_gradient_is_the_slope_of_E(shape, kernels, scaled):
    X, places, y = data(*shape[:3], 23)
    model = made(shape, places, kernels=kernels, scaling_layer=scaled)
    flat, found, step = model._flat, gradient(model, X, y), 1e-6
    for k in np.random.default_rng(4).permutation(np.arange(sum(a.size for a in model.parameters[0]), flat.size))[:60]:
        kept, E = flat[k], []
        for moved in (kept + step, kept - step):
            flat[k] = moved
            E.append(model.gradients(X, y)[0])
        flat[k] = kept
        assert found[k] == pytest.approx((E[0] - E[1]) / (2 * step), rel=1e-5, abs=1e-8)


def test_inputs_by_hand():
    """One number x, one column that stays, and a category: x and 2 cos(2 pi x / 4 + pi / 2) + 1, then the row."""
    embedding = fastbp.embeddings.Embedding([1], {0: 3}, n_frequencies=1, n_outputs=1, width=2)
    model = fastbp.Model([3, 5], loss="squared_error", dtype="float64", embedding=embedding, seed=0)
    ours = model.embeddings
    ours.w[:], ours.b[:], ours.V[:], ours.c[:] = 0.25, np.pi / 2, 2.0, 1.0
    ours.tables[0][:] = [[10, 20], [30, 40], [50, 60]]
    W, b = model.parameters[0]
    W[:], b[:] = np.eye(5), 0
    np.testing.assert_allclose(
        model.predict([[1, 3, 7], [2, 1, 8]]), [[3, 3, 7, 30, 40], [1, -1, 8, 50, 60]], rtol=1e-14
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_for_any_number_of_threads(threads, dtype):
    shape = (20, 3, [40, 11], 16, 3, 8)
    X, places, y = data(*shape[:3], 700)
    found = []
    for n in (1, threads):
        model = made(shape, places, dtype, n_threads=n, dropout=0.15)
        model.fit(X, y, epochs=2, batch_size=256, verbose=0)
        found.append(everything(model).tobytes() + model.predict_proba(X).tobytes())
    assert found[0] == found[1]


def test_files_configs_and_copies_keep_it(tmp_path):
    X, places, y = data(*SHAPES[1][:3], 40)
    model = made(SHAPES[1], places)
    model.fit(X, y, epochs=1, batch_size=9, verbose=0)
    model.save(tmp_path / "model.safetensors")
    others = [fastbp.load(tmp_path / "model.safetensors"), copy.deepcopy(model)]
    assert fastbp.Model(**model.get_config(), seed=0).network == model.network == others[0].network
    for each in (model, *others):
        each.fit(X, y, epochs=1, batch_size=9, verbose=0)
    assert len({everything(each).tobytes() for each in (model, *others)}) == 1
    assert "embedding" in model.summary() and f"{model.network.n_parameters:,}" in model.summary()


def test_a_rate_of_zero_leaves_a_kind_as_it_is():
    X, places, y = data(*SHAPES[1][:3], 30)
    for kind, taken in (("numbers", slice(0, 4)), ("categories", slice(4, 5))):
        optimizer = AdamW(0.1, weight_decay=0.1, rate_factors={kind: 0})
        model = made(SHAPES[1], places, optimizer=optimizer)
        arrays = lambda: [*model.embeddings[:4], *model.embeddings.tables]  # noqa: E731, B023
        before = [array.copy() for array in arrays()]
        model.fit(X, y, epochs=1, batch_size=7, verbose=0)
        same = [np.array_equal(a, b) for a, b in zip(before, arrays(), strict=True)]
        assert all(same[taken]) and same.count(True) == len(same[taken])


def test_rows_that_are_sparse_give_what_dense_ones_do():
    X, places, y = data(3, 20, [], 60)
    X[np.random.default_rng(3).random(X.shape) < 0.9] = 0
    found = []
    for rows in (X, sparse.csr_array(X)):
        model = made((3, 20, [], 4, 3, 1), places)
        model.fit(rows, y, epochs=2, batch_size=16, verbose=0)
        found.append(everything(model).tobytes() + model.predict_proba(rows).tobytes())
    assert found[0] == found[1]


def test_large_numbers_of_turns_stay_finite():
    embedding = fastbp.embeddings.Embedding([0], sigma=1e30)
    for kernels in ("fast", "elementwise"):
        model = fastbp.Model([1, 2], embedding=embedding, kernels=kernels, seed=0)
        assert np.isfinite(model.predict_proba([[3.0], [-1.0]])).all()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ([0.5, 3.0], "X must hold whole numbers from 0 to 2 in column 1, whose levels are embedded, got 3.0 in row 1"),
        ([0.5, -1.0], "got -1.0 in row 1"),
        ([0.5, 1.5], "got 1.5 in row 1"),
        ([0.5, np.nan], "got nan in row 1"),
    ],
)
def test_levels_that_are_none_are_refused(row, told):
    model = fastbp.Model([2, 3, 2], embedding=fastbp.embeddings.Embedding([0], {1: 3}), seed=0)
    X = np.array([[0.0, 2.0], row])
    for call in (model.predict, lambda X: model.evaluate(X, [0, 1]), lambda X: model.fit(X, [0, 1], verbose=0)):
        with pytest.raises(ValueError, match=re.escape(told)):
            call(X)


@pytest.mark.parametrize(
    ("settings", "error", "told"),
    [
        ({"numbers": [0, 0]}, ValueError, "must be different columns"),
        ({"numbers": [1], "categories": {1: 3}}, ValueError, "must be different columns"),
        ({"numbers": [-1]}, ValueError, "numbers must be at least 0"),
        ({"numbers": "01"}, TypeError, "numbers must be a sequence"),
        ({"numbers": 3}, TypeError, "numbers must be a sequence"),
        ({"categories": {0: 0}}, ValueError, "categories[0] must be at least 1"),
        ({"categories": [1, 2]}, TypeError, "categories must be a dict"),
        ({"categories": [(0, 2), (0, 3)]}, ValueError, "each column once"),
        ({"n_frequencies": 0}, ValueError, "n_frequencies must be at least 1"),
        ({"n_outputs": 1.5}, TypeError, "n_outputs must be a whole number"),
        ({"sigma": -1}, ValueError, "sigma must be finite"),
        ({"numbers": [7]}, ValueError, "embedding must name columns of X, which has 2, got column 7"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, error, told):
    with pytest.raises(error, match=re.escape(told)):
        fastbp.Model([2, 3], embedding=fastbp.embeddings.Embedding(**settings))


@pytest.mark.parametrize("dtype, bits", [("float32", 24), ("float64", 53)])
def test_levels_that_the_dtype_would_merge_are_refused(dtype, bits):
    assert np.dtype(dtype).type(2**bits) == np.dtype(dtype).type(2**bits + 1)
    told = f"embedding must have at most {2**bits} levels in a column with dtype '{dtype}', got {2**bits + 1} in"
    with pytest.raises(ValueError, match=told):
        fastbp.Model([2, 3], dtype=dtype, embedding=fastbp.embeddings.Embedding(categories={1: 2**bits + 1}, width=1))
    embedding = fastbp.embeddings.Embedding(categories={1: 2**bits})
    assert fastbp.embeddings.checked(embedding, 2, np.dtype(dtype)) is embedding


@pytest.mark.parametrize("value", [3, "waves", {"columns": [0]}])
def test_what_is_no_embedding_is_refused(value):
    with pytest.raises(TypeError, match="embedding must"):
        fastbp.Model([2, 3], embedding=value)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_levels_that_change_after_their_check_reach_no_other_memory(kernels):
    """They count as level 0, whichever kernels compute: a callback may write to X."""
    X, y = np.random.default_rng(0).standard_normal((40, 2)), np.arange(40) % 3
    X[:, 1] = np.arange(40) % 4
    found = []
    for written in (1e9, -7.0, 0.0):

        class Writes(fastbp.callbacks.Callback):
            def on_epoch_begin(self, model, epoch):
                rows[:, 1] = written  # noqa: B023

        rows, embedding = X.copy(), fastbp.embeddings.Embedding(numbers=[0], categories={1: 4})
        model = fastbp.Model([2, 5, 3], embedding=embedding, dtype="float64", kernels=kernels, seed=0)
        model.fit(rows, y, epochs=2, batch_size=16, callbacks=Writes(), verbose=0)
        found.append(everything(model))
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[2])


def test_scaled_levels_and_sparse_categories_are_refused():
    embedding = fastbp.embeddings.Embedding([0], {1: 3})
    model = fastbp.Model([2, 3], embedding=embedding, input_scale=[1, 2], seed=0)
    with pytest.raises(ValueError, match="input_scale must be 1 for column 1"):
        model.predict([[0.0, 1.0]])
    model = fastbp.Model([2, 3], embedding=embedding, seed=0)
    with pytest.raises(ValueError, match="X must be dense"):
        model.predict(sparse.csr_array([[0.0, 1.0]]))


@pytest.mark.parametrize("scaled", [{}, {"input_scale": [2, 2, 1, 2]}])
@pytest.mark.parametrize("column", [0, 1, 3])
def test_scales_of_embedded_columns_are_checked_against_their_column(scaled, column):
    """The first layer takes columns 3 and 0, each with its two waves, then 1, then the two columns of 2's table."""
    embedding = fastbp.embeddings.Embedding([3, 0], {2: 5}, n_outputs=2, width=2)
    model = fastbp.Model([4, 5, 3], embedding=embedding, scaling_layer=True, seed=0, **scaled)
    X = np.random.default_rng(0).standard_normal((300, 4))
    X[:, 2] = np.arange(300) % 5
    model.scales[:] = 1e30  # finite with rows like these, tables and waves included
    assert np.isfinite(model.predict_proba(X)).all()
    model.scales[:] = 1
    model.scales[{3: 0, 0: 3, 1: 6}[column]] = 1e30
    X[7, column] = 1e20
    with pytest.raises(ValueError, match=f"times the trained scales, .* in row 7, column {column}"):
        model.predict(X)
    model.scales[:] = 1
    assert np.isfinite(model.predict_proba(X)).all()
