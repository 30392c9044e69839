"""What a column of a table is told to be: numbers, categories, dates, identifiers and the rest."""

import datetime

import numpy as np
import pytest

from fastbp.tables import words
from fastbp.tables.cells import of_array, of_values, text_of
from fastbp.tables.columns import Columns
from fastbp.tables.kinds import decide

ROWS = 60


def kind(values, name="a", categorical=False):
    cells = of_array(values, "X") if isinstance(values, np.ndarray) else of_values(values, "X")
    return decide(cells, name, categorical).kind


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 2], "number"),
        ([1.5, None, 2], "number"),
        (["x", "y", "x"], "category"),
        (["x", "y"], "category"),  # two rows tell too little
        (["x", "y", "z"], "identifier"),
        (["x", "y", "z", None], "identifier"),
        ([True, False, True], "boolean"),
        ([True, None, True], "boolean"),
        (["TRUE", "false", "True"], "boolean"),
        ([True, float("nan"), False], "boolean"),
        ([True, 2, 3], "number"),
        ([1, True, 3], "number"),
        ([7, 7, 7], "constant"),
        (["x", "x", "x"], "constant"),
        ([True, True], "constant"),
        ([7, 7, None], "number"),  # where it is missing tells something
        (["x", "x", None], "category"),
        ([None, None], "empty"),
        ([float("nan")] * 3, "empty"),
        (["", " ", None], "empty"),
        (["1", "2.5", "NA"], "number"),
        (["1", "-2e3", "?", ""], "number"),
        (["1", "2", "x", "x"], "category"),
        (["NA", "?", "?"], "category"),
        (["01234", "04321", "01234"], "category"),  # leading zeros make codes
        (["0", "0.5", "-0.5"], "number"),
        ([1, "2", "?"], "number"),
        ([1, "x", "x"], "category"),
    ],
)
def test_a_column_is_what_its_cells_say(values, expected):
    assert kind(values) == expected


@pytest.mark.parametrize(
    "values",
    [
        ["2024-01-31", "2024-02-29", "1999-12-31"],  # all different, and still dates
        ["2024-01-31", None, "NA", ""],
        ["2024-01-31 10:30", "2024-01-31T10:30:59", "2024-01-31"],
        ["2024-01-31T10:30:59.123456789Z", "2024-01-31T10:30:59+02:00", "2024-01-31 10:30 UTC"],
        [datetime.date(2024, 1, 31), None, datetime.date(2024, 2, 1)],
        [datetime.datetime(2024, 1, 31, 12), datetime.datetime(2024, 2, 1)],
        np.array(["2024-01-31", "NaT", "2024-02-01"], "datetime64[D]"),
    ],
)
def test_dates_are_told_before_identifiers(values):
    assert kind(values) == "date"


@pytest.mark.parametrize(
    "values", [["2024-02-30"] * 2 + ["2024-01-01"], ["2024-01-31", "soon", "soon"], ["31.01.2024", "31.01.2024", "x"]]
)
def test_text_of_which_a_cell_is_no_date_is_a_category(values):
    assert kind(values) == "category"


def test_times_of_a_zone_are_those_of_utc():
    found = words.as_dates(["2024-01-01T01:30+02:00", "2023-12-31 18:30-0500", "2023-12-31T23:30:00Z", "?"])
    assert found.astype(str).tolist() == ["2023-12-31T23:30:00.000000"] * 3 + ["NaT"]


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "customer_id",
        "PassengerId",
        "ID",
        "uuid",
        "Order Key",
        "Unnamed: 0",
        "",
        "index",
        "PID",
        "userid",
        "EmployeeNumber",
        "Invoice No",
    ],
)
def test_whole_numbers_under_a_name_of_identifiers_are_left_out(name):
    assert kind(np.array([17, 400, 5]), name) == "identifier"
    assert kind(np.array([17, 17, 5]), name) == "number"
    assert kind(np.array([17.5, 400, 5]), name) == "number"
    assert kind(["17", "400", "5"], name) == "identifier"


@pytest.mark.parametrize(
    "name",
    [
        "price",
        "paid",
        "android",
        "acid",
        "width",
        "monkey",
        "idle",
        "Humidity",
        "humid",
        "bid",
        "number of rooms",
        "employees",
    ],
)
def test_measurements_that_happen_to_differ_stay(name):
    values = np.random.default_rng(0).permutation(1000)[:ROWS] * 3 + 7
    assert kind(values, name) == "number"
    assert kind(np.sort(values), name) == "number"


