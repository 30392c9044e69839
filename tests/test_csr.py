"""Sparse X of few entries: the first layer works on these, and agrees with what it makes of the dense array."""

import ctypes

import numpy as np
import pytest

import fastbp
from fastbp.data.samples import Labelled, Samples
from fastbp.data.sparse import SparseRows
from fastbp.execution import threads
from fastbp.execution.plan import make_plan
from fastbp.execution.programs import MOST_DENSITY
from fastbp.kernels.optimizers import OPTIMIZERS

sparse = pytest.importorskip("scipy.sparse")
HARD = (1, 1, 1, 1), (3, 7, 1, 2), (5, 8, 8, 1), (17, 9, 9, 3), (33, 16, 16, 2), (13, 17, 17, 9), (65, 131, 33, 3)


def random(rows, columns, seed=0, share=0.1, dtype=np.float64):
    """A sparse array with empty rows and columns that none has."""
    chance = np.random.default_rng(seed)
    X = np.where(chance.random((rows, columns)) < share, chance.standard_normal((rows, columns)), 0)
    X[:: max(2, rows // 3)] = 0
    return sparse.csr_array(X.astype(dtype))


@pytest.fixture
def never_dense(monkeypatch):
    """Rows must not become dense."""

    def refuse(self):
        raise AssertionError(f"{self.shape} rows became dense")

    monkeypatch.setattr(SparseRows, "toarray", refuse)


def trained(X, y, sizes, dtype="float64", epochs=2, batch_size=16, **settings):
    """Losses, gradients, outputs and parameters of a model that is trained on X."""
    model = fastbp.Model(sizes, seed=1, dtype=dtype, **settings)
    history = model.fit(X, y, epochs=epochs, batch_size=batch_size, verbose=0, validation_data=(X, y))
    E, gradients = model.gradients(X, y)
    outputs = model.predict_proba(X) if model.network.classifies else model.predict(X)
    more = [array for layer in [*gradients, *model.parameters] for array in layer]
    return [history.loss, history.val_loss, E, outputs, model.evaluate(X, y)["loss"], *more]


def agree(found, expected, share=1e-11):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=share, atol=share)


@pytest.mark.parametrize("shape", HARD)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_every_hard_shape_is_the_dense_twin(never_dense, shape, optimizer, dtype, rng):
    rows, columns, hidden, classes = shape
    X, y = random(rows, columns), rng.integers(0, max(2, classes), rows)
    sizes = [columns, hidden, max(2, classes)]
    share = 1e-11 if dtype == "float64" else 2e-4
    agree(
        trained(X, y, sizes, dtype, optimizer=optimizer),
        trained(X.toarray(), y, sizes, dtype, optimizer=optimizer),
        share,
    )


SETTINGS = [
    *({"optimizer": name} for name in OPTIMIZERS),
    {"optimizer": fastbp.optimizers.SGD(0.1, momentum=0.9)},
    {"optimizer": fastbp.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "l2": 0.01},
    {"l1": 0.01, "optimizer": "adam"},
    {"l2": 0.1},
    {"clip_value": 0.01},
    {"clip_norm": 0.05, "optimizer": "adam", "l2": 0.01},
    {"dropout": 0.5},
    {"layer_norm": True, "optimizer": "adam"},
    *({"activation": name} for name in ("tanh", "gelu", "prelu", "identity")),
    {"input_scale": 0.5},
    {"input_shift": 0.25, "input_scale": 3.0, "optimizer": "adam"},
    {"input_shift": -0.5},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_setting_is_the_dense_twin(never_dense, settings, rng):
    X, y = random(60, 41), rng.integers(0, 3, 60)
    agree(trained(X, y, [41, 10, 3], **settings), trained(X.toarray(), y, [41, 10, 3], **settings), 1e-9)


@pytest.mark.parametrize("sizes", [[41, 2], [41, 9, 5, 3]])
def test_networks_of_one_layer_and_of_three(never_dense, sizes, rng):
    X, y = random(60, 41), rng.integers(0, 2, 60)
    agree(trained(X, y, sizes), trained(X.toarray(), y, sizes))


def test_numbers_weights_and_schedules(never_dense, rng):
    X, y, w = random(60, 41), rng.standard_normal((60, 2)), rng.random(60)
    found = []
    for rows in (X, X.toarray()):
        model = fastbp.Model([41, 6, 2], loss="squared_error", dtype="float64", seed=1, learning_rate=0.01)
        schedule = fastbp.schedules.Cosine()
        history = model.fit(rows, y, epochs=3, batch_size=7, verbose=0, sample_weight=w, schedule=schedule)
        found.append([history.loss, model.predict(rows), model.score(rows, y), model.predict(rows[3:4])])
    agree(*found)


def test_a_step_by_hand(dtype):
    X = sparse.csr_array(([2.0, 1.0, 0.5, 0.5], [1, 0, 2, 2], [0, 1, 4]), (2, 3))  # rows (0, 2, 0) and (1, 0, 1)
    model = fastbp.Model([3, 1], loss="squared_error", learning_rate=0.5, dtype=dtype)
    W, b = model.parameters[0]
    W[...], b[...] = [[1], [2], [3]], [0.5]
    assert model.predict(X).tolist() == [4.5, 4.5]  # 2 * 2 + 1/2,  1 + 3 + 1/2
    E, [(dW, db)] = model.gradients(X, [2.5, 5.5])  # dE/dt is 2/2 and -1/2: errors of 2 and -1 over two rows
    assert (E, dW.ravel().tolist(), db.tolist()) == (1.25, [-0.5, 2, -0.5], [0.5])
    model.fit(X, [2.5, 5.5], epochs=1, batch_size=2, verbose=0)
    W, b = model.parameters[0]
    assert (W.ravel().tolist(), b.tolist()) == ([1.25, 1, 3.25], [0.25])


def test_gradients_are_the_slopes_of_the_loss(rng):
    X, y = random(30, 12, share=0.15), rng.integers(0, 3, 30)
    model = fastbp.Model([12, 5, 3], seed=1, dtype="float64", activation="tanh", l2=0.01, input_shift=0.1)
    _, gradients = model.gradients(X, y)
    W, dW = model.parameters[0][0], gradients[0][0]
    for index in [(0, 0), (3, 4), (11, 2)]:
        ends = []
        for step in (1e-6, -1e-6):
            W[index] += step
            ends.append(model.gradients(X, y)[0])
            W[index] -= step
        assert dW[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("settings", [{"optimizer": "sgd"}, {"optimizer": "adam", "l2": 0.01}], ids=str)
def test_sums_of_the_same_order_have_the_same_bits(settings, dtype, rng):
    X, y = random(100, 700, share=0.03), rng.integers(0, 3, 100)  # of so many columns that dense rows make no blocks
    found, expected = (trained(rows, y, [700, 30, 3], dtype, batch_size=10, **settings) for rows in (X, X.toarray()))
    for one, other in zip(found, expected, strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize("settings", [{"optimizer": "sgd"}, {"optimizer": "adam", "l2": 0.01}], ids=str)
def test_the_same_bits_on_any_number_of_threads(settings, monkeypatch, rng):
    monkeypatch.setattr(threads, "_most", 3)
    monkeypatch.setattr("fastbp.execution.fast_plan.WORKER_FLOP", 1)
    monkeypatch.setattr("fastbp.execution.fast_plan.CALL_FLOP", 1)
    X, y = random(200, 300), rng.integers(0, 3, 200)
    found = [trained(X, y, [300, 33, 3], n_threads=n, batch_size=64, **settings) for n in (1, 2, 3)]
    for other in found[1:]:
        assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(found[0], other, strict=True))


def forms(X):
    """X given in other ways, and how far sums of another order may be from it."""
    rows = [(X.indices[a:b], X.data[a:b]) for a, b in zip(X.indptr, X.indptr[1:], strict=False)]
    far = X.copy()
    far.indices, far.indptr = far.indices.astype(np.int64), far.indptr.astype(np.int64)
    yield "int64 indices", far
    yield from (("csc", X.tocsc()), ("coo", X.tocoo()), ("matrix", sparse.csr_matrix(X)))
    yield "float32", X.astype(np.float32)
    backwards = [np.concatenate([part[i][::-1] for part in rows]) for i in range(2)]
    yield "unsorted", sparse.csr_array((backwards[1], backwards[0], X.indptr), X.shape)
    twice = np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr
    yield "given twice", sparse.csr_array(twice, X.shape)
    zeros = [np.concatenate([np.append(part[i], 0) for part in rows]) for i in range(2)]
    yield "zeros", sparse.csr_array((zeros[1], zeros[0], X.indptr + np.arange(len(rows) + 1)), X.shape)
    yield "a part", sparse.vstack([X, X]).tocsr()[60:]
    longer = X.copy()
    longer.data, longer.indices = np.append(X.data, [7.0, np.nan]), np.append(X.indices, [0, 1]).astype(np.int32)
    yield "entries behind the last row", longer


def test_all_forms_of_an_array(never_dense, rng):
    X, y = random(60, 41).astype(np.float32).astype(np.float64), rng.integers(0, 3, 60)
    expected = trained(X, y, [41, 10, 3], optimizer="adam")
    for name, form in forms(X):
        before = [array.copy() for array in (form.data, getattr(form, "indices", form.data))]
        agree(trained(form, y, [41, 10, 3], optimizer="adam"), expected)
        after = form.data, getattr(form, "indices", form.data)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True)), name


@pytest.mark.parametrize("kind", ["bool", "int8", "uint8", "int32", "uint64"])
def test_all_dtypes_of_numbers(never_dense, kind, rng):
    X, y = (abs(random(60, 41)) * 3).astype(kind), rng.integers(0, 3, 60)
    agree(trained(X, y, [41, 10, 3]), trained(X.toarray(), y, [41, 10, 3]))


def test_many_entries_make_rows_dense_in_the_kernel(never_dense, dtype, rng):
    X, y = random(90, 23, share=0.8), rng.integers(0, 3, 90)
    assert SparseRows(X).density > MOST_DENSITY
    for settings in ({}, {"input_scale": 2.5}):
        found, expected = (trained(rows, y, [23, 10, 3], dtype, **settings) for rows in (X, X.toarray()))
        assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(found, expected, strict=True))


