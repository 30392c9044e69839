"""Whole numbers that look like those of rows: left out, told of, and kept where the user says that they are numbers."""

import numpy as np
import pytest

from fastbp.tables.columns import Columns

pytest.importorskip("narwhals")
pytest.importorskip("sklearn")
pandas = pytest.importorskip("pandas")

from fastbp.sklearn import TabularClassifier, TabularRegressor  # noqa: E402

SMALL = {"hidden_layer_sizes": (16,), "n_epochs": 30, "batch_size": 32, "random_state": 0}
RANDOM = np.random.default_rng(0)
TABLE = pandas.DataFrame({"pressure": RANDOM.permutation(200), "noise": RANDOM.standard_normal(200)})
HIGH = TABLE["pressure"] > 100


def test_numbers_that_count_the_rows_are_left_out_with_a_warning():
    with pytest.warns(UserWarning, match="left out as identifiers: 'pressure'. Name in numerical_features") as told:
        model = TabularClassifier(**SMALL, n_folds=3).fit(TABLE, HIGH)
    assert len(told) == 1 and told[0].filename == __file__
    assert model.columns_[0].became == "left out"
    with pytest.warns(UserWarning, match="'pressure', 'level'"):
        TabularRegressor(**SMALL).fit(TABLE.assign(level=RANDOM.permutation(200)), TABLE["noise"])


@pytest.mark.parametrize("said", [["pressure"], [0], [True, False]])
def test_numbers_that_the_user_names_are_kept(said):
    model = TabularClassifier(**SMALL, numerical_features=said).fit(TABLE, HIGH)
    assert model.columns_[0].kind == "number" and model.score(TABLE, HIGH) > 0.95


@pytest.mark.parametrize("name", ["age", "elapsed_time", "Year"])
def test_no_warning_where_a_name_tells_a_time_and_none_for_few_or_floats(name):
    TabularClassifier(**SMALL).fit(TABLE.rename(columns={"pressure": name}), HIGH)
    TabularClassifier(**SMALL).fit(TABLE.astype({"pressure": float}), HIGH)
    few = TABLE.assign(pressure=np.arange(200) + 1000)[:49]
    TabularClassifier(**SMALL).fit(few.assign(pressure=np.arange(49)), HIGH[:49])
    TabularClassifier(**SMALL).fit(TABLE.rename(columns={"pressure": "customer id"}), HIGH)  # its name says so


def test_what_is_said_to_be_numbers_is_read_as_such():
    X = pandas.DataFrame({
        "id": [3, 1, 2, 5], "code": ["01", "02", "?", "05"], "flag": [True, False, True, True],
        "kind": pandas.Categorical(["1.5", "2", None, "2"]), "none": [None, None, None, None],
    })  # fmt: skip
    columns = Columns.fit(X, np.arange(4), numerical_features=list(X.columns))
    assert [one.kind for one in columns.described] == ["number"] * 4 + ["empty"]
    assert columns.input_names == ["id", "code", "code is missing", "flag", "kind", "kind is missing"]


def test_what_cannot_be_numbers_is_refused():
    X = pandas.DataFrame({"city": ["Oslo", "Rome", "Oslo"], "a": [1.0, 2.0, 4.0]})
    for said, message in (
        ({"numerical_features": ["city"]}, "column 'city' must hold numbers, got 'Oslo' in row 0"),
        (
            {"numerical_features": ["ctiy"]},
            "numerical_features must name columns of X, got 'ctiy' - did you mean 'city'",
        ),
        ({"numerical_features": ["a"], "categorical_features": [1]}, "got X: column 'a' in both"),
        ({"numerical_features": [True]}, "numerical_features must be a mask of 2 columns, got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            Columns.fit(X, [0, 1, 2], **said)
    with pytest.raises(TypeError, match="numerical_features must be a list of names or numbers"):
        Columns.fit(X, [0, 1, 2], numerical_features=1)
