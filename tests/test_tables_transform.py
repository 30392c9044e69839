"""The inputs that tables become: hand-worked, beside scikit-learn's encoder and NumPy's quantiles, and in general."""

import datetime
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastbp.tables.cells import of_values
from fastbp.tables.columns import Columns
from fastbp.tables.dates import of_cells


def clipped(z):
    z = np.asarray(z, float)
    return z / np.sqrt(1 + (z / 3) ** 2)


def same(columns, X, expected):
    np.testing.assert_allclose(columns.transform(X, "float64"), expected, rtol=1e-14, atol=1e-15)


# ---- by hand


def test_a_number_by_hand():
    columns = Columns.fit([[1.0], [2.0], [3.0], [4.0], [100.0]], [0, 1, 2, 3])  # quartiles 1.75, 2.5, 3.25
    same(columns, [[2.5], [4.0], [1.0], [100.0]], clipped([[0], [1], [-1], [65]]))
    assert columns.transform([[4.0]])[0, 0] == np.float32(3 / np.sqrt(10))
    assert columns.input_names == ["column 0"] and columns.is_number.tolist() == [True] and columns.n_outputs == 1


def test_the_range_stands_in_for_quartiles_that_are_one_and_zero_for_both():
    X = [[0.0, 5.0]] * 9 + [[4.0, 5.0], [0.0, 6.0]]
    columns = Columns.fit(X, np.arange(10))  # column 0: range 4; column 1 is constant among the training rows
    same(columns, [[0.0, 5.0], [4.0, 6.0], [-2.0, -9.0]], clipped([[0, 0], [2, 0], [-1, 0]]))


def test_numbers_near_the_largest_are_scaled_without_overflow():
    most = np.finfo(float).max
    columns = Columns.fit([[most, -most], [most, most], [-most, 0.0]], [0, 1])  # column 0 is constant among these
    same(columns, [[-most, most], [0.0, -most], [most, 0.0]], clipped([[0, 1], [0, -1], [0, 0]]))
    tiny = Columns.fit([[0.0], [1e-300], [2e-300]], [0, 1, 2])
    assert tiny.transform([[most], [-most], [1e-300]]).tolist() == [[3], [-3], [0]]


def test_gaps_become_the_median_and_an_input():
    X = [[1.0], [2.0], [None], [4.0], [None], [100.0]]
    columns = Columns.fit(X, [0, 1, 2, 3])  # median 2; 1, 2, 2, 4: quartiles 1.75, 2, 2.5; 0, 0, 1, 0: 0, 0, 0.25
    assert columns.input_names == ["column 0", "column 0 is missing"] and columns.is_number.tolist() == [True, False]
    same(columns, [[np.nan], [3.5], [2.0]], clipped([[0, 4], [2, 0], [0, 0]]))
    assert columns.described[0].note == "2 gaps: the median, and an input that says where"


def test_a_gap_where_fit_had_none_becomes_the_median():
    columns = Columns.fit([[1.0], [2.0], [3.0]], [0, 1, 2])
    assert columns.input_names == ["column 0"]
    same(columns, [[None], [2.0]], [[0], [0]])


def test_a_gap_in_rows_that_do_not_train_makes_the_input_which_then_is_constant():
    columns = Columns.fit([[1.0], [2.0], [3.0], [None]], [0, 1, 2])
    same(columns, [[None], [3.0]], clipped([[0, 0], [1, 0]]))


def test_no_training_row_with_a_number():
    columns = Columns.fit([[None], [None], [3.0], [4.0]], [0, 1])
    same(columns, [[7.0], [None]], [[0, 0], [0, 0]])


def test_two_levels_are_one_input_of_1_and_minus_1():
    X = [["b"], ["a"], ["a"], ["b"], [None]]
    columns = Columns.fit(X, [0, 1, 2, 3])  # -1, 1, 1, -1: median 0, quartiles -1 and 1
    assert columns.input_names == ["column 0 = a"] and columns.is_number.tolist() == [False]
    same(columns, [["a"], ["b"], [None], ["new"], [""]], clipped([[0.5], [-0.5], [0], [0], [0]]))


