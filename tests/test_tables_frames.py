"""Tables of every library are the same table; columns are found again by name; bad input is refused by name."""

import datetime
import decimal
import sys

import numpy as np
import pytest

from fastbp.tables.columns import Columns

ROWS = 60
TRAIN = np.arange(0, ROWS, 2)


def people():
    rng = np.random.default_rng(0)
    days = [datetime.date(2024, 1 + i % 12, 1 + i % 28) for i in range(ROWS)]
    return {
        "name": [f"n{i}" for i in range(ROWS)],
        "city": rng.choice(["Oslo", "Rome", "Bonn", None], ROWS).tolist(),
        "sex": rng.choice(["F", "M"], ROWS).tolist(),
        "id": list(range(100, 100 + ROWS)),
        "age": [None if i % 7 == 0 else 1.5 * i for i in range(ROWS)],
        "beds": [i % 5 for i in range(ROWS)],
        "some": [None if i % 9 == 0 else i % 4 for i in range(ROWS)],
        "flag": [i % 3 == 0 for i in range(ROWS)],
        "maybe": [None if i == 3 else i % 2 == 0 for i in range(ROWS)],
        "day": days,
        "text day": [None if i == 5 else str(day) for i, day in enumerate(days)],
        "time": [datetime.datetime(2024, 1, 1 + i % 28, i % 24) for i in range(ROWS)],
        "long": [datetime.timedelta(hours=i * i) for i in range(ROWS)],
        "digits": [["1", "2.5", "NA", "?", ""][i % 5] for i in range(ROWS)],
        "exact": [decimal.Decimal(i * 25).scaleb(-2) for i in range(ROWS)],
        "empty": [None] * ROWS,
        "one": ["x"] * ROWS,
    }


def makers():
    pandas, polars, pyarrow = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    pytest.importorskip("narwhals")
    plain = pandas.DataFrame(people())
    yield plain
    yield plain.convert_dtypes()
    yield plain.astype({"city": "category", "sex": "category", "one": "category"})
    yield plain.astype(object)
    yield plain.assign(time=plain.time.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))
    frame = polars.DataFrame(people())
    yield frame
    yield frame.with_columns(
        polars.col("city").cast(polars.Categorical), polars.col("sex").cast(polars.Enum(["M", "X", "F"]))
    )
    yield pyarrow.table(people())
    table = pyarrow.table(people())
    yield table.set_column(1, "city", table["city"].dictionary_encode())


def test_tables_of_every_library_are_the_same_table():
    expected = None
    for frame in makers():
        columns = Columns.fit(frame, TRAIN)
        Z = columns.transform(frame)
        expected = expected or (columns, Z)
        assert Z.tobytes() == expected[1].tobytes() and columns.input_names == expected[0].input_names
        assert [one.kind for one in columns.described] == [one.kind for one in expected[0].described]
        assert expected[0].transform(frame).tobytes() == Z.tobytes()  # fitted to another library's
        assert columns.transform(frame[:1]).tobytes() == Z[:1].tobytes()
        assert columns.names == list(people())


def test_arrays_and_lists_are_the_same_table_but_for_names_of_identifiers():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(people())
    values = frame.drop(columns="id").astype(object).to_numpy()
    expected = Columns.fit(frame, TRAIN).transform(frame)
    columns = Columns.fit(values, TRAIN)
    assert columns.names is None and columns.transform(values).tobytes() == expected.tobytes()
    assert columns.transform(values.tolist()).tobytes() == expected.tobytes()
    assert columns.transform(frame.drop(columns="id")).tobytes() == expected.tobytes()  # by place
    masked = np.ma.masked_array([[1.0], [2.0], [9.0], [4.0]], [[0], [0], [1], [0]])
    gaps = [[1.0], [2.0], [None], [4.0]]
    assert (
        Columns.fit(masked, [0, 1]).transform(masked).tobytes() == Columns.fit(gaps, [0, 1]).transform(gaps).tobytes()
    )


