"""Inputs of tables as sparse rows: equal to dense ones, to the bit also what is trained on them, and small."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbp.data import assembled
from fastbp.data.sparse import SparseRows
from fastbp.tables import scaling
from fastbp.tables.columns import Columns
from fastbp.tabular.fitting import Table, fit, outputs
from fastbp.tabular.recipe import Recipe

pytest.importorskip("scipy")


@pytest.fixture
def all_are_sparse(monkeypatch):
    monkeypatch.setattr(assembled, "LARGE", 0)
    monkeypatch.setattr(assembled, "SPARER", 0)


def people(rows=120, levels=40):
    """Return a table whose second column mostly holds one level, and third one two in three rows of the first ones."""
    random = np.random.default_rng(0)
    X = np.empty((rows, 5), object)
    X[:, 0] = random.standard_normal(rows)
    X[:, 1] = [f"city {i}" for i in random.integers(0, levels, rows)]
    X[:, 2] = np.where(random.random(rows) < 0.7, "common", X[:, 1])
    X[:, 3] = [None if i % 11 == 0 else i % 3 > 0 for i in range(rows)]
    X[:, 4] = [None if i % 7 == 0 else "abcd"[i % 4] for i in range(rows)]
    return X


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 3))
def test_scales_of_levels_are_those_of_their_columns(ones, rows, missing):
    found = np.zeros(rows, int)
    found[:ones] = 1
    found[ones + missing :] = 2
    columns = (found[:, None] == [1, 2, 3]).astype(float)
    for mine, its in zip(scaling.fit_levels(found, 3), scaling.fit(columns), strict=True):
        np.testing.assert_array_equal(mine, its)
    x = columns.copy()
    scaling.scale(x, scaling.fit(columns))
    both = scaling.of_levels(scaling.fit_levels(found, 3))
    np.testing.assert_array_equal(np.where(columns == 1, both[1], both[0]), x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.usefixtures("all_are_sparse")
def test_sparse_inputs_are_the_dense_ones(dtype):
    X = people()
    columns = Columns.fit(X, np.arange(90))
    for rows in (X, X[:1], [[3.0, "unseen", "unseen", None, None]]):
        found, right = columns.inputs(rows, dtype), columns.transform(rows, dtype)
        assert isinstance(found, SparseRows) and found.dtype == right.dtype == dtype
        np.testing.assert_array_equal(found.toarray(), right)
        assert found.nonzeros == np.count_nonzero(right)
    common = columns.input_names.index("column 2 = common")
    assert columns.transform([[0, "city 1", "common", None, "a"]])[0, common] == 0 > right[0, common]  # centred


def test_dense_inputs_stay_where_they_are_small_or_full():
    X = people()
    columns = Columns.fit(X, np.arange(90))
    assert isinstance(columns.inputs(X), np.ndarray)


@pytest.mark.parametrize("classes", [2, None])
def test_what_is_trained_on_sparse_rows_has_the_bits_of_dense_ones(classes, monkeypatch):
    X = people()
    y = (X[:, 0] > 0).astype(int) if classes else X[:, 0].astype(float)
    recipe = Recipe(classes, hidden_layer_sizes=(16, 16), n_epochs=6, batch_size=32)
    found = []
    for large in (2**26, 0):
        monkeypatch.setattr(assembled, "LARGE", large)
        monkeypatch.setattr(assembled, "SPARER", 0)
        (member,) = members = fit(Table(X, y), recipe, np.random.default_rng(0))
        told = outputs(members, X, classes is not None), outputs(members, X[:1], classes is not None)
        found.append((member.model._flat.tobytes(), member.errors.tobytes(), member.best_epoch, told[0].tobytes()))
        np.testing.assert_allclose(told[0][:1], told[1], rtol=1e-5)
    assert found[0] == found[1]


def test_many_levels_take_memory_by_rows_and_not_by_levels():
    rows, levels = 20_000, 2_000
    random = np.random.default_rng(0)
    X = np.empty((rows, 2), object)
    X[:, 0], X[:, 1] = random.standard_normal(rows), [f"c{i}" for i in random.integers(0, levels, rows)]
    recipe = Recipe(2, hidden_layer_sizes=(4,), n_epochs=1)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        (member,) = fit(Table(X, random.integers(0, 2, rows)), recipe, random, max_categories=levels)
        most = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert member.columns.n_outputs > levels - 10
    assert most < rows * levels * 4 / 5  # of dense float32
