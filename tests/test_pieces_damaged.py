"""Files of sources that vanish, change, do not go together or hold what is no number: each is named."""

import os

import numpy as np
import pytest

import fastbp
from fastbp.callbacks import Callback
from fastbp.data import Csv, Npy

random = np.random.default_rng(5)
X = random.standard_normal((300, 5)).astype("float32")
y = (X @ random.standard_normal((5, 3))).argmax(axis=1)
SETTINGS = {"epochs": 2, "batch_size": 20, "shuffle": False, "verbose": 0}


def model():
    return fastbp.Model([5, 8, 3], seed=0)


def bits(net):
    state = net.get_state()
    return state["parameters"].tobytes(), state["steps"]


class Between(Callback):
    """Calls a function after the first epoch."""

    def __init__(self, call):
        self.call = call

    def on_epoch_end(self, model, logs):
        if logs["epoch"] == 0:
            self.call()


def save(folder):
    for part, at in enumerate((slice(0, 120), slice(120, 300))):
        np.save(folder / f"X-{part}.npy", X[at])
        np.save(folder / f"y-{part}.npy", y[at])
    return folder


def test_a_file_that_vanishes_or_changes_between_epochs_is_named(tmp_path):
    source = Npy(save(tmp_path), memory=20_000)
    net, expected = model(), model()
    gone = Between(lambda: os.unlink(tmp_path / "X-0.npy"))
    with pytest.raises(ValueError, match="X-0.npy: can't be read: No such file.*keeps the 15 steps"):
        net.fit(source, callbacks=gone, **SETTINGS)
    expected.fit(X, y, **SETTINGS | {"epochs": 1})
    assert bits(net) == bits(expected)
    source = Npy(save(tmp_path))
    changed = Between(lambda: np.save(tmp_path / "y-0.npy", y[:121]))
    with pytest.raises(ValueError, match="y-0.npy: has changed since the source was made"):
        model().fit(source, callbacks=changed, **SETTINGS)


def test_npy_parts_that_do_not_go_together_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="X: no file matches"):
        Npy(tmp_path)
    for change, message in (
        (lambda: np.save(tmp_path / "X-1.npy", X[120:].astype(float)), "X-1.npy: holds float64.*first.*float32"),
        (lambda: np.save(tmp_path / "X-1.npy", X[120:, :4]), r"X-1.npy: holds float32 of shape \(180, 4\)"),
        (lambda: np.save(tmp_path / "y-1.npy", y[121:]), "y-1.npy: has 179 rows, .*X-1.npy has 180"),
        (lambda: np.save(tmp_path / "X-1.npy", X[:0]), "X-1.npy: has no rows; leave it out"),
        (lambda: np.save(tmp_path / "X-1.npy", np.asfortranarray(X)), "X-1.npy: holds an array column by column"),
        (lambda: np.save(tmp_path / "X-1.npy", X.astype(object)), "X-1.npy: must hold numbers, got objects"),
        (lambda: (tmp_path / "X-1.npy").write_bytes(b"text"), "X-1.npy: is no .npy file"),
        (lambda: np.save(tmp_path / "X-2.npy", X), "y must have one file for each of X's 3, got 2"),
    ):
        save(tmp_path)
        change()
        if "no rows" in message:
            np.save(tmp_path / "y-1.npy", y[:0])
        with pytest.raises(ValueError, match=message):
            Npy(tmp_path)
    os.unlink(tmp_path / "X-2.npy")
    source = Npy(save(tmp_path))
    with open(tmp_path / "X-1.npy", "r+b") as file:
        stat = os.stat(tmp_path / "X-1.npy")
        file.truncate(200)
    source._files["X"]._stamps[str(tmp_path / "X-1.npy")] = (200, os.stat(tmp_path / "X-1.npy").st_mtime_ns)
    assert stat.st_size > 200
    with pytest.raises(ValueError, match="X-1.npy: ends before row"):
        model().fit(source, **SETTINGS)


