"""`fastbp train` on a column of numbers, --task, --header and --no-header, and what is said about guesses."""

import re
from pathlib import Path

import numpy as np
import pytest
from test_cli import DEFAULT, accuracy, complaint

import fastbp
from fastbp.files import datasets
from fastbp.inspection.profiler import steps


@pytest.fixture
def prices(tmp_path):
    """Write 300 rows whose last column is a number to predict; return their X and y."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 3)).round(4)
    y = (5000 + 800 * X[:, 0] - 300 * np.abs(X[:, 1]) + rng.normal(0, 20, 300)).round(2)
    lines = [",".join(map(repr, [*row.tolist(), target])) for row, target in zip(X, y.tolist(), strict=True)]
    (tmp_path / "prices.csv").write_text("\n".join(["size,noise,nothing,price", *lines]))
    return X, y


def test_a_number_to_predict_is_learned_as_a_number(run, prices):
    X, y = prices
    status, out, err = run("train", "--data", "prices.csv", "--epochs", 40)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "data: prices.csv, 240 rows to train on, 60 to test, a number to predict"
    assert lines[1] == "columns: named by the first line"
    assert re.fullmatch(r"task: regression, .* numbers in 300 rows; --task classification changes that", lines[2])
    assert lines[3] == "network: 3-128-1, 40 epochs in batches of 16"
    r2, error = map(float, re.search(r"^test R2: (\S+); root mean square error: (\S+)$", out, re.M).groups())

    model, held = fastbp.load(DEFAULT), datasets.split(datasets.read("prices.csv"), 0.2, seed=0)
    assert model.loss.name == "squared_error" and model.layer_sizes == (3, 128, 1) and model.class_names is None
    errors = model.predict(held.X_test) - held.y_test
    np.testing.assert_allclose(error, np.sqrt(np.mean(errors**2)), rtol=1e-4)
    np.testing.assert_allclose(r2, 1 - np.mean(errors**2) / held.y_test.var(), atol=1e-4)
    assert r2 > 0.95
    status, out, err = run("predict", DEFAULT, "prices.csv")
    assert (status, err) == (0, "")
    np.testing.assert_allclose([float(line) for line in out.splitlines()], model.predict(X), rtol=1e-5)


def test_the_task_may_be_named(run, prices, tmp_path):
    rng = np.random.default_rng(0)
    numbers, y = rng.normal(size=(90, 2)).round(3), np.arange(90) % 3
    numbers[:, 0] += 3 * y
    lines = [f"{a},{b},{c}\n" for (a, b), c in zip(numbers.tolist(), y, strict=True)]
    (tmp_path / "kinds.csv").write_text("a,b,kind\n" + "".join(lines))
    status, out, _ = run("train", "--data", "kinds.csv", "--epochs", 20)
    assert status == 0 and "task: classification, as the target holds 3 different whole numbers in 90 rows" in out
    assert "3 classes" in out and accuracy(out) > 70
    status, out, _ = run("train", "--data", "kinds.csv", "--epochs", 20, "--task", "regression")
    assert status == 0 and "a number to predict" in out and "task:" not in out and "test R2: 0." in out
    status, out, _ = run("train", "--data", "prices.csv", "--epochs", 1, "--task", "classification", "--quiet")
    assert status == 0 and accuracy(out) < 20 and len(fastbp.load(DEFAULT).class_names) > 200


def test_plot_and_report_of_a_regression(run, prices, monkeypatch):
    def profile(*_, **settings):
        raise ValueError("it has a test of its own")

    monkeypatch.setattr(steps, "profile", profile)
    wanted = ("--plot", "curve.svg", "--report", "page.html", "--quiet")
    assert run("train", "--data", "prices.csv", "--epochs", 2, *wanted)[::2] == (0, "")
    page = Path("page.html").read_text(encoding="utf-8")
    assert "<dt>test R2</dt>" in page and "<dt>standardized target</dt>" in page
    assert "accuracy" not in page and "Confusion" not in page and "<dt>classes</dt>" not in page


@pytest.mark.slow
def test_a_profile_of_a_regression(run, prices):
    status, out, err = run("profile", "--data", "prices.csv", "--steps", 2)
    assert (status, err) == (0, "") and out.startswith("3-128-1, batch 64")


def test_options_of_a_regression(run, prices, monkeypatch):
    seen = {}

    def fit(self, X, y, **settings):
        seen.update(rate=self.learning_rate, mean=float(np.mean(y)), deviation=float(np.std(y)))
        return fastbp.History()

    monkeypatch.setattr(fastbp.Model, "fit", fit)
    assert run("train", "--data", "prices.csv")[0] == 0
    np.testing.assert_allclose(list(seen.values()), [0.01, 0, 1], atol=1e-9)
    assert run("train", "--data", "prices.csv", "--learning-rate", "0.5")[0] == 0 and seen["rate"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("--task clustering", "clustering"),
        ("--task regression --target kind", "row 0"),
        ("--task regression --target same", "all rows have the target 5"),
        ("--header --no-header", "not allowed with"),
        ("--target kind --no-header", "without names"),
    ],
)
def test_wrong_input(run, tmp_path, arguments, word):
    (tmp_path / "data.csv").write_text("size,same,kind\n1,5,7x\n2,5,8\n3,5,9\n")
    if "same" in arguments:
        (tmp_path / "data.csv").write_text("size,same\n1,5\n2,5\n3,5\n")
    assert word in complaint(run("train", "--data", "data.csv", *arguments.split()))


def test_a_header_of_numbers(run, tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{a},{b},{'hot' if a > b else 'cold'}\n" for a, b in rng.normal(size=(60, 2)).round(3).tolist()]
    Path("data.csv").write_text("0,1,kind\n" + "".join(rows))
    status, out, err = run("train", "--data", "data.csv", "--epochs", 1)
    assert status == 0 and "2 classes" in out and len(err.splitlines()) == 1 and "--no-header" in err
    status, out, err = run("predict", DEFAULT, "data.csv")
    assert status == 0 and len(out.splitlines()) == 60 and len(err.splitlines()) == 1 and "--no-header" in err
    assert run("predict", DEFAULT, "data.csv", "--header") == (0, out, "")
    assert run("train", "--data", "data.csv", "--epochs", 1, "--header", "--quiet")[2] == ""
    assert "--no-header" in run("profile", "--data", "data.csv", "--steps", 1)[2]
    assert run("profile", "--data", "data.csv", "--steps", 1, "--no-header")[1].startswith("2-128-3")
    assert "--data data.csv --no-header" in run("profile", "--data", "data.csv", "--no-header", "--perf")[1]
    status, out, err = run("train", "--data", "data.csv", "--epochs", 1, "--no-header")
    assert (status, err) == (0, "") and "3 classes" in out
    Path("bare.csv").write_text("".join(row.rpartition(",")[0] + "\n" for row in rows))
    status, out, err = run("predict", DEFAULT, "bare.csv")
    assert (status, err) == (0, "") and len(out.splitlines()) == 60


def test_labels_that_are_one_number(run, tmp_path):
    Path("data.csv").write_text("a,b\n" + "1,1\n2,1.0\n3,2\n4,2.0\n" * 5)
    status, out, err = run("train", "--data", "data.csv", "--epochs", 1, "--quiet")
    assert status == 0 and fastbp.load(DEFAULT).class_names == ["1", "2"]
    assert err.splitlines()[0] == "fastbp: the labels '1', '1.0' are one class, as they are one number"
