"""Targets of tables: classes or numbers, and rows without one."""

import numpy as np
import pytest

from fastbp.tables.targets import classes_or_numbers, has_target

KINDS = [
    (["yes", "no", "yes"], "classes"),
    (["a", "b", "c"], "classes"),
    ([True, False, True], "classes"),
    ([0, 1, 1, 0], "classes"),
    ([1.0, 0.0, None, 1.0], "classes"),
    ([1, 2, 3, 1, 2, 3], "classes"),
    ([0.5, 1.25, 7.75, 3.5], "numbers"),
    ([100, 250, 375, 420], "numbers"),
    (["1.5", "2.5", "?", "3.75"], "numbers"),
    (["1", "0", "NA", "1"], "classes"),
    (["01", "02", "01"], "classes"),
    (["1", "x", "1"], "classes"),
]


@pytest.mark.parametrize(("y", "expected"), KINDS)
def test_a_target_is_classes_or_numbers_in_every_form(y, expected):
    assert classes_or_numbers(y) == expected
    assert classes_or_numbers(np.array(y, object)) == expected
    for name, make in (
        ("pandas", lambda pandas: pandas.Series(y)),
        ("pandas", lambda pandas: pandas.Series(y, dtype="object")),
        ("pandas", lambda pandas: pandas.DataFrame({"y": y})),
        ("polars", lambda polars: polars.Series(y)),
        ("pyarrow", lambda pyarrow: pyarrow.array(y)),
        ("pyarrow", lambda pyarrow: pyarrow.chunked_array([y])),
    ):
        library = pytest.importorskip(name)
        pytest.importorskip("narwhals")
        assert classes_or_numbers(make(library)) == expected


def test_rows_without_a_target():
    pandas = pytest.importorskip("pandas")
    assert has_target(["a", None, "", " ", "NA"]).tolist() == [True, False, False, False, True]
    assert has_target(["1", "NA", "?", "2.5"]).tolist() == [True, False, False, True]
    assert has_target([1.0, np.nan, None]).tolist() == [True, False, False]
    assert has_target(pandas.Series([1, None, 3], dtype="Int64")).tolist() == [True, False, True]
    assert has_target(pandas.Series(pandas.Categorical(["a", None]))).tolist() == [True, False]
    assert has_target(np.arange(3)).tolist() == [True] * 3
    assert has_target(np.array([["a"], [None]], object)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([], ValueError, "y must have at least one row"),
        ([None, None], ValueError, "y must hold a target in at least one row"),
        ([1.0, np.inf, 2.5], ValueError, "y must hold finite numbers, got inf in row 1"),
        (["1.5", "2.5", "-inf"], ValueError, "y must hold finite numbers, got -inf in row 2"),
        (np.array(["2024-01-01"], "M8[D]"), TypeError, "y must hold classes or numbers, got dates"),
        (np.ones((3, 2)), ValueError, "y must be one column, got 2"),
        (np.ones((3, 2, 2)), ValueError, "y must be a table of two dimensions"),
        (5, TypeError, "y must be a data frame, an array or a list"),
        (None, TypeError, "got NoneType"),
        ([[1], [2]], TypeError, "y must hold numbers, booleans, text"),
    ],
)
def test_what_is_no_target_is_refused(y, error, message):
    with pytest.raises(error, match=message):
        classes_or_numbers(y)


def test_lists_need_no_other_library(run_python):
    code = """if True:
        import sys
        from fastbp.tables.columns import Columns
        from fastbp.tables.targets import classes_or_numbers
        X = [["a", 1.0], ["b", None], ["a", 2.0]]
        assert Columns.fit(X, [0, 1, 2]).transform(X).shape == (3, 3)
        assert classes_or_numbers([0.5, 1.5, 2.5]) == "numbers"
        assert not {"narwhals", "pandas", "polars", "numba", "sklearn"} & set(sys.modules)"""
    run_python("-c", code)
