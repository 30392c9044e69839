"""``fastbp train`` on data that are read in pieces: patterns of files, folders of parts, and --memory."""

import bz2
import gzip
import os
import re
from pathlib import Path

import numpy as np
import pytest

import fastbp
from fastbp.cli.summary import MOST_LABELS, Moments, Summary
from fastbp.data.sources.source import Source
from fastbp.data.sources.view import View, drawn
from fastbp.files.scales import scaling, scaling_of, target_scale

pa = pytest.importorskip("pyarrow")
random = np.random.default_rng(8)
X = random.normal(3, 2, (600, 4))
kind = np.array(["no", "yes"])[(X.sum(axis=1) > 12).astype(int)]
price = X @ [1.0, -2.0, 3.0, 0.5] + 100


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A folder of parts of CSV and one of Parquet."""
    from pyarrow import parquet

    monkeypatch.chdir(tmp_path)
    for folder in ("csv", "tables"):
        os.mkdir(folder)
    for part, at in enumerate(range(0, 600, 200)):
        rows = slice(at, at + 200)
        cells = [f"{','.join(map(repr, row.tolist()))},{k}\n" for row, k in zip(X[rows], kind[rows], strict=True)]
        with open(f"csv/part-{part}.csv", "w") as file:
            file.writelines(["a,b,c,d,kind\n", *cells])
        columns = {name: X[rows, j] for j, name in enumerate("abcd")} | {"price": price[rows]}
        parquet.write_table(pa.table(columns), f"tables/part-{part}.parquet", row_group_size=70)
    return tmp_path


def test_a_pattern_of_csv_files_is_learned_in_pieces(run, parts):
    status, out, err = run("train", "--data", "csv/part-*.csv", "--save", "model", "--epochs", 20, "--memory", "1MB")
    assert status == 0 and err == ""
    lines = out.splitlines()
    found = re.fullmatch(r"data: part-\*.csv, (\d+) rows to train on, (\d+) to test, 2 classes", lines[0])
    train, test = map(int, found.groups())
    assert train + test == 600 and 90 < test < 150
    assert lines[1:4] == [
        "read in 3 pieces, within 1 MB for rows",
        "task: classification, as the target holds text",
        "network: 4-128-2, 20 epochs in batches of 16",
    ]
    accuracy = float(re.search(r"^test accuracy: ([\d.]+) %$", out, re.MULTILINE).group(1))
    model = fastbp.load("model")
    assert model.class_names == ["no", "yes"] and model.feature_names == list("abcd")
    held = np.concatenate([drawn(0, part, np.arange(200)) < 0.2 for part in range(3)])
    assert held.sum() == test
    assert accuracy == round(100 * model.evaluate(X[held], kind[held])["accuracy"], 2) > 90
    shift, scale = scaling(X[~held])
    assert np.allclose(model.input_shift, shift, rtol=1e-12) and np.allclose(model.input_scale, scale, rtol=1e-12)


def test_a_folder_of_parquet_files_and_numbers_to_predict(run, parts):
    status, out, err = run("train", "--data", "tables", "--save", "model", "--epochs", 40, "--plot", "curve.svg")
    assert status == 0 and err == "" and os.path.getsize("curve.svg") > 1000
    assert "read in 9 pieces, within 512 MB for rows" in out and "a number to predict" in out
    r2, error = map(float, re.search(r"test R2: ([\d.]+); root mean square error: ([\d.]+)", out).groups())
    model = fastbp.load("model")
    starts = [drawn(0, 3 * part + group, np.arange(first, min(first + 70, 200))) < 0.2
              for part in range(3) for group, first in enumerate((0, 70, 140))]  # fmt: skip
    held = np.concatenate(starts)
    z = model.predict(X[held])
    assert r2 > 0.9 and error == pytest.approx(float(np.sqrt(np.mean((z - price[held]) ** 2))), rel=1e-3)
    assert r2 == pytest.approx(model.score(X[held], price[held]), abs=1e-3)


def test_memory_reads_one_file_in_pieces_and_a_folder_of_npy(run, parts):
    status, out, err = run("train", "--data", "csv/part-0.csv", "--memory", "2 MiB", "--epochs", 2, "--quiet")
    assert status == 0 and "test accuracy" in out
    os.mkdir("arrays")
    for part in range(2):
        np.save(f"arrays/X-{part}.npy", X[part * 300 : part * 300 + 300].astype("uint8"))
        np.save(f"arrays/y-{part}.npy", (kind == "yes").astype(int)[part * 300 : part * 300 + 300])
    status, out, err = run("train", "--data", "arrays", "--save", "model", "--epochs", 2)
    assert status == 0 and "read in 2 pieces" in out
    model = fastbp.load("model")
    assert model.input_shift is None and model.input_scale == 1 / 255 and model.class_names == ["0", "1"]


def test_checkpoints_of_a_training_in_pieces_go_on(run, parts):
    common = "train", "--data", "csv/part-*.csv", "--checkpoint", "run", "--resume", "--quiet"
    for epochs in (2, 5):
        assert run(*common, "--epochs", epochs, "--save", "resumed")[0] == 0
    assert run("train", "--data", "csv/part-*.csv", "--epochs", 5, "--save", "whole", "--quiet")[0] == 0
    one, other = fastbp.load("resumed").get_state(), fastbp.load("whole").get_state()
    assert one["parameters"].tobytes() == other["parameters"].tobytes()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--memory", "1GB"], "--memory needs --data"),
        (["--data", "csv", "--memory", "lots"], "memory must be a number of bytes, such as '2 GB'"),
        (["--data", "csv", "--report", "page.html"], "--report needs data in memory"),
        (["--data", "csv", "--report="], "--report needs data in memory"),
        (["--data", "csv", "--recipe", "td-s"], "--recipe td-s needs data in memory"),
        (["--data", "csv/*.csv", "--recipe", "td"], "--recipe td needs data in memory"),
        (["--data", "csv/part-0.csv", "--memory", "1GB", "--recipe", "td"], "--recipe td needs data in memory"),
        (["--data", "csv/part-0.csv", "--memory", "1GB", "--max-bytes", "10"], "--max-bytes needs data in memory"),
        (["--data", "csv", "--mpi"], "--mpi needs data in memory"),
        (["--data", "csv", "--no-header"], "--no-header: CSV that is read in pieces needs first lines"),
        (["--data", "csv", "--target", "none"], "no column 'none'; the columns are a, b, c, d, kind"),
        (["--data", "csv", "--task", "regression"], "the target must hold numbers for --task regression, got 'no'"),
        (["--data", "none-*.csv"], "none-*.csv"),
        (["--data", "empty", "--memory", "1GB"], "empty: has no parts: *.parquet, X*.npy, *.csv"),
        (["--data", "tables", "--target", "a", "--task", "classification"], "different labels"),
    ],
)
def test_what_can_not_be_read_in_pieces_is_refused(run, parts, arguments, message):
    os.mkdir("empty")
    status, out, err = run("train", *arguments)
    if "different labels" in message:  # of few rows, which a task that is named takes
        assert status == 0
        return
    assert status == 2 and out == "" and message in err and err.count("\n") == 1
    assert not os.path.exists("fastbp-model.safetensors")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_of_compressed_csv_is_guessed_from_its_text(run, parts, delimiter):
    few = "--memory", "1MB", "--epochs", 1, "--recipe", "plain"
    text = Path("csv/part-0.csv").read_text().replace(",", delimiter).encode()
    for ending, compressed in {"csv": text, "csv.gz": gzip.compress(text), "csv.bz2": bz2.compress(text)}.items():
        with open(f"one.{ending}", "wb") as file:
            file.write(compressed)
        status, out, err = run("train", "--data", f"one.{ending}", *few)
        assert (status, err) == (0, "") and "network: 4-128-2" in out
        assert fastbp.load("fastbp-model.safetensors").feature_names == list("abcd")


def test_names_with_commas_do_not_tell_the_delimiter(run, parts):
    with open("names.csv", "w") as file:
        file.write('"a,b,c,d";e;kind\n' + "1;2;x\n3;4;y\n" * 20)
    assert run("train", "--data", "names.csv", "--memory", "1MB", "--epochs", 1)[0] == 0
    assert fastbp.load("fastbp-model.safetensors").feature_names == ["a,b,c,d", "e"]


def test_what_is_no_text_is_named_with_its_file(run, parts):
    for content in (gzip.compress(b"a,b\n1,2\n"), "kind\u00e9,b\n1,2\n".encode("latin-1")):
        with open("odd.csv", "wb") as file:
            file.write(content)
        status, out, err = run("train", "--data", "odd.csv", "--memory", "1MB")
        assert (status, out) == (2, "") and "odd.csv: must be text in UTF-8; compressed files" in err
        with pytest.raises(ValueError, match="odd.csv: must be text in UTF-8"):
            fastbp.data.Csv("odd.csv")


def test_a_cell_that_is_no_number_is_named(run, parts):
    with open("csv/part-2.csv", "a") as file:
        file.write("1,2,inf,4,no\n")
    status, out, err = run("train", "--data", "csv")
    assert status == 2 and "csv/part-2.csv: X must hold finite numbers, row 200 does not" in err
    with open("csv/part-1.csv", "a") as file:
        file.write("1,2,,4,no\n")
    status, out, err = run("train", "--data", "csv")
    assert status == 2 and "csv/part-1.csv: column 'c' has no value in row 200" in err


def test_moments_of_parts_are_those_of_all_rows():
    moments = Moments()
    rows = np.concatenate([X * [1, 1e6, 1e-6, 0], np.full((600, 1), 7.0)], axis=1)
    rows[3, 0] = 1e5  # an outlier, whose tenth of the range is the scale
    for first, last in ((0, 1), (1, 1), (1, 400), (400, 600)):
        moments.add(rows[first:last])
    shift, scale = scaling_of(*moments.all())
    expected = scaling(rows)
    assert np.allclose(shift, expected[0], rtol=1e-12) and np.allclose(scale, expected[1], rtol=1e-9)


@pytest.mark.parametrize(
    "last, message", [("b", "column 1 holds numbers too large"), ("y", "the target holds numbers")]
)
def test_numbers_too_large_to_scale_are_refused_in_pieces_as_in_memory(run, parts, last, message):
    unit = {"b": 1.0, "y": 1.0} | {last: 1e306}
    rows = [f"{i % 7},{i * unit['b']!r},{(i + 0.5) * unit['y']!r}\n" for i in range(60)]
    with open("large.csv", "w") as file:
        file.writelines(["a,b,y\n", *rows])
    for memory in ([], ["--memory", "1MB"]):
        status, out, err = run("train", "--data", "large.csv", "--task", "regression", "--epochs", 1, *memory)
        assert (status, out) == (2, "") and message in err, err


class Given(Source):
    """Arrays as a source of pieces."""

    def __init__(self, X, y, each=100):
        super().__init__("1 MB")
        self.arrays, self.each = (X, y), each

    def __len__(self):
        return -(-len(self.arrays[0]) // self.each)

    def _read(self, piece, features=True):
        from fastbp.data.sources.source import Part

        at = slice(piece * self.each, (piece + 1) * self.each)
        yield Part(*(each[at] for each in self.arrays), None, f"piece {piece}")


def test_numbers_get_the_scale_that_arrays_get():
    summary = Summary(Given(X, price), 3, 0.2, None, "data")
    held = np.concatenate([drawn(3, piece, np.arange(100)) < 0.2 for piece in range(6)])
    expected = target_scale(price[~held])
    assert summary.target_scale()[:2] == pytest.approx(expected[:2], rel=1e-12)
    assert np.allclose(summary.numbered()(price), expected.standardized(price))


def test_labels_are_numbered_as_in_memory():
    labels = random.integers(3, 7, 600)
    for given in (labels, labels.astype(float), labels.astype(str)):
        summary = Summary(Given(X, given), 0, 0.2, "classification", "data")
        assert summary.target.class_names == ["3", "4", "5", "6"]
        assert (summary.numbered()(given) == labels - 3).all()
    many = np.arange(MOST_LABELS + 100)
    with pytest.raises(ValueError, match="data: the target holds more than 10,000 different labels"):
        Summary(Given(np.zeros((len(many), 1)), many.astype(str), 5000), 0, 0.2, None, "data")
    assert not Summary(Given(np.zeros((len(many), 1)), many, 5000), 0, 0.2, None, "data").target.class_names
    with pytest.raises(ValueError, match="data: all rows have the label '3'"):
        Summary(Given(X, np.full(600, 3)), 0, 0.2, None, "data")


def test_views_share_the_rows_without_overlap():
    source = Given(np.arange(600.0)[:, None], np.arange(600))
    parts = [np.concatenate([y for _, y in View(source, 5, 0.2, held)]) for held in (True, False)]
    assert sorted(np.concatenate(parts)) == list(range(600)) and 80 < len(parts[0]) < 160
    assert 0.49 < drawn(1, 2, np.arange(100_000)).mean() < 0.51
    assert (drawn(1, 2, np.arange(9)) != drawn(2, 2, np.arange(9))).all()