def test_missing_and_unseen_are_0_before_centring():
    columns = Columns.fit([["a"], ["a"], ["a"], ["b"]], np.arange(4))  # 1, 1, 1, -1: median 1, quartiles 0.5 and 1
    same(columns, [["a"], ["b"], ["new"]], clipped([[0], [-4], [-2]]))


def test_other_categories_have_an_input_for_each_level_also_for_those_of_no_training_row():
    X = [["c"], ["a"], ["b"], ["a"], ["d"]]
    columns = Columns.fit(X, [0, 1, 2, 3])
    assert columns.input_names == [f"column 0 = {level}" for level in "abcd"]
    # a: 0, 1, 0, 1 has quartiles 0 and 1 and median 0.5; b and c: 0, 0, 0, 1 have 0 and 0.25; d is constant
    same(
        columns,
        [["a"], ["b"], ["d"], ["new"]],
        clipped([[0.5, 0, 0, 0], [-0.5, 4, 0, 0], [-0.5, 0, 0, 0], [-0.5, 0, 0, 0]]),
    )


def test_booleans_are_1_and_minus_1_however_they_are_written():
    columns = Columns.fit([[True], [False], [True], [False]], np.arange(4))
    assert columns.input_names == ["column 0"] and columns.described[0].kind == "boolean"
    expected = clipped([[0.5], [-0.5], [0]])
    for X in ([[True], [False], [None]], [["true"], ["FALSE"], ["maybe"]], [[1], [0.0], [2]], [["1"], ["0"], [""]]):
        same(columns, X, expected)


def test_a_date_becomes_day_month_and_weekday():
    X = [["2024-01-01"], ["2024-02-29"], ["2023-12-31"], ["1970-01-01 12:00"], [None]]
    columns = Columns.fit(X, [0])
    assert columns.input_names == ["column 0: day", "column 0: month", "column 0: weekday", "column 0 is missing"]
    assert columns.is_number.tolist() == [True, True, True, False]
    raw = columns._columns[0].values(columns._found(X)[0].cells(0), "X")
    assert raw.tolist() == [
        [19723, 1, 0, 0],  # a Monday
        [19782, 2, 3, 0],
        [19722, 12, 6, 0],
        [0.5, 1, 3, 0],
        [19723, 1, 0, 1],  # the medians of the one training row
    ]


def test_constant_and_empty_columns():
    X = [[7, None, "x", 1], [7, None, "x", 2], [7, None, "x", 3]]
    columns = Columns.fit(X, [0, 1, 2])
    assert [(one.kind, one.became) for one in columns.described] == [
        ("constant", "1 input, always 0"),
        ("empty", "left out"),
        ("constant", "1 input, always 0"),
        ("number", "1 input"),
    ]
    same(columns, [[8, "anything", "y", 2]], [[0, 0, 0]])


# ---- beside others


@pytest.mark.parametrize("rows", [1, 2, 7, 100])
def test_scales_and_codes_are_those_of_scikit_learn_and_numpy(rows):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rng = np.random.default_rng(rows)
    words = rng.choice(["red", "green", "blue", "violet"], (rows, 1)).astype(object)
    numbers = np.round(rng.standard_normal((rows, 3)) ** 3, 1)
    train = rng.permutation(rows)[: max(1, 4 * rows // 5)]
    columns = Columns.fit(np.hstack([words, numbers]), train, categorical_features=[0])
    encoder = preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(words)
    new = np.hstack([rng.choice(["red", "blue", "pink"], (50, 1)).astype(object), rng.standard_normal((50, 3))])
    codes = encoder.transform(words), encoder.transform(new[:, :1])
    if codes[0].shape[1] == 2:
        codes = [one[:, :1] - one[:, 1:] for one in codes]
    known, asked = np.hstack([codes[0], numbers]), np.hstack([codes[1], new[:, 1:].astype(float)])
    q25, q75 = np.quantile(known[train], (0.25, 0.75), axis=0)
    extent = np.ptp(known[train], axis=0)
    with np.errstate(divide="ignore"):
        factor = np.where(q75 > q25, 1 / (q75 - q25), np.where(extent > 0, 2 / extent, 0))
    same(columns, new, clipped((asked - np.median(known[train], axis=0)) * factor))


# ---- in general


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 8), st.integers(1, 4)),
        elements=st.floats(width=64, allow_nan=True, allow_infinity=False),
    )
)
def test_any_finite_numbers_and_gaps_become_numbers_within_3(X):
    if np.isnan(X).all():
        return
    columns = Columns.fit(X, np.arange(len(X)))
    Z = columns.transform(X, "float64")
    assert Z.shape == (len(X), columns.n_outputs) and np.isfinite(Z).all() and (abs(Z) <= 3).all()
    for j, name in enumerate(columns.input_names):
        if not name.endswith("missing"):
            x = X[:, int(name.split()[1])]
            there = ~np.isnan(x)
            assert (np.diff(Z[there, j][np.argsort(x[there])]) >= 0).all()  # the order of numbers stays