def test_sparse_columns_and_chunks_are_the_same_table():
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    pytest.importorskip("narwhals")
    plain = pandas.DataFrame({"a": [0.0, 0.0, 3.0, 1.0], "b": ["x", "y", "z", "x"]})
    Z = Columns.fit(plain, [0, 1, 2]).transform(plain)
    sparse = plain.astype({"a": pandas.SparseDtype("float64", 0)})
    assert Columns.fit(sparse, [0, 1, 2]).transform(sparse).tobytes() == Z.tobytes()
    half = [
        pyarrow.table({"a": plain.a[i], "b": pyarrow.array(plain.b[i]).dictionary_encode()})
        for i in (slice(2), slice(2, 4))
    ]
    chunks = pyarrow.concat_tables(half)
    assert Columns.fit(chunks, [0, 1, 2]).transform(chunks).tobytes() == Z.tobytes()
    batch = pyarrow.RecordBatch.from_pandas(plain)
    assert Columns.fit(batch, [0, 1, 2]).transform(batch).tobytes() == Z.tobytes()


def test_pandas_needs_no_narwhals_for_common_columns(monkeypatch):
    pandas = pytest.importorskip("pandas")
    monkeypatch.setitem(sys.modules, "narwhals", None)
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": pandas.Categorical(["x", "y"]), "c": ["x", "y"]})
    assert Columns.fit(frame, [0, 1]).n_outputs == 3


# ---- columns found again


@pytest.fixture
def small():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    return pandas.DataFrame({"name": ["p", "q", "r", "s"], "a": [1.0, 2.0, 3.0, 5.0], "b": ["x", "y", "z", "x"]})


def test_columns_are_found_by_name_in_any_order_and_among_others(small):
    columns = Columns.fit(small, [0, 1, 2, 3])
    Z = columns.transform(small)
    assert columns.transform(small[["b", "a", "name"]]).tobytes() == Z.tobytes()
    assert columns.transform(small.assign(more=1.0)[["more", "b", "a"]]).tobytes() == Z.tobytes()  # `name` was left out
    assert columns.transform(small.set_axis([0, 1, 2], axis=1)).tobytes() == Z.tobytes()
    assert columns.transform(small.to_numpy()).tobytes() == Z.tobytes()
    numbered = small.set_axis([10, 20, 30], axis=1)
    columns = Columns.fit(numbered, [0, 1, 2, 3])
    assert columns.names == ["10", "20", "30"] and columns.transform(numbered[[30, 10, 20]]).tobytes() == Z.tobytes()
    counted = small.set_axis([0, 1, 2], axis=1)
    columns = Columns.fit(counted, [0, 1, 2, 3])
    assert columns.names is None and columns.transform(counted[[2, 0, 1]]).tobytes() == Z.tobytes()


def test_columns_that_are_missing_or_renamed_are_listed(small):
    columns = Columns.fit(small, [0, 1])
    with pytest.raises(ValueError, match="X must have the columns of fit; missing: 'a', 'b'$"):
        columns.transform(small[["name"]])
    with pytest.raises(ValueError, match="missing: 'a'; X has 'A' instead$"):
        columns.transform(small.rename(columns={"a": "A"}))
    with pytest.raises(ValueError, match="X must have 3 columns, as in fit, got 2$"):
        columns.transform(small.to_numpy()[:, 1:])
    with pytest.raises(ValueError, match="X must have 3 columns, as in fit, got 2$"):
        Columns.fit(small.to_numpy(), [0, 1]).transform(small[["a", "b"]])


