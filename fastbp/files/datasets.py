"""Data sets: MNIST's IDX files, CSV and .npz, read into one shape; their scaling and their held-out part."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import idx, npz, table
from .labels import encode
from .streams import opened, text

DIGITS = Path(__file__).parents[1] / "digits.csv.gz"


@dataclass(eq=False)
class Dataset:
    """Rows to learn from, and rows to test on where the source brings some.

    Attributes
    ----------
    X : ndarray of shape (rows, columns)
        uint8 from images, else real numbers of the source's dtype, all finite.
    y : ndarray of shape (rows,), int64
        Class numbers, places in `class_names`.
    class_names : list of str
        As printed in the source: numbers in their order, text in alphabetical order.
    feature_names : list of str or None
        Of X's columns.
    X_test, y_test : ndarray or None
        As X and y.
    name : str
        Of the source.
    """

    X: np.ndarray
    y: np.ndarray
    class_names: list[str]
    feature_names: list[str] | None = None
    X_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    name: str = ""


def digits() -> Dataset:
    """Return the handwritten digits that come with fastbp: 1,797 rows of 64 grey levels from 0 to 16."""
    return replace(read(DIGITS), name="digits")


def read(path: str | os.PathLike[str], target: str | int | None = None) -> Dataset:
    """Read a labelled data set.

    Parameters
    ----------
    path : path
        A folder of MNIST's IDX files, a CSV, or an .npz with X and y (and X_test and y_test, or not). The
        content decides, not the name; IDX and CSV may be gzipped.
    target : str, int or None
        The label's column of a CSV: its name, its number from 0 (negative from the end), or None for the last.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        Where the content is not as it should be; names file, line and column.
    OSError
        Where the file can't be read.
    """
    path = Path(path)
    if path.is_dir():
        return _folder(path)
    with opened(path) as stream:
        head = stream.peek(4)[:4]
        if head == npz.MAGIC:
            return _npz(path, stream)
        if idx.is_idx(head):
            raise ValueError(f"{path}: one IDX file has no labels beside its images: give the folder of both")
        with text(stream) as lines:
            X, labels, names = table.labelled(table.start(lines, path), target)
    y, class_names = encode(labels)
    return Dataset(X, y, class_names, names, name=path.name)


def read_inputs(
    path: str | os.PathLike[str], columns: int, names: list[str] | None = None, target: str | int | None = None
) -> np.ndarray:
    """Read rows for a model to predict.

    Parameters
    ----------
    path : path
        A CSV, an .npz with X, or an IDX file of images.
    columns : int
        The model's inputs.
    names : list of str or None
        The model's feature names: columns of a CSV with a header are found by them, in any order and among
        others. Without names or header they are taken by position.
    target : str, int or None
        A column of a CSV to leave out, its name or its number from 0.

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
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: is a folder; name the file to predict, such as t10k-images-idx3-ubyte.gz")
    with opened(path) as stream:
        head = stream.peek(4)[:4]
        if head == npz.MAGIC:
            X = npz.matrix(path, npz.arrays(path, stream), "X")
        elif idx.is_idx(head):
            X = idx.images(stream.read(), path)
        else:
            with text(stream) as lines:
                return table.inputs(table.start(lines, path), columns, names, target)
    if X.shape[1] != columns:
        raise ValueError(f"{path}: {X.shape[1]} columns, the model takes {columns}")
    return X


def scaling(X: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | float]:
    """Return (shift, scale), with which (X - shift) * scale suits a network.

    Parameters
    ----------
    X : ndarray of shape (rows, columns)
        The rows trained on.

    Returns
    -------
    shift, scale
        None and 1/255 for uint8. Otherwise two float64 arrays of shape (columns,): the mean, and one over
        the standard deviation or, where that is larger, a tenth of the range; 1 where a column is constant.

    Raises
    ------
    ValueError
        Where numbers are too large for their mean and deviation.
    """
    if X.dtype == np.uint8:
        return None, 1 / 255
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
        extent = X.max(axis=0).astype(np.float64) - X.min(axis=0)
        # a column that is nearly always the same would come out with values by the hundred, and training diverge
        deviation = np.maximum(deviation, extent / 10)
    if not np.isfinite(deviation).all():
        raise ValueError(f"column {int(np.argmin(np.isfinite(deviation)))} holds numbers too large to scale")
    # the deviation of equal numbers is a rounding error, not 0
    constant = (extent == 0) | (deviation < np.finfo(np.float64).tiny)
    return mean, 1 / np.where(constant, 1.0, deviation)


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


def _folder(path: Path) -> Dataset:
    X, y = idx.folder(path, "train")
    test = idx.folder(path, "t10k") if idx.has(path, "t10k") else (None, None)
    return _dataset(path, X, y, *test)


def _npz(path: Path, stream: Any) -> Dataset:
    arrays = npz.arrays(path, stream)
    X, y = npz.matrix(path, arrays, "X"), npz.labels(path, arrays, "y")
    if "X_test" in arrays or "y_test" in arrays:
        return _dataset(path, X, y, npz.matrix(path, arrays, "X_test"), npz.labels(path, arrays, "y_test"))
    return _dataset(path, X, y)


def _dataset(
    path: Path, X: np.ndarray, y: np.ndarray, X_test: np.ndarray | None = None, y_test: np.ndarray | None = None
) -> Dataset:
    """Return arrays as a data set, if they fit together; labels are of any type that prints."""
    numbers, class_names = encode(_printed(y))
    dataset = Dataset(X, numbers, class_names, name=path.name or str(path))
    _check_rows(path, X, y, "X and y")
    if X_test is None or y_test is None:
        return dataset
    _check_rows(path, X_test, y_test, "X_test and y_test")
    if X_test.shape[1] != X.shape[1]:
        raise ValueError(f"{path}: {X.shape[1]} columns to train on, {X_test.shape[1]} to test")
    try:
        dataset.X_test, dataset.y_test = X_test, encode(_printed(y_test), class_names)[0]
    except ValueError as error:
        raise ValueError(f"{path}: among the test rows, {error}") from None
    return dataset


def _check_rows(path: Path, X: np.ndarray, y: np.ndarray, names: str) -> None:
    if len(X) != len(y):
        raise ValueError(f"{path}: {names} have {len(X)} and {len(y)} rows")


def _printed(labels: np.ndarray) -> list[str]:
    return [str(label) for label in labels.tolist()]