def test_rows_side_by_side_share_their_entries():
    X = SparseRows(random(60, 41))
    part = X[10:30]
    assert part.shape == (20, 41) and np.shares_memory(part.data, X.data)
    np.testing.assert_array_equal(part.toarray(), X.toarray()[10:30])
    assert len(X[50:10]) == 0 and X[np.array([3, 3, 1])].shape == (3, 41)
    assert part.most(7, True) == max(part[i : i + 7].nonzeros for i in (0, 7, 14))
    counts = np.sort(np.diff(part.indptr))
    assert (part.most(3, False), part.most(99, False)) == (counts[-3:].sum(), part.nonzeros)


def placed_far(X, at):
    """The rows of X as those of an array that has `at` entries more before them, none of which is there."""
    rows = SparseRows(X)
    rows.indices, rows.indptr = rows.indices.astype(np.int64), rows.indptr.astype(np.int64) + at
    for name in ("data", "indices"):
        array = getattr(rows, name)
        begin, size = array.ctypes.data - at * array.itemsize, (at + array.size) * array.itemsize
        far = np.frombuffer((ctypes.c_char * size).from_address(begin), array.dtype)
        rows.keeps = (*getattr(rows, "keeps", ()), array)  # the memory behind `far`
        setattr(rows, name, far)
    return rows