def test_cells_of_another_kind_are_named(small):
    small["day"] = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-03"]
    columns = Columns.fit(small, [0, 1])
    for name, cells, message in (
        ("a", ["1", "2", "many", "?"], "X: column 'a' must hold numbers, got 'many' in row 2$"),
        ("a", [1, 2, np.inf, 3], "X: column 'a' must hold finite numbers, got inf in row 2$"),
        ("a", ["1", "2", "3", "-inf"], "X: column 'a' must hold finite numbers, got -inf in row 3$"),
        (
            "a",
            np.array(["NaT", "2024-01-01"] * 2, "M8[s]"),
            "must hold numbers, got dates, such as 2024-01-01.* in row 1$",
        ),
        ("day", [None, None, 5, 6], "X: column 'day' must hold dates, got 5.0 in row 2$"),
        ("day", ["2024-01-01", "", "soon", "?"], "must hold dates such as 2024-01-31, got 'soon' in row 2$"),
        ("day", ["2024-02-30", "2024-01-01", "x", "y"], "got '2024-02-30' in row 0$"),
    ):
        with pytest.raises(ValueError, match=message):
            columns.transform(small.assign(**{name: cells}))
    expected = columns.transform(small)
    as_text = small.assign(a=["1", "2.0", " 3 ", "5e0"], day=np.array(small.day, "M8[D]").astype("M8[ns]"))
    assert columns.transform(as_text).tobytes() == expected.tobytes()
    gaps = columns.transform(small.assign(a=[None] * 4, day=["NA"] * 4))
    assert gaps.tobytes() == columns.transform(small.assign(a=np.nan, day=None)).tobytes()
    assert columns.transform(small.assign(a=np.array(["NaT"] * 4, "M8[s]"), day=None)).tobytes() == gaps.tobytes()


def test_levels_that_were_read_as_another_dtype_are_the_same():
    X = [["1"], ["2"], ["x"], ["1"]]
    columns = Columns.fit(X, [0, 1, 2])
    assert columns.codes(X).shape == (4, 0)
    for other in ([[1], [2], [1]], [[1.0], [2.0], [1.0]], [["1.0"], ["+2"], ["1"]]):
        assert columns.transform(other).tobytes() == columns.transform([["1"], ["2"], ["1"]]).tobytes()
    numbers = Columns.fit([[1], [2], [3], [1]], [0, 1, 2], categorical_features=[0])
    assert numbers.input_names == ["column 0 = 1", "column 0 = 2", "column 0 = 3"]
    assert numbers.transform([["3"], [2.0], ["?"]]).tobytes() == numbers.transform([[3], [2], [9]]).tobytes()
    gaps = Columns.fit([[1.5], [None], [2.0], [7.0]], [0, 1, 2], categorical_features=[0])
    assert gaps.input_names == ["column 0 = 1.5", "column 0 = 2", "column 0 = 7"]
    days = np.array([["2024-01-01"], ["NaT"], ["2024-01-02"], ["2024-01-03"]], "M8[D]")
    names = Columns.fit(days, [0, 1, 2], categorical_features=[0]).input_names
    assert names == [f"column 0 = 2024-01-0{day}" for day in (1, 2, 3)]
    large = [[2**53], [2**53 + 1], [2**53 + 2]]
    assert Columns.fit(np.array(large), [0, 1, 2], categorical_features=[0]).n_outputs == 3


def frames_of_floats():
    """Yield tables of one column of 1.1, 2.5, 0.3, a gap, 1e20 and 3, of every library and width, and what they are."""
    pandas, polars, pyarrow = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    numbers = [1.1, 2.5, 0.3, None, 1e20, 3.0]
    for bits in (32, 64):
        kind = f"float{bits}"
        array = np.array(numbers, kind)
        yield array[:, None]
        yield [[None if i == 3 else number] for i, number in enumerate(array)]  # scalars of NumPy
        frame = pandas.DataFrame({"a": array})
        yield frame
        yield frame.astype("category")
        yield frame.astype(f"Float{bits}")
        yield polars.DataFrame({"a": polars.Series(numbers, dtype=getattr(polars, f"Float{bits}"))})
        arrow = pyarrow.table({"a": pyarrow.array(numbers, kind)})
        yield arrow
        yield arrow.set_column(0, "a", arrow["a"].dictionary_encode())
    yield [[None if number is None else repr(number)] for number in numbers]


def test_numbers_that_are_categories_have_one_level_in_every_dtype_of_floats():
    tables = list(frames_of_floats())
    levels = ["0.3", "1.1", "2.5", "3", "100000000000000000000"]
    for i, table in enumerate(tables[:-1]):
        columns = Columns.fit(table, [0, 1, 2], categorical_features=[0])
        names = [name.partition(" = ")[2] for name in columns.input_names]
        assert names == levels, (i, names)
        for other in tables[:-1]:
            assert columns.transform(other).tobytes() == columns.transform(table).tobytes()
        assert columns.transform(tables[-1])[:4].tobytes() == columns.transform(table)[:4].tobytes()


