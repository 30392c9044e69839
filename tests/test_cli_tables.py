"""The command on tables with text, gaps and dates."""

import datetime
import gzip
import os
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import fastbp
from fastbp.cli import main

pytest.importorskip("polars")
pandas = pytest.importorskip("pandas")
FEW = ["--epochs", "8", "--hidden", "16", "--batch-size", "32"]


@pytest.fixture
def people(tmp_path, monkeypatch):
    """A CSV whose income follows from age and city, with gaps; the working directory is its folder."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    age, city = random.integers(18, 80, 200), random.choice(["Oslo", "Rome", "Bonn"], 200)
    income = age * 2 + (city == "Rome") * 50 + random.random(200)
    table = pandas.DataFrame({"age": age.astype(float), "city": city, "income": income.round(2)})
    table.loc[::17, "age"], table.loc[::19, "city"], table.loc[::40, "income"] = np.nan, None, np.nan
    table["rich"] = np.where(income > 130, "yes", "no")
    table.to_csv("people.csv", index=False)
    return table


def test_classes_and_numbers_train_and_predict(people, capsys):
    assert main(["train", "--data", "people.csv", "--save", "rich", *FEW]) == 0
    told = capsys.readouterr().out
    assert "160 rows to train on, 40 to test, 2 classes" in told and "test accuracy: " in told
    assert re.search(r"^city +category +3 inputs +3 levels", told, re.M) and "model saved: rich" in told
    assert main(["predict", "rich", "people.csv"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    model = fastbp.load("rich")
    assert model.target == "rich" and [line[0] for line in lines] == model.predict(people).tolist()
    assert main(["train", "--data", "people.csv", "--target", "income", "--save", "income", *FEW]) == 0
    told = capsys.readouterr().out
    assert "a number to predict" in told and "left out: 5 rows without income" in told and "test R2: " in told
    assert main(["predict", "income", "people.csv"]) == 0
    found = np.array(list(map(float, capsys.readouterr().out.split())))
    np.testing.assert_allclose(found, fastbp.load("income").predict(people), rtol=1e-4)


def test_the_target_by_number_the_task_and_other_files(people, capsys):
    Path("people.csv.gz").write_bytes(gzip.compress(Path("people.csv").read_bytes()))
    people["code"] = (people["age"].fillna(0) // 20).astype(int)
    people.to_csv("coded.csv", index=False)
    for options, what in (
        (["--data", "people.csv.gz", "--target", "3"], "2 classes"),
        (["--data", "coded.csv", "--target", "code"], "classes"),
        (["--data", "coded.csv", "--target", "code", "--task", "regression"], "a number to predict"),
    ):
        assert main(["train", *options, "--save", "model", *FEW]) == 0
        assert what in capsys.readouterr().out
    pytest.importorskip("pyarrow")
    people.to_parquet("people.parquet")
    assert main(["train", "--data", "people.parquet", "--target", "rich", "--save", "model", "--quiet", *FEW]) == 0
    assert capsys.readouterr().out.startswith("test accuracy: ")


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["9.50", "10.25", "100.00"], ["9.50", "10.25", "100.00"]),  # numbers in their order
        ([datetime.date(2024, 5, day) for day in (1, 2, 13)], ["2024-05-01", "2024-05-02", "2024-05-13"]),
        (
            [datetime.datetime(2024, 5, day, 12) for day in (1, 2, 13)],
            [f"2024-05-{day} 12:00:00" for day in ("01", "02", "13")],
        ),
    ],
    ids=["decimals", "dates", "times"],
)
def test_classes_of_decimals_and_dates_are_text_in_the_file(people, values, names, capsys):
    polars = pytest.importorskip("polars")
    which = np.resize([0, 1, 2], len(people))
    target = [Decimal(values[i]) if isinstance(values[i], str) else values[i] for i in which]
    polars.DataFrame({"which": which.astype(float), "due": target}).write_parquet("due.parquet")
    options = ["--data", "due.parquet", "--target", "due", "--task", "classification", "--save", "due"]
    assert main(["train", *options, "--epochs", "60", "--batch-size", "32"]) == 0
    assert "3 classes" in capsys.readouterr().out
    model = fastbp.load("due")
    assert model.classes.tolist() == names
    assert main(["predict", "due", "due.parquet"]) == 0
    found = [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()]
    assert found == [names[i] for i in which]


def test_numbers_alone_stay_with_the_plain_network_unless_the_recipe_is_asked_for(people, capsys):
    people[["age", "income"]].dropna().to_csv("numbers.csv", index=False)
    assert main(["train", "--data", "numbers.csv", "--save", "model", "--epochs", "2"]) == 0
    assert "network: 1-128-1" in capsys.readouterr().out
    assert main(["train", "--data", "numbers.csv", "--save", "model", "--recipe", "td-s", *FEW]) == 0
    assert "recipe: RealMLP-TD-S" in capsys.readouterr().out


def test_the_report_shows_which_columns_matter(people, capsys):
    pytest.importorskip("matplotlib")
    options = ["--target", "income", "--report", "page.html", "--plot", "curve.png", "--save", "model"]
    assert main(["train", "--data", "people.csv", *options, *FEW]) == 0
    page = Path("page.html").read_text(encoding="utf-8")
    for column in ("age", "city", "rich"):
        assert f">{column}<" in page
    assert ">Columns<" in page and ">income<" not in page
    assert "grows when a column is shuffled" in page and Path("curve.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "salary"], "no target column 'salary' among 4 columns named 'age', 'city', 'income', 'rich'"),
        (["--target", "9"], "no target column '9'"),
        (["--target", "9", "--recipe", "td-s"], "no column '9'; the columns are age, city, income, rich"),
        (["--target=-2"], "no target column '-2' among 4 columns"),
        (["--target=-2", "--recipe", "td-s"], "no column '-2'; the columns are age, city, income, rich"),
        (["--target", "city", "--task", "regression"], "city must hold numbers for --task regression"),
        (["--target", "income", "--task", "classification"], "each income comes once"),
        (["--no-header"], "line 1: column 0 (counted from 0) holds 'age'"),
        (["--no-header", "--recipe", "td-s"], "needs a first line that names its columns"),
    ],
)
def test_what_can_not_be_learned_is_told_in_one_line(people, capsys, options, message):
    assert main(["train", "--data", "people.csv", "--save", "model", *options, *FEW]) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and not Path("model").exists()


def test_without_a_reader_the_cell_and_the_extra_are_told(people, capsys, monkeypatch):
    monkeypatch.setattr("fastbp.tables.reading.READERS", ("no_such_library",))
    assert main(["train", "--data", "people.csv", "--save", "model", *FEW]) == 2
    told = capsys.readouterr().err
    assert "line 2" in told and "pip install 'fastbp[tables]'" in told


def test_changed_tables_are_predicted_or_refused(people, capsys):
    assert main(["train", "--data", "people.csv", "--save", "model", *FEW]) == 0
    capsys.readouterr()
    people.assign(more=1)[["more", "income", "city", "age"]].to_csv("other.csv", index=False)
    assert main(["predict", "model", "other.csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 200
    people.rename(columns={"age": "years"}).to_csv("renamed.csv", index=False)
    assert main(["predict", "model", "renamed.csv"]) == 2
    assert "missing: 'age'" in capsys.readouterr().err
    assert main(["predict", "model", "-"]) == 2
    assert "standard input" in capsys.readouterr().err


def test_options_of_predict_count_for_tables_too(people, capsys):
    assert main(["train", "--data", "people.csv", "--save", "model", *FEW]) == 0
    capsys.readouterr()
    assert main(["predict", "model", "people.csv"]) == 0
    expected = capsys.readouterr().out
    for options in (["--header"], ["--target", "rich"], ["--target", "3"]):
        assert main(["predict", "model", "people.csv", *options]) == 0
        assert capsys.readouterr().out == expected
    for options, message in (
        (["--no-header"], "--no-header: the model finds columns by name, which the first line of people.csv must tell"),
        (["--target", "nonsense"], "people.csv: no column 'nonsense'; the columns are age, city, income, rich"),
        (["--target", "age"], "missing: 'age'"),
    ):
        assert main(["predict", "model", "people.csv", *options]) == 2
        told = capsys.readouterr()
        assert message in told.err and told.err.count("\n") == 1 and told.out == ""


def test_a_training_that_diverges_is_told_in_one_line_and_not_saved(people, capsys):
    options = ["--target", "income", "--save", "model", "--learning-rate", "1e30", "--quiet"]
    assert main(["train", "--data", "people.csv", *options, *FEW]) == 2
    told = capsys.readouterr()
    assert "fastbp: training diverged, nothing was saved: " in told.err and "--learning-rate sets it" in told.err
    assert told.err.count("\n") == 1 and told.out == "" and not Path("model").exists()


@pytest.mark.parametrize("recipe", ["plain", "td-s"])
def test_r2_of_one_test_row_is_undefined(tmp_path, monkeypatch, capsys, recipe):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("a,b\n0,1.5\n1,2.5\n2,3.25\n3,4.5\n")
    options = ["--task", "regression", "--recipe", recipe, "--save", "model", "--quiet", *FEW]
    assert main(["train", "--data", "t.csv", *options]) == 0
    told = capsys.readouterr().out.splitlines()[0]
    assert re.fullmatch(r"test R2: undefined, as all test rows have one target; root mean square error: \S+", told)


def test_a_held_out_cell_that_could_not_be_predicted_is_told_before_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = set()
    for row in range(8):
        cells = [f"{'0n5' if i == row else i % 4 / 2},{i % 2}" for i in range(8)]
        Path("t.csv").write_text("b,kind\n" + "\n".join(cells) + "\n")
        status = main(["train", "--data", "t.csv", "--save", "model", "--epochs", "1", "--hidden", "none", "--quiet"])
        told = capsys.readouterr()
        assert Path("model").exists() == (status == 0)
        if status == 2:
            assert told.out == "" and f"t.csv: column 'b' must hold numbers, got '0n5' in row {row}" in told.err
        Path("model").unlink(missing_ok=True)
        found.add(status)
    assert found == {0, 2}


@pytest.mark.skipif("FASTBP_TABLES" not in os.environ, reason="FASTBP_TABLES names no folder of tables")
def test_every_real_table_trains_and_predicts_by_one_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for path in sorted(Path(os.environ["FASTBP_TABLES"]).glob("*.csv.gz")):
        head, *lines = gzip.decompress(path.read_bytes()).splitlines()
        rows = lines[:: max(1, len(lines) // 300)]  # some are sorted by their classes
        Path("table.csv").write_bytes(b"\n".join([head, *rows]) + b"\n")
        assert main(["train", "--data", "table.csv", "--save", "model", "--recipe", "td-s", "--quiet", *FEW]) == 0, path
        assert main(["predict", "model", "table.csv"]) == 0, path
        told = capsys.readouterr().out.splitlines()
        assert len(told) == 3 + len(rows)
