"""Whether a first row of numbers names columns: what is taken for names, what for data, and what is said about it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbp.files import datasets
from fastbp.files.header import decide

FRACTIONS = [["5.1", "3.5", "1.4", "cat"], ["4.9", "3.1", "1.5", "cat"], ["6.2", "2.9", "4.3", "dog"]] * 4
PIXELS = [["0", "0", "7", "7", "0"], ["9", "0", "0", "7", "1"], ["0", "3", "3", "0", "0"]] * 4
YEARS = [["10", "14", "12", "up"], ["31", "28", "30", "down"]] * 4


@pytest.mark.parametrize(
    ("first", "others", "label"),
    [
        ("0,1,2,kind", FRACTIONS, 3),
        ("0,1,2,3", FRACTIONS, 3),
        ("1,2,3,4", FRACTIONS, 3),
        ("2019,2020,2021,trend", YEARS, 3),
        ("400,410,425,class", FRACTIONS, 3),
        ("0,1,2,3,4", PIXELS, 4),
        ("0,1,2,3,label", PIXELS, 4),  # text above numbers
        ("0,1,2,3,4", PIXELS, None),
        ("0,1,2", [row[:3] for row in FRACTIONS], None),
        ("0,1,kind", [row[1:] for row in FRACTIONS], 2),  # above fractions, and no other row's label
    ],
)
def test_numbers_that_are_names(first, others, label):
    found = decide(first.split(","), others, label)
    assert found.named and "--no-header" in found.doubt


@pytest.mark.parametrize(
    ("first", "others", "label", "doubt"),
    [
        ("5.0,3.6,1.4,cat", FRACTIONS, 3, None),
        ("5.0,3.6,1.4,emu", FRACTIONS, 3, "'emu' is no other row's label"),  # one sign is not enough
        ("0,0,7,0,1", PIXELS, 4, None),
        ("9,9,7,0,1", PIXELS, 4, None),
        ("1,2,x", [["3", "4", "y"]], 2, None),
        ("1,2,3,x", [["4", "5", "6", "y"], ["7", "8", "9", "z"]], 3, None),  # all rows run in order
        ("0,1,a", [["0", "0", "b"], ["1", "1", "b"]], 2, "'a'"),
        ("0,1,2,up", [["10", "14", "12", "up"], ["9", "3", "7", "down"]], 3, "run from 0 to 2"),
        ("7,7,7,kind", FRACTIONS, 3, None),  # names would differ
        ("1_0,2,3,x", [["4", "5", "6", "y"]], 3, None),
        ("5,x", [], 1, None),
    ],
)
def test_numbers_that_are_data(first, others, label, doubt):
    found = decide(first.split(","), others, label)
    assert not found.named
    assert found.doubt is None if doubt is None else doubt in found.doubt and "--header" in found.doubt


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(st.floats(-9, 9).map(str), min_size=n, max_size=n), min_size=1, max_size=12)
    )
)
def test_rows_of_fractions_are_never_names(rows):
    assert not decide(rows[0], rows[1:]).named
    labelled = [[*row, "ab"[i % 2]] for i, row in enumerate(rows)]
    assert not decide(labelled[0], labelled[1:], len(rows[0])).named


@pytest.fixture
def write(tmp_path):
    def write(*rows):
        path = tmp_path / "data.csv"
        path.write_text("\n".join(",".join(row) if isinstance(row, list) else row for row in rows))
        return path

    return write


def test_a_header_of_numbers_is_no_row_and_no_class(write):
    data = datasets.read(write("0,1,2,kind", *FRACTIONS))
    assert data.X.shape == (12, 3) and data.class_names == ["cat", "dog"] and data.feature_names == ["0", "1", "2"]
    assert len(data.doubts) == 1 and "data.csv" in data.doubts[0]


def test_the_caller_decides(write):
    path = write("0,1,2,kind", *FRACTIONS)
    data = datasets.read(path, header=False)
    assert data.X[0].tolist() == [0, 1, 2] and data.class_names == ["cat", "dog", "kind"] and data.doubts == []
    path = write(*FRACTIONS)
    assert len(datasets.read(path).X) == 12
    assert datasets.read(path, header=True).feature_names == ["5.1", "3.5", "1.4"]
    with pytest.raises(ValueError, match="without names"):
        datasets.read(write("a,b", "1,x"), "b", header=False)
    with pytest.raises(ValueError, match="line 1: .*'a'"):
        datasets.read(write("a,b", "1,x"), header=False)


def test_what_is_guessed_is_told(write):
    assert datasets.read(write("a,b", "1,x", "2,y")).remarks[0] == "columns: named by the first line"
    assert "without names" in datasets.read(write("1,x", "2,y")).remarks[0]
    with pytest.raises(ValueError, match="line 1: column 1 .*'oh'.*--header"):
        datasets.read(write("1,oh,3,x", "3,4,5,z"))


def test_a_target_that_is_a_name_and_a_number(write):
    data = datasets.read(write("a,2,c", "1,2,3", "4,5,6"), "2")
    np.testing.assert_array_equal(data.X, [[1, 3], [4, 6]])
    assert "'2'" in data.doubts[0] and "number 1" in data.doubts[0]
    with pytest.raises(ValueError, match="2 columns are named 'a'"):
        datasets.read(write("a,b,a", "1,2,x"), "a")


def test_rows_to_predict_have_a_line_each(write):
    features = [row[:3] for row in FRACTIONS]
    doubts = []
    path = write("0,1,2", *features)
    assert datasets.read_inputs(path, 3, ["0", "1", "2"], doubts=doubts).shape == (12, 3) and len(doubts) == 1
    assert datasets.read_inputs(path, 3, doubts=doubts).shape == (12, 3) and len(doubts) == 2
    assert datasets.read_inputs(path, 3, header=False, doubts=doubts).shape == (13, 3) and len(doubts) == 2
    assert datasets.read_inputs(path, 3, ["0", "1", "2"], header=False).shape == (13, 3)
    path = write(*features)
    assert datasets.read_inputs(path, 3, ["0", "1", "2"], doubts=doubts).shape == (12, 3) and len(doubts) == 2
