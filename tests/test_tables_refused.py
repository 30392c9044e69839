"""What is no table, and options and configurations that are wrong, are refused in one clear line."""

import copy
import json

import numpy as np
import pytest

from fastbp.tables.columns import Columns


def bad_tables():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    scipy = pytest.importorskip("scipy.sparse")
    pytest.importorskip("narwhals")
    two, types = "X must be a table of two dimensions", "must hold numbers, booleans, text, categories or dates, got"
    for X in (None, 5, "ab", {"a": [1]}, {1, 2}):
        yield X, TypeError, f"X must be a data frame, an array or a list of rows, got {type(X).__name__}$"
    for X in ([1, 2], [[1], [2, 3]], ["ab", "cd"], [{"a": 1}]):
        yield X, ValueError, f"{two}: a list of rows of the same length$"
    yield np.ones(3), ValueError, rf"{two}.*shape \(3,\)"
    yield np.ones((2, 2, 2)), ValueError, rf"{two}.*shape \(2, 2, 2\)"
    yield pandas.Series([1.0]), ValueError, rf"{two}, got a Series; one column is X\.to_frame\(\)"
    yield polars.DataFrame({"a": [1]}).lazy(), TypeError, r"lazy frame.*call \.collect\(\)"
    yield scipy.csr_array(np.eye(2)), TypeError, r"got a sparse array; X\.toarray\(\) makes it dense"
    for X in (np.ones((2, 0)), [], [[]], pandas.DataFrame(), polars.DataFrame()):
        yield X, ValueError, "X must have at least one column"
    for X in (np.ones((0, 2)), pandas.DataFrame({"a": [], "b": []}), polars.DataFrame({"a": [], "b": []})):
        yield X, ValueError, "X must have at least one row, got a table of 2 columns without rows"
    yield (
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        ValueError,
        "columns of different names, got 'a' more than once",
    )
    yield pandas.DataFrame([[1, 2]], columns=["1", 1]), ValueError, "columns of different names, got '1' more than once"
    yield np.array([[b"a"]]), TypeError, rf"X: column 0 \(counted from 0\) {types} dtype \|S1"
    yield np.array([[1j]]), TypeError, f"{types} dtype complex128"
    yield pandas.DataFrame({"a": [[1], [2]]}), TypeError, f"X: column 'a' {types} cells that are lists"
    yield polars.DataFrame({"a": [[1], [2]]}), TypeError, rf"X: column 'a' {types} dtype List"
    yield [[np.inf], [1.0]], ValueError, r"X: column 0 \(counted from 0\) must hold finite numbers, got inf in row 0"
    yield (
        pandas.DataFrame({"a": ["1", "inf", "3"]}),
        ValueError,
        "X: column 'a' must hold finite numbers, got inf in row 1",
    )
    yield [[10**400], [1]], ValueError, "must hold numbers within float64"
    yield (
        pandas.DataFrame({"a": ["x", "y", "z"], "b": None}),
        ValueError,
        "(?s)must have a column to learn from.*identifier",
    )


def test_what_is_no_table_is_refused():
    columns = Columns.fit([[1.0], [2.0]], [0, 1])
    for X, error, message in bad_tables():
        with pytest.raises(error, match=message):
            Columns.fit(X, [0])
        if "learn from" not in message:
            with pytest.raises((ValueError, TypeError)):
                columns.transform(X)


def test_whole_numbers_stay_where_nothing_else_is_left():
    pandas = pytest.importorskip("pandas")
    columns = Columns.fit(pandas.DataFrame({"id": [5, 7, 9], "x": ["a"] * 3}), [0, 1, 2])
    assert [one.kind for one in columns.described] == ["number", "constant"]


@pytest.mark.parametrize(
    ("train", "error", "message"),
    [
        ([], ValueError, "train must hold at least one row number"),
        ([0.0], TypeError, "row numbers, got an array of dtype float64"),
        ([True, False], TypeError, "dtype bool"),
        ([-1, 0], ValueError, "from 0 to 1, got -1 to 0"),
        ([0, 2], ValueError, "from 0 to 1, got 0 to 2"),
        ([[0]], ValueError, r"shape \(1, 1\)"),
        (None, ValueError, "train must hold"),
    ],
)
def test_rows_to_train_on_are_checked(train, error, message):
    with pytest.raises(error, match=message):
        Columns.fit([[1.0], [2.0]], train)


@pytest.mark.parametrize(
    ("option", "value"), [("max_categories", 1), ("max_categories", 2.5), ("embed_above", 0), ("embed_above", "8")]
)
def test_options_are_checked(option, value):
    with pytest.raises((ValueError, TypeError), match=f"{option} must be"):
        Columns.fit([[1.0], [2.0]], [0], **{option: value})


def test_dtypes_are_checked():
    with pytest.raises(ValueError, match="dtype must be one of 'float32', 'float64', got 'int8'"):
        Columns.fit([[1.0], [2.0]], [0]).transform([[1.0]], "int8")