cells = st.one_of(
    st.none(),
    st.sampled_from(["a", "b", "c", "1", "2.0", "", "NA", "2024-01-01", "true"]),
    st.integers(-3, 3),
    st.floats(-9, 9),
    st.booleans(),
)


@given(st.lists(st.tuples(cells, cells, st.integers(0, 9)), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_rows_alone_and_in_another_order_are_the_same_and_the_configuration_is_exact(rows, random):
    X = [list(row) for row in rows]
    columns = Columns.fit(X, np.arange(0, len(X), 2), max_categories=3, embed_above=2)
    Z, codes = columns.transform(X), columns.codes(X)
    order = list(range(len(X)))
    random.shuffle(order)
    mixed = [X[i] for i in order]
    assert columns.transform(mixed).tobytes() == Z[order].tobytes()
    assert columns.codes(mixed).tobytes() == codes[order].tobytes()
    config, kept = columns.to_config()
    again = Columns.from_config(json.loads(json.dumps(config)), {name: array.copy() for name, array in kept.items()})
    assert again.transform(X).tobytes() == Z.tobytes() and again.codes(X).tobytes() == codes.tobytes()
    assert again.described == columns.described and again.input_names == columns.input_names
    assert again.embedded == columns.embedded and (again.is_number == columns.is_number).all()
    assert json.dumps(again.to_config()[0]) == json.dumps(config)


def test_columns_are_copied_pickled_and_shown():
    columns = Columns.fit([["a", 1.0], ["b", 2.0], ["a", None]], [0, 1, 2])
    again = pickle.loads(pickle.dumps(columns))
    assert again.transform([["b", 2.5]]).tobytes() == columns.transform([["b", 2.5]]).tobytes()
    assert repr(columns) == "<Columns: 2 columns become 3 inputs>"
    assert repr(again.described).splitlines() == [
        "column    kind      became    note",
        "column 0  category  1 input   2 levels",
        "column 1  number    2 inputs  1 gap: the median, and an input that says where",
    ]
    assert "<td>column 1</td><td>number</td><td>2 inputs</td>" in columns.described._repr_html_()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_result_is_rounded_once(dtype):
    X = np.random.default_rng(0).standard_normal((50, 3))
    columns = Columns.fit(X, np.arange(40))
    Z = columns.transform(X, dtype)
    assert Z.dtype == dtype and Z.flags.c_contiguous
    assert Z.tobytes() == columns.transform(X, "float64").astype(dtype).tobytes()
    assert columns.transform(X.astype(">f8"), dtype).tobytes() == Z.tobytes()


@given(st.lists(st.one_of(st.none(), st.datetimes(), st.dates()), min_size=1, max_size=8))
def test_parts_of_dates_are_those_of_the_calendar(dates):
    if all(one is None for one in dates):
        return
    columns = Columns.fit([[one] for one in dates], [0], categorical_features=[])
    for X in ([[one] for one in dates], [[None if one is None else one.isoformat()] for one in dates]):
        raw = of_cells(of_values([row[0] for row in X], "X"), "X")
        for one, (day, month, weekday) in zip(dates, raw, strict=True):
            if one is None:
                assert np.isnan([day, month, weekday]).all()
                continue
            assert (month, weekday) == (one.month, one.weekday())
            time = one - datetime.datetime(1970, 1, 1) if isinstance(one, datetime.datetime) else None
            whole = one.toordinal() - datetime.date(1970, 1, 1).toordinal()
            assert day == (whole if time is None else pytest.approx(time / datetime.timedelta(days=1), abs=1e-9))
        assert np.isfinite(columns.transform(X)).all()