@pytest.mark.parametrize("share", [0.1, 0.6])
@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_entries_may_stand_behind_two_to_the_31_others(kernels, share, dtype, rng):
    X, y = random(70, 41, share=share), rng.integers(0, 3, 70)
    network, found = fastbp.Model([41, 10, 3], l2=0.01).network, []
    start = rng.standard_normal(network.n_parameters) / 8
    for rows in (placed_far(X, 0), placed_far(X, 2**31 + 5), placed_far(X, 2**32)):
        plan = make_plan(kernels, network, np.dtype(dtype), fastbp.optimizers.Adam(), None)
        data, z, gradient, flat = (
            Labelled(Samples(rows), y),
            np.empty((70, 3), dtype),
            *np.empty((2, start.size), dtype),
        )
        plan.load(start.astype(dtype))
        sums = [*plan.train_epoch(data, np.arange(70)[::-1], 16)][-1]
        plan.predict(data.samples, z)
        plan.gradients(data, gradient)
        plan.store(flat)
        found.append([sums, plan.evaluate(data), z, gradient, flat])
    for other in found[1:]:
        assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(found[0], other, strict=True))


def test_an_indptr_of_other_integers_is_read_as_what_it_is():
    X = random(20, 9)
    for kind in ("uint8", "uint32", "uint64", "int16", ">i4"):
        other = X.copy()
        other.indptr = X.indptr.astype(kind)
        rows = SparseRows(other)
        assert rows.indptr.dtype == (np.int64 if kind in ("uint32", "uint64") else np.int32), kind
        assert np.array_equal(rows.indptr, X.indptr)