def test_nan_in_a_file_is_named_by_file_row_and_column(tmp_path):
    save(tmp_path)
    rows = X[120:].copy()
    rows[[77, 99], 3] = np.inf
    np.save(tmp_path / "X-1.npy", rows)
    with pytest.raises(ValueError, match="got inf in row 77 of .*X-1.npy, column 3"):
        model().fit(Npy(tmp_path), **SETTINGS)
    with pytest.raises(ValueError, match="got inf in row (77|99) of .*X-1.npy, column 3"):
        model().fit(Npy(tmp_path), **SETTINGS | {"shuffle": True})
    with pytest.raises(ValueError, match="got inf in row 77 of .*X-1.npy, column 3"):
        model().predict(Npy(tmp_path))


def test_tables_that_do_not_fit_are_named(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    from fastbp.data import Parquet

    def write(file, **columns):
        parquet.write_table(pa.table(columns), tmp_path / file, row_group_size=4)
        return tmp_path / file

    a, labels = np.arange(10.0), np.arange(10) % 2
    write("1.parquet", a=a, y=labels)
    for columns, message in (
        ({"b": a, "y": labels}, "2.parquet: has no column 'a', which the first file has"),
        ({"a": a.astype("f4"), "y": labels}, "2.parquet: column 'a' holds float, in the first file it holds double"),
        ({"a": a[:0], "y": labels[:0]}, "2.parquet: has no rows; leave it out"),
    ):
        write("2.parquet", **columns)
        with pytest.raises(ValueError, match=message):
            Parquet(tmp_path, "y")
    (tmp_path / "2.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match="2.parquet: can't be read: "):
        Parquet(tmp_path, "y")
    write("2.parquet", a=pa.array([*a[:6], None, *a[7:]]), y=labels)
    net = fastbp.Model([1, 2], seed=0)
    with pytest.raises(ValueError, match="2.parquet: column 'a' has no value in row 6; fill it or leave the row out"):
        net.fit(Parquet(tmp_path, "y"), **SETTINGS)
    text = write("text.parquet", a=a, name=list("abcdefghij"), y=labels)
    with pytest.raises(TypeError, match="column 'name' must hold numbers or booleans, got string; list the columns"):
        Parquet(text, "y")
    with pytest.raises(ValueError, match="no single column 'z'.*it has 'a', 'name', 'y'"):
        Parquet(text, "z")
    with pytest.raises(ValueError, match="columns must be different ones"):
        Parquet(text, "y", columns=["a", "y"])
    with pytest.raises(FileNotFoundError, match="files: no such file or folder"):
        Parquet(tmp_path / "none.parquet", "y")
    with pytest.raises(TypeError, match="files must be a path, a pattern, a folder or a list of these, got 3"):
        Parquet(3, "y")


def test_cells_of_csv_that_are_no_numbers_are_named(tmp_path):
    pytest.importorskip("pyarrow")
    for text, message in (
        ("a,y\n1,0\n,1\n", "rows.csv: column 'a' has no value in row 1"),
        ("a,y\n1,0\n2\n", "rows.csv: can't be read: .*Expected 2 columns, got 1"),
        ("a,y\n", "rows.csv: .*(no rows|Empty)"),
    ):
        (tmp_path / "rows.csv").write_text(text)
        with pytest.raises(ValueError, match=message):
            fastbp.Model([1, 2], seed=0).fit(Csv(tmp_path / "rows.csv", "y"), **SETTINGS)
    (tmp_path / "rows.csv").write_text("a,y\n1,0\n2,1\n")
    (tmp_path / "more.csv").write_text("a,y\n1,0\nx,1\n")
    with pytest.raises(ValueError, match="more.csv: can't be read: .*'x'"):
        source = Csv([tmp_path / "rows.csv", tmp_path / "more.csv"], "y")
        fastbp.Model([1, 2], seed=0).fit(source, **SETTINGS)
