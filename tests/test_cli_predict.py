"""`fastbp predict`: raw rows in, predictions out."""

import gzip
import io
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from test_cli import DEFAULT, accuracy, complaint, write_csv

import fastbp
from fastbp.files import datasets


def test_predict_takes_the_raw_data_by_name_in_any_order(run, tmp_path):
    kinds = write_csv(tmp_path / "data.csv")
    status, out, _ = run("train", "--data", "data.csv", "--epochs", 60, "--batch-size", 8)
    assert status == 0 and accuracy(out) >= 80
    model = fastbp.load(DEFAULT)
    assert model.feature_names == ["left", "right"] and model.class_names == ["l", "r"]

    status, straight, err = run("predict", DEFAULT, "data.csv")
    rows = [line.split("\t") for line in straight.splitlines()]
    assert (status, err, len(rows)) == (0, "", 60)
    assert np.mean([label == kind for (label, _), kind in zip(rows, kinds, strict=True)]) > 0.9
    expected = model.predict_proba(datasets.read("data.csv").X).max(axis=1)
    np.testing.assert_allclose([float(p) for _, p in rows], expected, atol=6e-7)

    numbers = [line.split(",")[:2] for line in (tmp_path / "data.csv").read_text().splitlines()[1:]]
    (tmp_path / "turned.csv").write_text("right,more,left\n" + "\n".join(f"{b},?,{a}" for a, b in numbers))
    assert run("predict", DEFAULT, "turned.csv") == (0, straight, "")
    (tmp_path / "bare.csv").write_text("\n".join(f"{a},{b}" for a, b in numbers))
    assert run("predict", DEFAULT, "bare.csv") == (0, straight, "")

    (tmp_path / "less.csv").write_text("left,side\n1,l\n")
    assert "'right'" in complaint(run("predict", DEFAULT, "less.csv"))


def test_target_and_predictions_without_the_labels(run, tmp_path):
    (tmp_path / "data.csv").write_text("".join(f"{'ab'[i % 2]},{i % 2 * 5 + i / 100},{i}\n" for i in range(40)))
    assert run("train", "--data", "data.csv", "--target", 0, "--epochs", 30)[0] == 0
    assert "target" in complaint(run("predict", DEFAULT, "data.csv"))
    status, out, _ = run("predict", DEFAULT, "data.csv", "--target", 0)
    assert status == 0 and [line[0] for line in out.splitlines()] == ["a", "b"] * 20


def test_options_of_csv_are_refused_where_they_count_for_nothing(run, tmp_path):
    write_csv(tmp_path / "data.csv")
    assert run("train", "--data", "data.csv", "--epochs", 1)[0] == 0
    assert "no target column 'nonsense' among 3" in complaint(
        run("predict", DEFAULT, "data.csv", "--target", "nonsense")
    )
    assert "the model takes the column 'left'" in complaint(run("predict", DEFAULT, "data.csv", "--target", "left"))
    assert run("predict", DEFAULT, "data.csv", "--target", "side") == run("predict", DEFAULT, "data.csv")
    np.savez(tmp_path / "data.npz", X=np.eye(2), y=[0, 1])
    os.mkdir("images")
    for options, name in ((["--target", 0], "target"), (["--header"], "header"), (["--no-header"], "header")):
        said = complaint(run("predict", DEFAULT, "data.npz", *options))
        assert f"data.npz: {name} (--{name}" in said and "is for CSV, and this is none" in said
        assert f"data.npz: {name} (--" in complaint(run("train", "--data", "data.npz", *options))
        assert f"images: {name} (--" in complaint(run("train", "--data", "images", *options))


def test_strange_names_do_not_break_the_lines(run, tmp_path):
    labels = "a\tb\\", "c\r\nd\u2028\x1b[1mé"
    kinds = write_csv(tmp_path / "data.csv", labels=labels)
    assert run("train", "--data", "data.csv", "--epochs", 60, "--batch-size", 8)[0] == 0
    assert fastbp.load(DEFAULT).class_names == list(labels)
    _, out, _ = run("predict", DEFAULT, "data.csv")
    printed = [line.split("\t") for line in out.splitlines()]
    assert {len(row) for row in printed} == {2} and len(printed) == len(kinds)
    assert {label for label, _ in printed} == {"a\\tb\\\\", "c\\r\\nd\\u2028\\x1b[1mé"}


