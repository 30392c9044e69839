"""Data sets: MNIST's IDX files, CSV and .npz, read into one shape; their held-out part."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from . import idx, npz, table, tasks
from .scales import scaling as scaling
from .streams import STDIN, opened, text
from .writing import path_of

DIGITS = "digits.csv.gz"


@dataclass(eq=False)
class Dataset:
    """Rows to learn from, and rows to test on where the source brings some.

    Attributes
    ----------
    X : ndarray of shape (rows, columns)
        uint8 from images, else real numbers of the source's dtype, all finite.
    y : ndarray of shape (rows,)
        int64 class numbers, places in `class_names`; or float64 numbers to predict.
    class_names : list of str
        As printed in the source: numbers in their order, text in alphabetical order. Empty for numbers to predict.
    feature_names : list of str or None
        Of X's columns.
    X_test, y_test : ndarray or None
        As X and y.
    name : str
        Of the source.
    remarks, doubts : list of str
        How the source was read where that was guessed, and which guesses are worth a second look.
    """

    X: np.ndarray
    y: np.ndarray
    class_names: list[str]
    feature_names: list[str] | None = None
    X_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    name: str = ""
    remarks: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        """What there is to learn: "classification" or "regression"."""
        return "classification" if self.class_names else "regression"


def digits() -> Dataset:
    """Return the handwritten digits that come with fastbp: 1,797 rows of 64 grey levels from 0 to 16."""
    with resources.as_file(resources.files(__package__.partition(".")[0]) / DIGITS) as path:  # it may be in a zip
        return replace(read(path, header=False, task="classification"), name="digits")


def read(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    *,
    header: bool | None = None,
    task: str | None = None,
    max_bytes: int | None = None,
) -> Dataset:
    r"""Read a labelled data set.

    Parameters
    ----------
    path : path
        A folder of MNIST's IDX files, a CSV, or an .npz with X and y (and X_test and y_test, or not). The
        content decides, not the name; IDX and CSV may be gzipped.
    target : str, int or None
        The label's column of a CSV: its name, its number from 0 (an int may be negative: from the end), or None for
        the last.
    header : bool or None
        Whether the first row of a CSV names its columns; None decides by its content, see `header.decide`.
    task : {"classification", "regression"} or None
        Whether labels are classes or numbers to predict; None decides by their values, see `tasks.guess`.
    max_bytes : int, optional
        What a compressed file may unpack to: by default 1 GiB, or 20 times its size where that is more.

    Returns
    -------
    Dataset
        Its `remarks` and `doubts` tell what was decided here.

    Raises
    ------
    ValueError
        Where the content is not as it should be; names file, line and column.
    OSError
        Where the file can't be read.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastbp.files import datasets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "prices.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("rooms,price\n2,310.5\n3,402\n5,733.25\n")
    ...     data = datasets.read(path)
    >>> data.feature_names, data.y.tolist(), data.task
    (['rooms'], [310.5, 402.0, 733.25], 'regression')
    >>> data.remarks[0]
    'columns: named by the first line'
    """
    path, task = Path(path_of(path)), tasks.check(task)
    if path.is_dir():
        _check_no_csv(path, target, header)
        return _folder(path, task, max_bytes)
    with opened(path, max_bytes) as stream:
        head = stream.peek(4)[:4]
        if head == npz.MAGIC:
            _check_no_csv(path, target, header)
            return _npz(path, stream, task, max_bytes)
        if idx.is_idx(head):
            raise ValueError(f"{path}: one IDX file has no labels beside its images: give the folder of both")
        with text(stream) as lines:
            start = table.start(lines, path, header)
            X, labels, names = table.labelled(start, target)
    found = _target(path, labels, task)
    remarks, doubts = start.remarks + found.remarks, start.doubts + found.doubts
    return Dataset(X, found.y, found.class_names, names, name=path.name, remarks=remarks, doubts=doubts)


def read_inputs(
    source: str | os.PathLike[str] | io.BufferedReader,
    columns: int,
    names: list[str] | None = None,
    target: str | int | None = None,
    *,
    header: bool | None = None,
    doubts: list[str] | None = None,
    max_bytes: int | None = None,
) -> np.ndarray:
    """Read rows for a model to predict.

    Parameters
    ----------
    source : path or io.BufferedReader
        A CSV, an .npz with X, or an IDX file of images. A stream that can be sought is called standard input by errors.
    columns : int
        The model's inputs.
    names : list of str or None
        The model's feature names: columns of a CSV with a header are found by them, in any order and among
        others, which may hold anything. Without names or header they are taken by position.
    target : str, int or None
        A column of a CSV to leave out, its name or its number from 0.
    header : bool or None
        Whether the first row of a CSV names its columns; None decides by its content.
    doubts : list of str, optional
        Takes in what was guessed and is worth a second look.
    max_bytes : int, optional
        What a compressed file may unpack to: by default 1 GiB, or 20 times its size where that is more.

    Returns
    -------
    ndarray of shape (rows, `columns`)

    Raises
    ------
    ValueError
        For other columns than the model's, all missing names listed, and for what is not a finite number.
    OSError
        Where the file can't be read.
    """
    given = source if isinstance(source, io.BufferedReader) else Path(path_of(source, "source"))
    path = given if isinstance(given, Path) else STDIN
    if isinstance(given, Path) and given.is_dir():
        raise ValueError(f"{path}: is a folder; name the file to predict, such as t10k-images-idx3-ubyte.gz")
    with opened(given, max_bytes) as stream:
        head = stream.peek(4)[:4]
        if head == npz.MAGIC or idx.is_idx(head):
            _check_no_csv(path, target, header)
        if head == npz.MAGIC:
            X = npz.matrix(path, npz.arrays(path, stream, ["X"], max_bytes), "X")
        elif idx.is_idx(head):
            X = idx.images(stream.read(), path)
        else:
            with text(stream) as lines:
                start = table.start(lines, path, header)
                X = table.inputs(start, columns, names, target)
                if doubts is not None:
                    doubts += start.doubts
    if X.shape[1] != columns:
        raise ValueError(f"{path}: {X.shape[1]} columns, the model takes {columns}")
    return X


def split(dataset: Dataset, fraction: float = 0.2, seed: int | None = None) -> Dataset:
    """Return a data set whose test part is a share of the rows, drawn at random and of each class alike.

    Parameters
    ----------
    dataset : Dataset
        Its own test part, if any, is left out.
    fraction : float
        Of the rows, rounded; at least one row is held out and at least one is left.
    seed : int, optional
        The same seed draws the same rows.

    Raises
    ------
    ValueError
        For a fraction that is not between 0 and 1, or fewer than two rows.
    """
    n = len(dataset.X)
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, got {fraction}")
    if n < 2:
        raise ValueError(f"{dataset.name or 'data'}: {n} row, at least two are needed to hold one out")
    random = np.random.default_rng(seed)
    order = random.permutation(n)
    order = order[np.argsort(dataset.y[order], kind="stable")]  # evenly spaced places then hold each class's share
    held = min(max(round(n * fraction), 1), n - 1)
    chosen = np.zeros(n, bool)
    chosen[order[(np.arange(held) * n + n // 2) // held]] = True
    test, train = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    X, y = dataset.X, dataset.y
    return replace(dataset, X=X[train], y=y[train], X_test=X[test], y_test=y[test])


def _check_no_csv(path: object, target: str | int | None, header: bool | None) -> None:
    """Raise ValueError for options of CSV that are given with other data."""
    for name, value in ("target (--target)", target), ("header (--header, --no-header)", header):
        if value is not None:
            raise ValueError(f"{path}: {name} is for CSV, and this is none, got {value!r}")


def _target(path: Path, labels: Sequence[str], task: str | None, class_names: list[str] | None = None) -> tasks.Target:
    try:
        return tasks.target(labels, task, class_names)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _folder(path: Path, task: str | None, max_bytes: int | None) -> Dataset:
    X, y = idx.folder(path, "train", max_bytes)
    test = idx.folder(path, "t10k", max_bytes) if idx.has(path, "t10k") else (None, None)
    return _dataset(path, task or "classification", X, y, *test)


def _npz(path: Path, stream: Any, task: str | None, max_bytes: int | None) -> Dataset:
    arrays = npz.arrays(path, stream, max_bytes=max_bytes)
    X, y = npz.matrix(path, arrays, "X"), npz.labels(path, arrays, "y")
    if y.dtype.kind in "bU":
        task = task or "classification"
    if "X_test" in arrays or "y_test" in arrays:
        return _dataset(path, task, X, y, npz.matrix(path, arrays, "X_test"), npz.labels(path, arrays, "y_test"))
    return _dataset(path, task, X, y)


def _dataset(
    path: Path,
    task: str | None,
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray | None = None,
    y_test: np.ndarray | None = None,
) -> Dataset:
    """Return arrays as a data set, if they fit together; labels are of any type that prints."""
    found = _target(path, _printed(y), task)
    name = path.name or str(path)
    dataset = Dataset(X, found.y, found.class_names, name=name, remarks=found.remarks, doubts=found.doubts)
    _check_rows(path, X, y, "X and y")
    if X_test is None or y_test is None:
        return dataset
    _check_rows(path, X_test, y_test, "X_test and y_test")
    if X_test.shape[1] != X.shape[1]:
        raise ValueError(f"{path}: {X.shape[1]} columns to train on, {X_test.shape[1]} to test")
    try:
        dataset.y_test = tasks.target(_printed(y_test), dataset.task, dataset.class_names or None).y
    except ValueError as error:
        raise ValueError(f"{path}: among the test rows, {error}") from None
    dataset.X_test = X_test
    return dataset


def _check_rows(path: Path, X: np.ndarray, y: np.ndarray, names: str) -> None:
    if len(X) != len(y):
        raise ValueError(f"{path}: {names} have {len(X)} and {len(y)} rows")


def _printed(labels: np.ndarray) -> list[str]:
    """Return labels as text, whole numbers of floating point without a point, to the last digit."""
    return [str(int(y)) if isinstance(y, (float, np.floating)) and y == int(y) else str(y) for y in labels.tolist()]
