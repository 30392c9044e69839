"""Arrays from an .npz: numbers and text, never pickled objects."""

from __future__ import annotations

import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .streams import room, too_large

try:
    from lzma import LZMAError
except ImportError:  # a Python without it
    LZMAError = RuntimeError  # type: ignore[assignment,misc]

MAGIC = b"PK\x03\x04"
NAMES = ("X", "y", "X_test", "y_test")
_DAMAGE = (
    ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, LZMAError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_NO_HEADER = ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError, tokenize.TokenError
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def arrays(
    path: object, stream: Any, names: Sequence[str] = NAMES, max_bytes: int | None = None
) -> dict[str, np.ndarray]:
    """Return the arrays of these names that an .npz has.

    Parameters
    ----------
    path : object
        What errors call the file.
    stream : binary stream
        The file, opened.
    names : sequence of str
        No other array is read.
    max_bytes : int, optional
        What the arrays may unpack to; see `streams.room`.

    Raises
    ------
    ValueError
        Where the file is damaged, unpacks to more, or an array holds Python objects.
    """
    limit = room(path, max_bytes)
    try:
        with zipfile.ZipFile(stream) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a header that was damaged
            found = {info.filename.removesuffix(".npy"): info for info in file.infolist()}
            wanted = {name: found[name] for name in names if name in found}
            fits = sum(info.file_size for info in wanted.values()) <= limit
            if fits:
                return {name: _array(file, info) for name, info in wanted.items()}
    except _DAMAGE as error:
        raise ValueError(f"{path}: not an .npz of plain arrays: {error}") from error
    raise too_large(path, limit)


def _array(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """Return an array of an .npz, for which memory is taken only if the file holds as much."""
    if info.compress_type not in _METHODS:
        raise ValueError(f"compression method {info.compress_type} is not supported")
    with file.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"{info.filename} has the format {version}, which plain arrays do not need")
        try:
            shape, _, dtype = _HEADERS[version](stream)
        except _NO_HEADER:  # in words of Python's parser
            raise ValueError(f"{info.filename} has a damaged header") from None
        held, expected = info.file_size - stream.tell(), math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise ValueError(f"{info.filename} holds Python objects")
    if min(shape, default=1) < 0 or held != expected:
        raise ValueError(f"{info.filename} holds {held} bytes, its shape {shape} of {dtype} takes {expected}")
    with file.open(info) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def matrix(path: object, found: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return one of the arrays as rows of numbers.

    Parameters
    ----------
    path : object
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


def labels(path: object, found: dict[str, np.ndarray], name: str) -> np.ndarray:
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


def _named(path: object, found: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in found:
        raise ValueError(f"{path}: holds no array {name}, only {', '.join(sorted(found)) or 'others'}")
    return found[name]
