"""Data frames and sparse arrays: they train the bits that the numpy array of their values trains."""

import sys

import numpy as np
import pytest

import fastbp
from fastbp.data import frames

ROWS = 50
NULLABLE = {"float64": "Float64", "float32": "Float32", "int64": "Int64", "uint8": "UInt8", "bool": "boolean"}


@pytest.fixture
def values(rng):
    """One array for each of some columns, of different dtypes."""
    return {
        "a": rng.standard_normal(ROWS),
        "b": rng.standard_normal(ROWS).astype(np.float32),
        "c": rng.integers(-5, 5, ROWS),
        "d": rng.integers(0, 200, ROWS).astype(np.uint8),
        "e": rng.random(ROWS) < 0.5,
    }


@pytest.fixture
def y(rng):
    return rng.integers(0, 3, ROWS)


def trained(X, y, kernels="fast", **settings):
    """All that a model says and is after some training, as bytes."""
    n = X.shape[1] if hasattr(X, "shape") else X.num_columns
    model = fastbp.Model([n, 9, 3], seed=1, kernels=kernels, learning_rate=0.01, **settings)
    history = model.fit(X, y, epochs=2, batch_size=16, verbose=0, validation_split=0.2)
    E, gradients = model.gradients(X, y)
    assert len(model.predict(X)) == ROWS
    said = [model.predict_proba(X), E, *(a for layer in gradients for a in layer), *model.evaluate(X, y).values()]
    said += [history.loss, history.val_loss, *(a for layer in model.parameters for a in layer)]
    return b"".join(np.asarray(part).tobytes() for part in said)


def tables(values):
    """The same values as each library's table, where it is there."""
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pyarrow, narwhals = pytest.importorskip("pyarrow"), pytest.importorskip("narwhals")
    plain = pandas.DataFrame(values)
    yield "pandas", plain
    yield "pandas, nullable", plain.astype({n: NULLABLE[v.dtype.name] for n, v in values.items()})
    yield "pandas, strided", pandas.DataFrame({n: np.repeat(v, 2) for n, v in values.items()}).iloc[::2]
    yield "pandas on Arrow", pyarrow.table(values).to_pandas(types_mapper=pandas.ArrowDtype)
    yield "polars", polars.DataFrame(values)
    yield "Arrow table", pyarrow.table(values)
    yield "Arrow table of pieces", pyarrow.concat_tables([pyarrow.table(values)[:7], pyarrow.table(values)[7:]])
    yield "Arrow batch", pyarrow.RecordBatch.from_pydict(values)
    yield "narwhals", narwhals.from_native(plain)


@pytest.mark.parametrize("columns", ["abcde", "abc", "ab", "a", "b", "bb", "c", "d", "dd", "e", "ce"])
def test_frames_are_the_array_of_their_values(values, columns):
    some = {f"{name}{i}": values[name] for i, name in enumerate(columns)}
    expected = np.column_stack(list(some.values()))
    for what, table in tables(some):
        array, names = frames.as_array(table, "X")
        assert names == list(some), what
        assert array.dtype == expected.dtype, what
        np.testing.assert_array_equal(array, expected, err_msg=what)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_frames_train_the_bits_of_the_array_of_their_values(values, y, kernels):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    expected = trained(np.column_stack(list(values.values())), y, kernels)
    targets = [y, pandas.Series(y), polars.Series(y).cast(polars.UInt8), polars.DataFrame({"y": y}), pandas.Index(y)]
    for (what, table), target in zip(tables(values), (targets * 2)[:9], strict=True):
        assert trained(table, target, kernels) == expected, what


def test_one_dtype_of_pandas_is_not_copied():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    table = pandas.DataFrame(np.ones((5, 3)))
    array, names = frames.as_array(table, "X")
    assert names is None  # they are numbers
    assert np.shares_memory(array, table.to_numpy())


def test_frames_in_every_call(values, y):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    X, w = np.column_stack(list(values.values())), np.arange(1.0, ROWS + 1)
    table, series, weights = pandas.DataFrame(values), pandas.Series(y), pandas.Series(w)
    one, other = (fastbp.Model([5, 4, 3], seed=1) for _ in range(2))
    one.fit(X, y, epochs=1, verbose=0, validation_data=(X, y, w), sample_weight=w)
    other.fit(table, series, epochs=1, verbose=0, validation_data=(table, series, weights), sample_weight=weights)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(table))
    np.testing.assert_array_equal(one.predict_proba(X[:1]), other.predict_proba(table[:1]))
    assert one.evaluate(X, y, w) == other.evaluate(table, series, weights)