def test_numbers_that_are_not_categories_keep_the_value_of_their_dtype():
    columns = Columns.fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 2, 3])
    found = columns.transform(np.array([[1.1]], np.float32), "float64")
    assert found == columns.transform([[float(np.float32(1.1))]], "float64") != columns.transform([[1.1]], "float64")


def test_levels_of_a_dtype_that_are_not_used_are_none():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": pandas.Categorical(["x", "z", "x"], categories=["z", "y", "x", "w"])})
    columns = Columns.fit(frame, [0, 1])
    assert columns.input_names == ["a = x"] and columns.described[0].note == "2 levels"
    cut = pandas.DataFrame({"a": pandas.cut(np.arange(9.0), 3)})
    assert Columns.fit(cut, [0, 4]).input_names == [f"a = {one}" for one in map(str, cut.a.cat.categories)]


# ---- options


def test_the_commonest_levels_stay_and_the_rest_are_one():
    X = [["d"], ["a"], ["c"], ["c"], ["b"], ["b"], ["e"], ["c"]]
    columns = Columns.fit(X, np.arange(8), max_categories=3)
    assert columns.input_names == ["column 0 = b", "column 0 = c", "column 0 = other values"]
    assert columns.described[0].note == "5 levels, the 2 commonest kept, the rest are one"
    raw = np.zeros((5, 3))
    columns._columns[0].write(columns._found([["b"], ["c"], ["e"], ["new"], [None]])[0].cells(0), "X", raw)
    assert raw.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]]


def test_large_categories_are_numbered_to_be_embedded():
    X = [[level, i % 2, level in "ab", 1.0 * i] for i, level in enumerate("abcdabcd")]
    columns = Columns.fit(X, np.arange(8), categorical_features=[0, 1], embed_above=3)
    assert columns.embedded == [4] and columns.n_outputs == 3 and columns.is_number.tolist() == [False, False, True]
    codes = columns.codes([["d", 0, True, 1.0], ["a", 1, True, 1.0], ["new", 1, True, 1.0], [None, 1, True, 1.0]])
    assert codes.dtype == np.int32 and codes.tolist() == [[4], [1], [0], [0]]
    assert columns.described[0].became == "a number of 4 levels, to embed"
    alone = Columns.fit([[level] for level in "abcabc"], [0, 1, 2], embed_above=2)
    assert alone.n_outputs == 0 and alone.transform([["a"]]).shape == (1, 0)
    assert Columns.fit(X, np.arange(8), categorical_features=[0], embed_above=4).embedded == []


def test_categories_are_chosen_by_names_numbers_or_a_mask(small):
    by = [
        Columns.fit(small, [0, 1, 2], categorical_features=some).input_names
        for some in (["a"], [1], [False, True, False])
    ]
    assert by[0] == by[1] == by[2] and by[0][:2] == ["a = 1", "a = 2"]
    for some, error, message in (
        (["c"], ValueError, "must name columns of X, got 'c'; its columns are 'name', 'a', 'b'$"),
        (["nme"], ValueError, "did you mean 'name'"),
        ([3], ValueError, "categorical_features's column must be at most 2, got 3"),
        ([-1], ValueError, "at least 0, got -1"),
        ([1.5], TypeError, "must be a whole number"),
        ([True], ValueError, "must be a mask of 3 columns, got 1"),
        ("a", TypeError, "must be a list of names or numbers of columns, or a mask, got 'a'"),
        (1, TypeError, "must be a list"),
    ):
        with pytest.raises(error, match=message):
            Columns.fit(small, [0, 1], categorical_features=some)
    with pytest.raises(ValueError, match="must hold numbers of columns, as X has no names, got 'a'"):
        Columns.fit(small.to_numpy(), [0, 1], categorical_features=["a"])
