"""Arrays from an .npz: numbers and text, never pickled objects."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

MAGIC = b"PK\x03\x04"
NAMES = ("X", "y", "X_test", "y_test")
_DAMAGE = (EOFError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)


def arrays(path: Path, stream: Any, names: Sequence[str] = NAMES) -> dict[str, np.ndarray]:
    """Return the arrays of these names that an .npz has.

    Parameters
    ----------
    path : Path
        What errors call the file.
    stream : binary stream
        The file, opened.
    names : sequence of str
        No other array is read.

    Raises
    ------
    ValueError
        Where the file is damaged, or an array holds Python objects.
    """
    try:
        with np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in names if name in file.files}
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
    """Return one of the arrays as labels: shape (rows,), finite numbers, booleans or text.

    Raises
    ------
    ValueError
        Where there is none by that name, and for other shapes, NaN, infinity or other types.
    """
    y = _named(path, found, name)
    if y.ndim != 1:
        raise ValueError(f"{path}: {name} must have one dimension, a label a row, got shape {y.shape}")
    if y.dtype.kind not in "buifU":
        raise ValueError(f"{path}: {name} must hold numbers or text, got dtype {y.dtype}")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.argmin(np.isfinite(y)))
        raise ValueError(f"{path}: {name} must hold text or numbers, not NaN or infinity, got {y[row]} in row {row}")
    return y


def _named(path: Path, found: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in found:
        raise ValueError(f"{path}: holds no array {name}, only {', '.join(sorted(found)) or 'others'}")
    return found[name]
