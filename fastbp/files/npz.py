"""Arrays from an .npz: numbers and text, never pickled objects."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

MAGIC = b"PK\x03\x04"
_DAMAGE = (EOFError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)


def arrays(path: Path, stream: Any) -> dict[str, np.ndarray]:
    """Return the arrays X, y, X_test and y_test of an .npz, those that there are.

    Parameters
    ----------
    path : Path
        What errors call the file.
    stream : binary stream
        The file, opened.

    Raises
    ------
    ValueError
        Where the file is damaged, or an array holds Python objects.
    """
    try:
        with np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in ("X", "y", "X_test", "y_test") if name in file.files}
    except _DAMAGE as error:
        raise ValueError(f"{path}: not an .npz of plain arrays: {error}") from error


def matrix(path: Path, found: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return one of the arrays as rows of numbers.

    Parameters
    ----------
    path : Path
        What errors call the file.
    found : dict of ndarray
        What `arrays` returned.
    name : str
        Of an array of shape (rows, ...), of any real dtype; more dimensions, as images have, become columns.

    Returns
    -------
    ndarray of shape (rows, columns), of the same dtype; float64 for booleans

    Raises
    ------
    ValueError
        Where there is none by that name, and for text, complex numbers, one dimension, no rows, NaN, infinity.
    """
    X = _named(path, found, name)
    if X.dtype.kind not in "buif":
        raise ValueError(f"{path}: {name} must hold real numbers, got dtype {X.dtype}")
    if X.ndim < 2 or X.size == 0:
        raise ValueError(f"{path}: {name} must have rows and columns, got shape {X.shape}")
    X = X.reshape(len(X), -1)
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(f"{path}: {name} holds {X[row, column]} in row {row}, column {column}")
    return X.astype(np.float64) if X.dtype.kind == "b" else X


def labels(path: Path, found: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return one of the arrays as labels: shape (rows,), whole numbers, booleans or text.

    Raises
    ------
    ValueError
        Where there is none by that name, and for other shapes, fractions, NaN or other types.
    """
    y = _named(path, found, name)
    if y.ndim != 1:
        raise ValueError(f"{path}: {name} must have one dimension, a label a row, got shape {y.shape}")
    if y.dtype.kind == "f":
        if not (np.isfinite(y) & (y == np.floor(y))).all():
            raise ValueError(f"{path}: {name} must hold labels: whole numbers or text, got fractions or NaN")
        return y.astype(np.int64)
    if y.dtype.kind not in "buiU":
        raise ValueError(f"{path}: {name} must hold whole numbers or text, got dtype {y.dtype}")
    return y


def _named(path: Path, found: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in found:
        raise ValueError(f"{path}: holds no array {name}, only {', '.join(sorted(found)) or 'others'}")
    return found[name]