def test_numbers_as_targets(values):
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("narwhals")
    Y = np.column_stack([values["a"], values["c"]])
    for target in (pandas.DataFrame({"a": values["a"], "c": values["c"]}), pyarrow.table({"a": Y[:, 0], "c": Y[:, 1]})):
        np.testing.assert_array_equal(frames.as_target(target, "y"), Y)
    for target in (pyarrow.array(Y[:, 0]), pyarrow.chunked_array([Y[:, 0]]), pyarrow.table({"a": Y[:, 0]})):
        np.testing.assert_array_equal(frames.as_target(target, "y"), Y[:, 0])


# ---- what is refused


def bad_frames():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("narwhals")
    encode, missing = "'b' must hold numbers or booleans, got dtype {}; encode it", "'b' must have no missing values"
    a = [1.0, 2.0]
    yield pandas.DataFrame({"a": a, "b": ["x", "y"]}), TypeError, encode.format("String")
    yield pandas.DataFrame({"a": a, "b": pandas.Series(["x", 1], dtype=object)}), TypeError, encode.format("object")
    yield pandas.DataFrame({"a": a, "b": pandas.Categorical([1, 2])}), TypeError, encode.format("Categorical")
    yield pandas.DataFrame({"a": a, "b": [1 + 2j, 1]}), TypeError, encode.format("complex128")
    yield pandas.DataFrame({"a": a, "b": pandas.to_datetime(["2024-01-01"] * 2)}), TypeError, "Datetime"
    yield polars.DataFrame({"a": a, "b": ["x", "y"]}), TypeError, encode.format("String")
    yield polars.DataFrame({"a": a, "b": [[1], [2]]}), TypeError, "got dtype List"
    yield pyarrow.table({"a": a, "b": ["x", "y"]}), TypeError, encode.format("String")
    yield pandas.DataFrame({"a": a, "b": [1.0, np.nan]}), ValueError, f"{missing}, got 1"
    yield pandas.DataFrame({"a": a, "b": pandas.array([None, None], dtype="Int8")}), ValueError, f"{missing}, got 2"
    yield pandas.DataFrame({"a": a, "b": pandas.array([True, None], dtype="boolean")}), ValueError, missing
    yield polars.DataFrame({"a": a, "b": [1, None]}), ValueError, missing
    yield pyarrow.table({"a": a, "b": [True, None]}), ValueError, missing
    yield polars.DataFrame({"a": a, "b": [1.0, np.nan]}), ValueError, "finite numbers within float32, got nan in row 1"
    yield polars.DataFrame({"a": a, "b": a}).lazy(), TypeError, r"lazy frame.*call \.collect\(\)"
    yield pandas.DataFrame(np.ones((2, 2)), columns=["a", "a"]), ValueError, "columns of different names"
    yield pyarrow.table([a, a], names=["a", "a"]), ValueError, "columns of different names"
    yield pandas.Series(a, name="a"), ValueError, r"two dimensions, got a Series; one column is X\.to_frame\(\)"
    yield polars.Series(a), ValueError, "got a Series"
    yield pyarrow.array(a), ValueError, "got a Series"
    yield pandas.DataFrame({"a": a}), ValueError, "must have 2 columns"
    yield pandas.DataFrame(), ValueError, "must have 2 columns"
    yield pandas.DataFrame({"a": a, "b": a})[:0], ValueError, "no rows"
    yield polars.DataFrame({"a": a, "b": a})[:0], ValueError, "no rows"
    yield pyarrow.table({"a": a, "b": a})[:0], ValueError, "no rows"


def test_what_no_network_can_read_is_refused_and_changes_nothing():
    model = fastbp.Model([2, 3, 2], seed=1)
    before = model.get_state()
    for X, error, message in bad_frames():
        with pytest.raises(error, match=message):
            model.fit(X, [0, 1], verbose=0)
        with pytest.raises(error, match=message):
            model.predict(X)
    after = model.get_state()
    assert before["parameters"].tobytes() == after["parameters"].tobytes() and before["random"] == after["random"]


