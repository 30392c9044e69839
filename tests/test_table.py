"""CSV: what is read comes out as written, and what is wrong is named by file, line and column."""

import csv
import gzip
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbp.files import datasets, table


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# ---- to train on


def test_csv_with_header_and_text_labels(write):
    data = datasets.read(write("size,weight,kind\n1,2.5,dog\n\n-3,1e2,cat\n 5 , 6 , dog \n"))
    np.testing.assert_array_equal(data.X, [[1, 2.5], [-3, 100], [5, 6]])
    assert data.y.tolist() == [1, 0, 1] and data.class_names == ["cat", "dog"]
    assert data.feature_names == ["size", "weight"] and data.X_test is None and data.name == "data.csv"


@pytest.mark.parametrize(
    ("content", "target", "X", "labels", "names"),
    [
        ("1,2,x\n3,4,y\n", None, [[1, 2], [3, 4]], ["x", "y"], None),
        ("x,1,2\ny,3,4\n", 0, [[1, 2], [3, 4]], ["x", "y"], None),
        ("x,1,2\ny,3,4\n", -3, [[1, 2], [3, 4]], ["x", "y"], None),
        ("a,b,c\n1,2,3\n4,5,6\n", "b", [[1, 3], [4, 6]], ["2", "5"], ["a", "c"]),
        ("a,b,c\n1,2,3\n4,5,6\n", "1", [[1, 3], [4, 6]], ["2", "5"], ["a", "c"]),
        ("a,2,c\n1,2,3\n4,5,6\n", "2", [[1, 3], [4, 6]], ["2", "5"], ["a", "c"]),  # a column's name comes first
        ("0,1,label\n1,2,3\n4,5,6\n", None, [[1, 2], [4, 5]], ["3", "6"], ["0", "1"]),
        ("x,2019,2020,2021\n7,1,2,3\n8,4,5,6\n", "x", [[1, 2, 3], [4, 5, 6]], ["7", "8"], ["2019", "2020", "2021"]),
        ("1;2;x\n3;4;y\n", None, [[1, 2], [3, 4]], ["x", "y"], None),
        ("1\t2\tx\n3\t4\ty\n", None, [[1, 2], [3, 4]], ["x", "y"], None),
        ('"a,1","b"\r\n1,x\r\n2,"y\nz"\r\n', None, [[1], [2]], ["x", "y\nz"], ["a,1"]),
        ("\ufeffa,b\n1,x\n2,y", "b", [[1], [2]], ["x", "y"], ["a"]),
    ],
)
def test_csv_forms(write, content, target, X, labels, names):
    data = datasets.read(write(content), target)
    np.testing.assert_array_equal(data.X, X)
    assert [data.class_names[c] for c in data.y] == labels
    assert data.feature_names == names


def test_content_decides_not_the_name(write):
    plain = datasets.read(write("1,2,x\n3,4,y\n", "data.npz"))
    packed = datasets.read(write(gzip.compress(b"1,2,x\n3,4,y\n", mtime=0), "data.txt"))
    np.testing.assert_array_equal(plain.X, packed.X)
    assert plain.class_names == packed.class_names == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        ("a,b,y\n1,2,x\n3,,z\n", None, ["line 3", "column 'b'", "empty"]),
        ("a,b,y\n1,2,x\n3,4,\n", None, ["line 3", "column 'y'", "empty"]),
        ("a,b,y\n1,2,x\n3,green,z\n", None, ["line 3", "column 'b'", "'green'"]),
        ("a,b,y\n\n1,2,x\n\nnan,4,z\n", None, ["line 5", "column 'a'", "'nan'"]),
        ("a,b,y\n1,1e999,x\n", None, ["line 2", "column 'b'", "'1e999'"]),
        ("1,2,3,x\n3,4,oh,z\n", None, ["line 2", "column 2", "'oh'"]),
        ("1,oh,3,x\n3,4,5,z\n", None, ["line 1", "column 1", "'oh'"]),  # one text does not make a header
        ("a,b,y\n1,2,x\n3,4\n", None, ["line 3", "2 columns", "3"]),
        ("a,b,y\n1,2,x\n3,4,5,x\n", None, ["line 3", "4 columns", "3"]),
        ("a,a,y\n1,2,x\n", None, ["line 1", "'a'", "0 and 1"]),
        (",a,y\n0,2,x\n", None, ["line 1", "column 0", "no name"]),
        ("a,b,y\n1,2,x\n", "z", ["'z'", "'a', 'b', 'y'"]),
        ("a,b,y\n1,2,x\n", "3", ["'3'", "3 columns"]),
        ("1,2,x\n", "-4", ["'-4'", "3 columns", "without names"]),
        ("1,2,x\n", "y", ["'y'", "without names"]),
        ("a,b,y\n", None, ["no rows"]),
        ("y\nx\n", None, ["line 1", "one column"]),
        ("", None, ["empty"]),
        ("\n\n", None, ["empty"]),
        ('a,b,y\n1,2,"x\n', None, ["line", "end of data"]),
        (b"a,b,y\n1,2,\xff\xfe\n", None, ["line 2", "column 'y'", "UTF-8"]),
        (b"a,b,y\n1,\xff2,x\n", None, ["line 2", "column 'b'", "finite number"]),
        ("a,b,y\n1,2,x\n".encode("utf-16"), None, ["UTF-8"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None, ["UTF-8"]),
        (gzip.compress(b"1,2,x\n3,4,y\n" * 50, mtime=0)[:-12], None, ["cut short"]),
        (gzip.compress(b"1,2,x\n3,4,y\n" * 50, mtime=0)[:-8] + bytes(8), None, ["damaged"]),
    ],
)
def test_csv_errors_name_the_place(write, content, target, words):
    path = write(content)
    with pytest.raises(ValueError) as error:
        datasets.read(path, target)
    for word in [str(path), *words]:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.csv"):
        datasets.read(tmp_path / "nothing.csv")


