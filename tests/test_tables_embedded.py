"""Levels of embedded columns: those of the rows that train, as no step would train the vectors of others."""

import numpy as np
import pytest

from fastbp.tables.columns import Columns
from fastbp.tabular import fitting
from fastbp.tabular.recipe import Recipe


def test_levels_are_those_of_the_rows_that_train():
    X = [[level] for level in "abcdab"]
    columns = Columns.fit(X, [0, 1, 2], embed_above=2)
    assert columns.embedded == [3]
    assert columns.codes([*X, ["new"], [None]]).ravel().tolist() == [1, 2, 3, 0, 1, 2, 0, 0]
    assert columns.described[0].note == "3 levels"
    one_hot = Columns.fit(X, [0, 1, 2])
    assert one_hot.input_names == [f"column 0 = {level}" for level in "abcd"]


def test_the_commonest_levels_are_those_of_the_rows_that_train():
    X = [[level] for level in "aabbcdddd"]
    columns = Columns.fit(X, np.arange(5), embed_above=1, max_categories=2)
    assert columns.embedded == [2]  # a, and the rest
    assert columns.codes([["a"], ["b"], ["c"], ["d"], ["e"], [None]]).ravel().tolist() == [1, 2, 2, 2, 2, 0]
    all_of_them = Columns.fit(X, np.arange(5), embed_above=1, max_categories=3)
    assert all_of_them.codes([["c"], ["d"]]).tolist() == [[3], [0]] and all_of_them.embedded == [3]


def test_a_level_held_out_is_predicted_as_one_that_was_never_there():
    random = np.random.default_rng(0)
    levels = np.array([f"L{i}" for i in range(12)] * 10, object)
    y = (np.arange(120) % 12 > 5).astype(int)
    recipe = Recipe(2, hidden_layer_sizes=(8,), n_epochs=3, batch_size=16, recipe="td")
    train, _ = fitting._holdout(120, 0.2, np.random.default_rng(0))
    held = np.setdiff1d(np.arange(120), train)
    levels[held[0]] = "alone"
    X = np.column_stack([levels, random.standard_normal(120).astype(object)])
    (member,) = fitting.fit(fitting.Table(X, y), recipe, np.random.default_rng(0))
    rows = np.array([["alone", 0.0], ["unseen", 0.0], [None, 0.0]], object)
    p = member.outputs(rows, True)
    assert (p == p[0]).all() and member.columns.embedded == [12]
    with pytest.raises(ValueError, match="must hold categories"):
        member.outputs(np.array([[1.5, 0.0]], object), True)