def test_numbers_of_rows_are_left_out_in_any_order_and_with_gaps_between_them():
    rng = np.random.default_rng(0)
    assert kind(np.arange(ROWS), "a") == "identifier"
    assert kind(np.arange(1, ROWS + 1), "a") == "identifier"
    assert kind(rng.permutation(80)[:ROWS], "a") == "identifier"
    assert kind(np.arange(5), "a") == "number"
    assert kind(np.arange(ROWS) * 3, "a") == "number"
    assert kind(np.arange(ROWS) + 1950, "a") == "number"
    assert kind(np.arange(ROWS).astype(float), "a") == "number"
    assert kind(np.arange(ROWS) % (ROWS - 1), "a") == "number"
    for name in ("day", "Year", "t", "months", None):
        assert kind(np.arange(ROWS), name) == "number"


def test_what_the_user_says_to_be_categories_is_no_identifier_and_no_number():
    assert kind(np.arange(ROWS), "id", True) == "category"
    assert kind(["x", "y", "z"], "a", True) == "category"
    assert kind(["2024-01-31", "2024-02-29"], "a", True) == "category"
    assert kind([1.5, 2.5, None], "a", True) == "category"
    assert kind([True, False], "a", True) == "boolean"
    assert kind([None, None], "a", True) == "empty"


def test_a_categorical_dtype_of_text_holds_dates_and_numbers_only_where_gaps_made_it_text():
    pandas = pytest.importorskip("pandas")
    from fastbp.tables.table import table

    def decided(values):
        return decide(table(pandas.DataFrame({"a": pandas.Categorical(values)})).cells(0), "a", False).kind

    assert decided(["2024-01-31", "2024-02-29", "2024-03-01"]) == "date"
    assert decided(["1", "2", "3"] * 2) == "category"
    assert decided([1, 2, 3] * 2) == "category"
    assert decided(["1", "2", "?"] * 2) == "category"  # grades of a few kinds
    assert decided([*map(str, range(30)), "?", "0"]) == "number"
    assert decided(["x", "y", "z"]) == "identifier"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        (np.float32(0.1), "0.1"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (True, "True"),
        (np.int8(-3), "-3"),
        (2**63 + 1, "9223372036854775809"),
        ("1.0", "1.0"),
        (datetime.date(2024, 1, 31), "2024-01-31"),
        (datetime.datetime(2024, 1, 31), "2024-01-31"),
        (datetime.datetime(2024, 1, 31, 10, 30), "2024-01-31 10:30:00"),
        (np.datetime64("2024-01-31T00:00"), "2024-01-31"),
    ],
)
def test_one_level_has_one_text(value, text):
    assert text_of(value) == text


def test_dates_of_a_zone_are_those_of_utc_also_at_the_end_of_the_calendar():
    west = datetime.timezone(datetime.timedelta(hours=-5))
    values = [
        datetime.datetime(9999, 12, 31, 23, 59, tzinfo=west),
        datetime.datetime(2024, 1, 1, 22, tzinfo=west),
        None,
    ]
    found = of_values(values, "X").values.astype(str).tolist()
    assert found == ["10000-01-01T04:59:00.000000", "2024-01-02T03:00:00.000000", "NaT"]


@pytest.mark.parametrize("cell", [[1], {1: 2}, b"x", object(), 1j, (1, 2)])
def test_cells_of_other_types_are_refused(cell):
    with pytest.raises(TypeError, match="X: column 'a' must hold numbers, booleans, text, categories or dates, got"):
        of_values([cell, 1], "X: column 'a'")


LARGE = [2**53, 2**53 + 1, 2**53 + 2, 2**53 + 1]


@pytest.mark.parametrize("values", [LARGE, [*LARGE, None], [one * 2**40 for one in LARGE], [-one for one in LARGE]])
def test_whole_numbers_beyond_float64_stay_apart(values):
    codes, texts = of_values(values, "X").coded()
    assert [None if code < 0 else int(texts[code]) for code in codes.tolist()] == values
    assert kind(values[:3], "client_id") == kind(list(map(str, values[:3])), "client_id") == "identifier"
    assert kind(values, "a", categorical=True) == "category"


def test_whole_numbers_beyond_float64_stay_apart_in_frames():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    gaps = [*LARGE, None]
    for frame in (
        pandas.DataFrame({"a": pandas.array(gaps, "Int64")}), polars.DataFrame({"a": gaps}),
        polars.DataFrame({"a": gaps}, schema={"a": polars.Int128}), pandas.DataFrame({"a": np.array(gaps, object)}),
    ):  # fmt: skip
        columns = Columns.fit(frame, np.arange(5), categorical_features=["a"])
        assert columns.input_names == [f"a = {one}" for one in LARGE[:3]]
        assert (columns.transform(frame) > 0).argmax(1).tolist()[:4] == [0, 1, 2, 1]
