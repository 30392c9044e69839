"""Tables from files: every library reads the same, and what none could read right is refused in one line."""

import gzip
import sys

import numpy as np
import pytest

from fastbp.files import lines
from fastbp.tables import reading
from fastbp.tables.columns import Columns


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


CITIES, WORDS = ("Oslo", 'Rome "x"', "Bonn"), ("NA", "None", "é")
ROWS = [
    [i, CITIES[i % 3], 1.5 * i if i % 2 else None, f"0{i % 4}1", f"2024-01-{1 + i % 28:02d}", i % 2 == 0, WORDS[i % 3]]
    for i in range(40)
]
TEXT = 'id,"city, town",age,zip,day,ok,word\r\n' + "".join(
    f"{i},{quoted(city)},{'' if age is None else age},{digits},{day},{str(ok).lower()},{word}\r\n"
    for i, city, age, digits, day, ok, word in ROWS
)


@pytest.fixture
def file(tmp_path):
    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture(params=reading.READERS)
def reader(request, monkeypatch):
    """Each library that reads, as if it were the only one."""
    library = pytest.importorskip(request.param)
    pytest.importorskip("narwhals")
    monkeypatch.setattr(reading, "READERS", (request.param,))
    return library


def cells(frame):
    narwhals = pytest.importorskip("narwhals")
    found = narwhals.from_native(frame).to_dict(as_series=False)
    return {name: [None if value != value else value for value in column] for name, column in found.items()}


def test_every_library_reads_the_same_table(reader, file):
    frame = reading.read(file(TEXT))
    assert type(frame).__module__.partition(".")[0] == reader.__name__
    found = cells(frame)
    assert [*map(str, found.pop("day"))] == [row[4] for row in ROWS]  # pyarrow reads dates
    assert [list(row) for row in zip(*found.values(), strict=True)] == [row[:4] + row[5:] for row in ROWS]
    columns = Columns.fit(frame, np.arange(30))
    assert [
        one.kind for one in columns.described
    ] == "identifier category number category date boolean category".split()
    by_place = [row[1:] for row in ROWS]
    expected = Columns.fit(by_place, np.arange(30)).transform(by_place)
    assert columns.transform(frame).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
        ("\n\na,b\r\n1,2\r\n\r\n3,4", {"a": [1, 3], "b": [2, 4]}),
        ("a\tb\n1,5\tx\n2,5\ty\n", {"a": [1.5, 2.5], "b": ["x", "y"]}),
        ("a;b\n1,5;x\n-2,5;y\n", {"a": [1.5, -2.5], "b": ["x", "y"]}),
        ("a;b\n1.5;x\n2.5;y,z\n", {"a": [1.5, 2.5], "b": ["x", "y,z"]}),
        ('a,b\n"x\ny",1\n"p,q",2\n', {"a": ["x\ny", "p,q"], "b": [1, 2]}),
        ("\ufeffa,b\n1,2\n", {"a": [1], "b": [2]}),
        ("a,b\n1,\n,2\n,\n", {"a": [1, None, None], "b": [None, 2, None]}),
        ("a,b\n" + "1,2\n" * 3000 + "x,2.5\n", {"a": ["1"] * 3000 + ["x"], "b": [2] * 3000 + [2.5]}),
        ("a,b\n007,2\n12,3\n", {"a": ["007", "12"], "b": [2, 3]}),
        ("a,b\n0,0.5\n-0,0e1\n", {"a": [0, 0], "b": [0.5, 0]}),
    ],
)
def test_text_is_read_as_it_stands(reader, file, content, expected):
    assert cells(reading.read(file(content))) == expected
    assert cells(reading.read(file(gzip.compress(content.encode()), "table.csv.gz"))) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("a,b\n", "holds names of columns and no rows"),
        ("a,b\n1,2\n3\n", "line 3: 1 columns, the first row has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3: 3 columns, the first row has 2"),
        ('a,b\n"x,1",2\n"y",3,4\n', "line 3: 3 columns, the first row has 2"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data"),
        ("a,b,a\n1,2,3\n", "line 1: several columns are named 'a'"),
        ("a,b\nx,1\n\xe5,2\n".encode("latin-1"), "line 3: is not text in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "line 1: is not text in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "line 1: holds a zero byte"),
        (b"PK\x03\x04 and more", "is a ZIP file, as those of Excel are, expected CSV, TSV or Parquet"),
        (b"PAR1 and more", "can't be read as Parquet: "),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-6], "damaged or cut short"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(reader, file, content, message):
    path = file(content)
    with pytest.raises(ValueError, match=message) as caught:
        reading.read(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_quotes_within_cells_are_no_reason_to_refuse_rows():
    text = lines.checked(b'a,b\n5" pipe,1\n6" pipe,2\n7 pipe,3\n', "x")
    assert text.delimiter == "," and text.data.count(b"\n") == 4


def test_files_that_unpack_to_too_much_are_refused(reader, file):
    path = file(gzip.compress(b"a,b\n" + b"1,2\n" * 10_000))
    with pytest.raises(ValueError, match="unpacks to more than 1,000 bytes"):
        reading.read(path, max_bytes=1000)
    assert len(reading.read(path, max_bytes=100_000)) == 10_000


def test_parquet_files_are_read_and_bounded(reader, tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "table.parquet"
    parquet.write_table(pyarrow.table({"a": [1, None] * 5000, "b": ["x", "y"] * 5000}), path)
    frame = reading.read(path)
    assert type(frame).__module__.partition(".")[0] == reader.__name__ and len(frame) == 10_000
    assert {name: column[:2] for name, column in cells(frame).items()} == {"a": [1, None], "b": ["x", "y"]}
    with pytest.raises(ValueError, match="unpacks to more than 100,000 bytes"):
        reading.read(path, max_bytes=100_000)
    parquet.write_table(pyarrow.table({"a": pyarrow.array([], pyarrow.int64())}), path)
    with pytest.raises(ValueError, match="holds no rows"):
        reading.read(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="can't be read as Parquet"):
        reading.read(path)


def test_without_a_library_the_extra_is_named(file, monkeypatch):
    for name in reading.READERS:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        ImportError, match=r"polars, pyarrow or pandas, none is installed: pip install 'fastbp\[tables\]'"
    ):
        reading.read(file(TEXT))


def test_files_that_are_not_there_raise_as_open_does(tmp_path):
    with pytest.raises(FileNotFoundError):
        reading.read(tmp_path / "none.csv")
    with pytest.raises(OSError):
        reading.read(tmp_path)


def test_the_first_library_that_is_installed_reads(file, monkeypatch):
    for name in reading.READERS:
        pytest.importorskip(name)
    path = file("a,b\n1,2\n")
    for name in reading.READERS:
        assert type(reading.read(path)).__module__.startswith(name)
        monkeypatch.setitem(sys.modules, name, None)


def test_blanks_around_names_and_text_are_left_out(reader, file):
    path = file("age, city , income\n31, Oslo, >50K\n45, Rome , <=50K\n", "adult.csv")
    frame = pytest.importorskip("narwhals").from_native(reading.read(path), eager_only=True)
    assert frame.columns == ["age", "city", "income"]
    assert frame["city"].to_list() == ["Oslo", "Rome"] and frame["income"].to_list() == [">50K", "<=50K"]