def test_predictions_of_a_model_without_names(run, tmp_path):
    fastbp.Model([2, 3], seed=0).save(tmp_path / "model")
    np.savez(tmp_path / "data.npz", X=np.eye(2))
    status, out, err = run("predict", "model", "data.npz")
    assert (status, err) == (0, "") and re.fullmatch(r"([012]\t[01]\.\d{6}\n){2}", out)


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_model_for_numbers_predicts_numbers(run, tmp_path, outputs):
    X, model = np.eye(2), fastbp.Model([2, outputs], loss="squared_error", seed=0)
    model.save(tmp_path / "model")
    np.savez(tmp_path / "data.npz", X=X)
    status, out, err = run("predict", "model", "data.npz")
    rows = [[float(number) for number in line.split("\t")] for line in out.splitlines()]
    assert (status, err) == (0, "")
    np.testing.assert_allclose(rows, model.predict(X).reshape(2, outputs), rtol=1e-5)


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz", "data.npz"])
def test_predict_reads_standard_input(run, tmp_path, monkeypatch, name):
    fastbp.Model([2, 3], seed=0).save(tmp_path / "model")
    (tmp_path / "data.csv").write_text("1,2\n3,4\n-5,6\n")
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress((tmp_path / "data.csv").read_bytes()))
    np.savez_compressed(tmp_path / "data.npz", X=[[1, 2], [3, 4], [-5, 6]])
    expected = run("predict", "model", "data.csv")
    assert expected[0] == 0 and len(expected[1].splitlines()) == 3
    given = io.TextIOWrapper(io.BytesIO((tmp_path / name).read_bytes()))
    monkeypatch.setattr(sys, "stdin", given)
    assert run("predict", "model", "-") == expected
    assert not given.closed


def test_errors_name_standard_input(run, tmp_path, monkeypatch):
    fastbp.Model([2, 3], seed=0).save(tmp_path / "model")
    for given, words in (b"1,2\n3,x\n", "standard input, line 2: column 1"), (b"", "standard input: is empty"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        assert words in complaint(run("predict", "model", "-"))
    packed = gzip.compress(b"1,2\n" * 1000)
    for options, content in ([], packed[:-20]), (["--max-bytes", 100], packed):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert "standard input: " in complaint(run("predict", "model", "-", *options))
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input is closed" in complaint(run("predict", "model", "-"))


COMMAND = [sys.executable, "-W", "error", "-c", "import sys; from fastbp.cli import main; sys.exit(main())"]


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
@pytest.mark.parametrize("arguments", ["predict model few.npz", "predict model many.npz", "--help"])
def test_a_reader_that_leaves_is_no_error(tmp_path, arguments):
    fastbp.Model([2, 3], seed=0).save(tmp_path / "model")
    np.savez(tmp_path / "few.npz", X=np.ones((3, 2)))
    np.savez(tmp_path / "many.npz", X=np.ones((50_000, 2)))
    reader, writer = os.pipe()
    os.close(reader)
    words, buffered = [*COMMAND, *arguments.split()], os.environ | {"PYTHONUNBUFFERED": ""}
    done = subprocess.run(words, cwd=tmp_path, env=buffered, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_output_in_ascii(tmp_path):
    fastbp.Model([1, 1], seed=0, class_names=["é"]).save(tmp_path / "model")
    (tmp_path / "data.csv").write_text("1\n")
    ascii_only, words = os.environ | {"PYTHONIOENCODING": "ascii"}, [*COMMAND, "predict", "model", "data.csv"]
    done = subprocess.run(words, cwd=tmp_path, env=ascii_only, capture_output=True, check=True)
    assert done.stdout.split(b"\t")[0] == b"\\xe9" and done.stderr == b""


def test_what_is_predicted_of_rows_beyond_the_dtype_is_told_in_a_line(run, tmp_path):
    model = fastbp.Model([2, 8, 2], seed=0)
    model.parameters[0][0][...] *= 100
    model.save(tmp_path / "model")
    (tmp_path / "rows.csv").write_text("1.5,2\n1e38,1e38\n")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        status, out, err = run("predict", "model", "rows.csv")
    assert status == 0 and out.splitlines()[1].endswith("nan")
    assert err.startswith("fastbp: predictions of 1 of 2 rows are not finite, the first of row 1: ")
    assert err.count("\n") == 1