def kept():
    config, kept = Columns.fit(
        [["a", 1.0, "2024-01-01"], ["b", None, "2024-01-01"], ["c", 1.0, "2024-01-02"]] * 2, [0, 1]
    ).to_config()
    return json.loads(json.dumps(config)), kept


def changes():
    """Ways to damage a configuration."""
    yield lambda config, kept: config.pop("columns")
    yield lambda config, kept: config.update(version=2)
    yield lambda config, kept: config.update(names=["a"])
    yield lambda config, kept: config.update(names=["a", "a", "b"])
    yield lambda config, kept: config.update(columns=None)
    yield lambda config, kept: config["columns"].pop()
    yield lambda config, kept: config["columns"][0].pop("levels")
    yield lambda config, kept: config["columns"][0]["levels"].update(texts=["a", "a", "b"])
    yield lambda config, kept: config["columns"][0]["levels"].update(texts=[1, 2, 3])
    yield lambda config, kept: config["columns"][0]["levels"].update(texts=[])
    yield lambda config, kept: config["columns"][1]["filled"].update(numbers=-1)
    yield lambda config, kept: config["columns"][1]["filled"].update(numbers=3)
    yield lambda config, kept: config["columns"][1]["filled"].update(numbers=[1])
    yield lambda config, kept: config["columns"][1].pop("kind")
    for name in ("fill", "center", "factor"):
        yield lambda config, kept, name=name: kept.pop(name)
        yield lambda config, kept, name=name: kept.update({name: kept[name][:-1]})
        yield lambda config, kept, name=name: kept.update({name: kept[name] * np.nan})
        yield lambda config, kept, name=name: kept.update({name: np.array(["x"])})


@pytest.mark.parametrize("change", list(changes()))
def test_damaged_configurations_are_refused(change):
    config, arrays = kept()
    Columns.from_config(copy.deepcopy(config), dict(arrays))
    change(config, arrays)
    with pytest.raises(ValueError, match="to_config gave"):
        Columns.from_config(config, arrays)


@pytest.mark.parametrize("config", [None, [], {}, "x", 5])
def test_other_objects_are_no_configurations(config):
    with pytest.raises(ValueError, match="config must be what Columns.to_config gave"):
        Columns.from_config(config, {})


@pytest.mark.parametrize("cells", [[1.5, 2.5], np.array(["2024-01-01", "2024-01-02"], "M8[D]")])
def test_categories_of_another_kind_are_refused(cells):
    pandas = pytest.importorskip("pandas")
    fitted = pandas.DataFrame({"city": ["Oslo", "Rome", "Bonn"] * 4, "age": np.arange(12.0)})
    columns = Columns.fit(fitted, np.arange(12))
    with pytest.raises(ValueError, match="column 'city' must hold categories such as 'Bonn', 'Oslo', 'Rome', got the"):
        columns.transform(pandas.DataFrame({"city": cells, "age": [1.0, 2.0]}))
    assert np.isfinite(columns.transform(pandas.DataFrame({"city": [np.nan, np.nan], "age": [1.0, 2.0]}))).all()


@pytest.mark.parametrize(
    ("cells", "got"),
    [
        ([None, 1.5], "the number 1.5"),
        (["?", "Oslo"], "the text 'Oslo'"),
        (np.array(["2024-01-01", "2024-01-02"], "M8[D]"), "the date 2024-01-01"),
    ],
)
def test_booleans_of_another_kind_are_refused(cells, got):
    pandas = pytest.importorskip("pandas")
    columns = Columns.fit(pandas.DataFrame({"buys": [True, False] * 4}), np.arange(8))
    with pytest.raises(ValueError, match=f"column 'buys' must hold true and false, or 1 and 0, got {got}"):
        columns.transform(pandas.DataFrame({"buys": cells}))
    for known in ([1, 0], [1.0, None], ["true", "maybe"], [None, None], ["?", "NA"]):
        assert columns.transform(pandas.DataFrame({"buys": known})).shape == (2, 1)


@pytest.mark.parametrize("cells", [[1.5, 2.5, None], np.array(["2024-01-01"] * 3, "M8[D]")])
def test_embedded_categories_of_another_kind_are_refused(cells):
    pandas = pytest.importorskip("pandas")
    columns = Columns.fit(pandas.DataFrame({"city": ["Oslo", "Rome", "Bonn"] * 4}), np.arange(12), embed_above=2)
    assert columns.embedded == [3]
    with pytest.raises(ValueError, match="^Z: column 'city' must hold categories such as 'Bonn', 'Oslo', 'Rome', got"):
        columns.codes(pandas.DataFrame({"city": cells}), name="Z")
    assert columns.codes(pandas.DataFrame({"city": ["Rome", "new", None]})).tolist() == [[3], [0], [0]]