@given(
    st.integers(1, 4).flatmap(
        lambda columns: st.lists(
            st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=columns, max_size=columns), min_size=1
        )
    ),
    st.booleans(),
)
def test_what_the_csv_module_writes_is_read_to_the_bit(rows, named):
    text = io.StringIO()
    writer = csv.writer(text)
    if named:
        writer.writerow([f"f{i}" for i in range(len(rows[0]))] + ["label"])
    writer.writerows([*row, f"row {i}"] for i, row in enumerate(rows))
    X, labels, names = table.labelled(table.start(io.StringIO(text.getvalue(), newline=""), "test"), None)
    np.testing.assert_array_equal(X, rows)
    assert labels == [f"row {i}" for i in range(len(rows))]
    assert (names is not None) == named


# ---- to predict


NAMED = "a,b\n1,2\n3,4\n"


@pytest.mark.parametrize(
    ("content", "names", "target"),
    [
        ("1,2\n3,4\n", None, None),
        ("1,2\n3,4\n", ["a", "b"], None),
        (NAMED, None, None),
        (NAMED, ["a", "b"], None),
        ("b,kind,a\n2,x,1\n4,,3\n", ["a", "b"], None),
        ("b,kind,a\n2,x,1\n4,,3\n", ["a", "b"], "kind"),
        ("1,2,x\n3,4,y\n", None, "2"),
        ("1,x,2\n3,y,4\n", ["a", "b"], 1),
        ("a,b,y\n1,2,x\n3,4,x\n", None, "y"),
        ("0,1\n1,2\n3,4\n", ["0", "1"], None),
        (",a,b\n0,1,2\n1,3,4\n", ["a", "b"], None),  # an index, as pandas writes it
        ("a,c,b,c\n1,x,2,y\n3,,4,\n", ["a", "b"], None),
        ("a,b,c\n1,2,1_0\n3,4,nan\n", ["a", "b"], "2"),
        (f"a,b,c\n1,2,{'x' * 200_000}\n3,4,\n", ["a", "b"], None),
        (b"a,b,c\n1,2,caf\xe9\n3,4,\xff\n", ["a", "b"], None),  # Latin-1
        ("\u00fc;b;a\n\u0661;2;1\n\u0662;4;3\n", ["a", "b"], None),
    ],
)
def test_read_inputs(write, content, names, target):
    X = datasets.read_inputs(write(content), 2, names, target)
    np.testing.assert_array_equal(X, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("content", "names", "target", "words"),
    [
        ("b,c,d\n1,2,3\n", ["a", "b", "e"], None, ["'a', 'e'"]),
        ("a,b\n1,2\n", ["a", "b", "e"], "b", ["'e'"]),
        ("a,b,b,e\n1,2,3,4\n", ["a", "b", "e"], None, ["named 'b'"]),
        ("1,2\n3,4\n", None, None, ["2 columns", "takes 3"]),
        ("1,2,3,4\n", None, None, ["4 columns", "takes 3", "target"]),
        ("1,2,3,4,5\n", None, "4", ["4 columns", "takes 3"]),
        ("a,b,e\n1,2,x\n", ["a", "b", "e"], None, ["line 2", "column 'e'", "'x'"]),
        ("a,b,e,y\n1,2,3,x\n", ["a", "b", "e"], "no such column", ["no target column 'no such column' among 4"]),
        ("a,b,e,y\n1,2,3,x\n", ["a", "b", "e"], "4", ["no target column '4' among 4"]),
        ("a,b,e,y\n1,2,3,x\n", ["a", "b", "e"], "-1", ["no target column '-1' among 4"]),
        ("a,b,e,y\n1,2,3,x\n", ["a", "b", "e"], "b", ["target 'b' can't be left out, as the model takes"]),
        ("a,b,e,y\n1,2,3,x\n", ["a", "b", "e"], 0, ["target 0 can't be left out", "the column 'a'"]),
        ("0,1,2,y\n1,2,3,x\n", ["0", "1", "2"], "z", ["no target column 'z' among 4"]),
        ("1,2,\n", None, None, ["line 1", "column 2", "empty"]),
        ("1,1_0,2\n", None, None, ["line 1", "column 1", "'1_0'"]),
        ("a,b,e\n1,2,\u0663\n", ["a", "b", "e"], None, ["line 2", "column 'e'", "finite number"]),
        ("a;b;e\n1;2;3,5\n", None, None, ["line 2", "'3,5'", "decimals take a point"]),
        ("a,b,e\n", None, None, ["no rows"]),
    ],
)
def test_read_inputs_errors(write, content, names, target, words):
    path = write(content)
    with pytest.raises(ValueError) as error:
        datasets.read_inputs(path, 3, names, target)
    for word in [str(path), *words]:
        assert word in str(error.value)
