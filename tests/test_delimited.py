"""Delimited text: the delimiter that many lines agree on, and cells and lines of any length."""

import csv

import numpy as np
import pytest

from fastbp.files import datasets
from fastbp.files.delimited import rows


def cells(text):
    return [row for _, row in rows(text.splitlines(keepends=True), "test")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a,b,c,d";y\n1;x\n2;z\n', [["a,b,c,d", "y"], ["1", "x"], ["2", "z"]]),
        ("size in m, cm, mm;kind\n1;x\n2;z\n", [["size in m, cm, mm", "kind"], ["1", "x"], ["2", "z"]]),
        ("a;b,c\n1;2,x\n3;4,y\n", [["a", "b,c"], ["1", "2,x"], ["3", "4,y"]]),
        ("a\tb\n1\tSmith, John\n2\tDoe, Jane\n", [["a", "b"], ["1", "Smith, John"], ["2", "Doe, Jane"]]),
        ('"a\n;;;;b",c\n1,x\n2,y\n', [["a\n;;;;b", "c"], ["1", "x"], ["2", "y"]]),
        ('1,"a;b;c"\n2,"d;e;f"\n', [["1", "a;b;c"], ["2", "d;e;f"]]),
        ("1,5;x\n2,5;y\n", [["1,5", "x"], ["2,5", "y"]]),
        ("size;kind\n1,5;x\n2,5;y\n", [["size", "kind"], ["1,5", "x"], ["2,5", "y"]]),
        ("1\n2\n", [["1"], ["2"]]),
        ("\n \n1;2\n", [["1", "2"]]),
    ],
)
def test_all_lines_choose_the_delimiter(text, expected):
    assert cells(text) == expected


def test_a_row_of_many_lines_does_not_choose_alone():
    note = '"' + ";;\n" * 150 + '"'
    assert cells(f"{note},x\n1,y\n2,z\n")[1:] == [["1", "y"], ["2", "z"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_many_columns(tmp_path, delimiter):
    X = np.arange(60_000.0).reshape(3, 20_000) / 7
    lines = [delimiter.join([*map(repr, row.tolist()), label]) for row, label in zip(X, "aba", strict=True)]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(lines))
    assert len(lines[0]) > csv.field_size_limit() == 131_072
    data = datasets.read(path)
    np.testing.assert_array_equal(data.X, X)
    assert data.class_names == ["a", "b"] and csv.field_size_limit() == 131_072
    names = [f"column {i}" for i in range(20_000)]
    path.write_text("\n".join([delimiter.join([*names, "kind"]), *lines]))
    assert datasets.read(path).feature_names == names
    np.testing.assert_array_equal(datasets.read_inputs(path, 20_000, names), X)


def test_a_long_cell(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text(f'a,note\n1,"{"word, " * 50_000}"\n2,{"x" * 200_000}\n')
    np.testing.assert_array_equal(datasets.read_inputs(path, 1, ["a"]), [[1], [2]])
    assert [len(name) for name in datasets.read(path).class_names] == [299_999, 200_000]


def test_a_quote_that_is_not_closed_is_named_by_its_line():
    with pytest.raises(ValueError, match="test, line 3: .*end of data"):
        cells('a,b\n1,x\n2,"' + "y\n" * 100_000)
    assert csv.field_size_limit() == 131_072