@pytest.mark.parametrize("make", ["list", "numpy", "object", "pandas", "categorical", "polars", "arrow", "frame"])
def test_classes_of_strings_are_refused_with_a_way_out(make):
    if make in ("pandas", "categorical", "frame"):
        pytest.importorskip("pandas")
    makers = {
        "list": list,
        "numpy": np.array,
        "object": lambda y: np.array(y, object),
        "pandas": lambda y: sys.modules["pandas"].Series(y),
        "categorical": lambda y: sys.modules["pandas"].Series(y, dtype="category"),
        "frame": lambda y: sys.modules["pandas"].DataFrame({"y": y}),
        "polars": lambda y: pytest.importorskip("polars").Series(y),
        "arrow": lambda y: pytest.importorskip("pyarrow").array(y),
    }
    y = makers[make](["cat", "dog"])
    if not isinstance(y, (list, np.ndarray)):
        pytest.importorskip("narwhals")
    with pytest.raises(TypeError, match=r"^y.*number the classes from 0, or use fastbp\.sklearn"):
        fastbp.Model([2, 2]).fit(np.ones((2, 2)), y)


def test_targets_that_are_missing_or_lazy_or_sparse_are_refused():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    scipy = pytest.importorskip("scipy.sparse")
    model, X = fastbp.Model([2, 2]), np.ones((2, 2))
    for y, error, message in (
        (pandas.Series([0, None]), ValueError, "y must have no missing values, got 1"),
        (polars.DataFrame({"kind": [0, None]}), ValueError, "y: column 'kind' must have no missing values"),
        (polars.DataFrame({"kind": [0, 1]}).lazy(), TypeError, "lazy"),
        (polars.DataFrame({"kind": [0, 1], "b": [0, 1]}), ValueError, r"one label for each row of X, got \(2, 2\)"),
        (pandas.Series(pandas.to_datetime(["2024-01-01"] * 2)), TypeError, "y must hold numbers.*cast it"),
        (scipy.csr_array(np.eye(2)), TypeError, "y must be dense"),
    ):
        with pytest.raises(error, match=message):
            model.fit(X, y)


def test_without_narwhals_frames_are_refused_and_the_extra_named(monkeypatch):
    pandas = pytest.importorskip("pandas")
    monkeypatch.setitem(sys.modules, "narwhals", None)
    model = fastbp.Model([2, 2])
    with pytest.raises(ImportError, match=r"X is a pandas\.DataFrame.*pip install 'fastbp\[frames\]'"):
        model.predict(pandas.DataFrame(np.ones((2, 2))))
    with pytest.raises(ImportError, match=r"fastbp\[frames\]"):
        model.fit(np.ones((2, 2)), pandas.DataFrame({"y": [0, 1]}), verbose=0)
    model.fit(np.ones((2, 2)), pandas.Series([0, 1]), epochs=1, verbose=0)  # to numpy it is an array


def test_arrays_lists_and_sparse_rows_need_no_other_library(run_python):
    code = """if True:
        import sys, numpy as np, fastbp
        fastbp.Model([2, 2]).fit([[1, 2], [3, 4]], [0, 1], epochs=1, verbose=0)
        assert not {"narwhals", "pandas", "scipy.sparse"} & set(sys.modules)"""
    run_python("-c", code)


# ---- names


def test_names_must_be_those_of_training():
    frames.check_names(None, ["a"], "X")
    frames.check_names(["a"], None, "X")
    frames.check_names(["a", "b"], ["a", "b"], "X")
    with pytest.raises(ValueError, match="X must have the columns.*missing: 'b', 'c'; unexpected: 'd'$"):
        frames.check_names(["a", "b", "c"], ["a", "d"], "X")
    with pytest.raises(ValueError, match="missing: 'b'$"):
        frames.check_names(["a", "b"], ["a"], "X")
    with pytest.raises(ValueError, match="the same names in another order, 'c' where 'b' was"):
        frames.check_names(["a", "b", "c"], ["a", "c", "b"], "X")
    with pytest.raises(ValueError, match=r"'n4' \.\.\.$"):
        frames.check_names(["a"], ["a", *(f"n{i}" for i in range(9))], "X")


def test_validation_columns_stand_in_the_order_of_those_trained_on():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [0.0, 1, 2, 3], "b": [3.0, 2, 1, 0]})
    model = fastbp.Model([2, 2], seed=0)
    with pytest.raises(ValueError, match="validation X"):
        model.fit(frame, [0, 0, 1, 1], epochs=1, verbose=0, validation_data=(frame[["b", "a"]], [0, 0, 1, 1]))
    model.fit(frame, [0, 0, 1, 1], epochs=1, verbose=0, validation_data=(frame, [0, 0, 1, 1]))
    assert model.feature_names_in_.tolist() == ["a", "b"]
