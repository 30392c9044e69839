"""X as users have it, frame, array or list, read column by column."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import frames
from ..data.sparse import SparseRows, is_sparse
from . import cells
from .cells import Cells

_FEW_ROWS = 64  # whose text is read cell by cell
_INTEGERS = {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64, 128)}
_NUMBERS = {*_INTEGERS, "Float16", "Float32", "Float64", "Decimal"}


@dataclass(frozen=True)
class Table:
    """A table's columns.

    Parameters
    ----------
    rows, columns : int
    names : list of str, or None
        None for arrays, and for frames whose columns are numbered from 0.
    read : callable
        Takes a column's number and what errors call it, and returns its `Cells`.
    name : str
        What errors call the table.
    """

    rows: int
    columns: int
    names: list[str] | None
    read: Callable[[int, str], Cells]
    name: str = "X"

    def called(self, column: int) -> str:
        """Return what errors call a column."""
        return called(column, self.names, self.name)

    def cells(self, column: int) -> Cells:
        """Return the cells of a column."""
        return self.read(column, self.called(column))


def called(column: int, names: Sequence[str | None] | None, table: str = "X") -> str:
    """Return what errors call a column."""
    name = None if names is None else names[column]
    return f"{table}: column {column} (counted from 0)" if name is None else f"{table}: column {name!r}"


def table(X: Any, name: str = "X") -> Table:
    """Return X as a table of at least one row and one column; errors call it `name`.

    Raises TypeError for what is no table, and for lazy frames; ValueError for other than two dimensions, an empty
    table and repeated names; ImportError for a frame where narwhals is not installed.
    """
    pandas = sys.modules.get("pandas")  # whoever has a frame of pandas has imported it
    if pandas is not None and isinstance(X, pandas.DataFrame):
        found = _of_pandas(X, name)
    else:
        frame = frames.as_frame(X, name)
        found = _of_array(X, name) if frame is None else _of_frame(frame, name)
    if not found.columns:
        raise ValueError(f"{name} must have at least one column, got a table without columns")
    if not found.rows:
        raise ValueError(f"{name} must have at least one row, got a table of {found.columns} columns without rows")
    return found


def series(y: Any, name: str) -> Cells:
    """Return the cells of a Series, an array of shape (rows,), a list, or a table of one column; errors call it so.

    Raises TypeError for what is none, ValueError for none or several columns and for no rows.
    """
    if isinstance(y, (list, tuple)) or hasattr(y, "to_pylist"):
        values = y if isinstance(y, (list, tuple)) else y.to_pylist()
        array = np.empty(len(values), object)
        array[:] = values
        y = array
    elif hasattr(y, "to_frame"):
        y = y.to_frame()
    if isinstance(y, np.ndarray) and y.ndim == 1:
        y = y[:, None]
    if getattr(y, "shape", (1, 1))[:1] == (0,):
        raise ValueError(f"{name} must have at least one row, got none")
    found = table(y, name)
    if found.columns != 1:
        raise ValueError(f"{name} must be one column, got {found.columns}")
    return found.read(0, name)


def _of_frame(frame: Any, name: str) -> Table:
    columns = frame.columns
    names = _names(columns, name)
    return Table(len(frame), len(columns), names, lambda i, what: _of_series(frame[columns[i]], what), name)


def _names(columns: Sequence[Any], name: str) -> list[str] | None:
    """Return the names of columns as text; None for the numbers from 0 that a frame has without names."""
    names = list(columns)
    if names == list(range(len(names))):
        return None
    texts = [str(name) for name in names]
    if len(set(texts)) < len(texts):
        raise _repeated(next(text for text in texts if texts.count(text) > 1), name)
    return texts


def _repeated(column: Any, name: str) -> ValueError:
    return ValueError(f"{name} must have columns of different names, got {column!r} more than once")


def _of_pandas(frame: Any, name: str) -> Table:
    """Return a frame of pandas, most of its columns read without narwhals, which takes longest for one row."""
    if not frame.columns.is_unique:
        raise _repeated(frame.columns[frame.columns.duplicated()][0], name)
    names, few = _names(frame.columns, name), len(frame) <= _FEW_ROWS

    def read(column: int, what: str) -> Cells:
        series = frame[frame.columns[column]]
        kind = series.dtype
        if isinstance(kind, np.dtype) and (few or kind.kind != "O"):
            return cells.of_array(series.to_numpy(), what)
        if kind.name == "category":
            return cells.of_codes(series.array.codes, _levels(series.array.categories), what, category=True)
        if few and kind.name in ("str", "string"):
            return cells.of_values(series.tolist(), what)
        return _of_series(next(frames.as_frame(series.to_frame(), what).iter_columns()), what)

    return Table(len(frame), frame.shape[1], names, read, name)


def _levels(index: Any) -> list[Any]:
    """Return the levels of an index of pandas; floats keep the digits of their dtype."""
    kind = cells.narrow(index.dtype)
    return index.tolist() if kind is None else list(index.to_numpy(kind))


def _of_array(X: Any, name: str) -> Table:
    if is_sparse(X) or isinstance(X, SparseRows):
        raise TypeError(
            f"{name} must be a data frame or a dense array, got a sparse array; {name}.toarray() makes it dense"
        )
    if not isinstance(X, (np.ndarray, list, tuple)) and not hasattr(X, "__array__"):
        raise TypeError(f"{name} must be a data frame, an array or a list of rows, got {type(X).__name__}")
    try:
        array = np.array(X, object) if isinstance(X, (list, tuple)) else np.asanyarray(X)
    except ValueError:
        array = np.empty(0)
    masked = sys.modules.get("numpy.ma")  # whoever has a masked array has imported it
    if masked and isinstance(array, masked.MaskedArray):
        array = array.astype(object).filled(None)
    if isinstance(X, (list, tuple)) and X and (array.ndim != 2 or any(isinstance(row, (str, dict)) for row in X)):
        raise ValueError(f"{name} must be a table of two dimensions: a list of rows of the same length")
    if array.ndim != 2 and len(np.atleast_1d(array)):
        raise ValueError(
            f"{name} must be a table of two dimensions, (rows, columns), got an array of shape {array.shape}"
        )
    rows, columns = array.shape if array.ndim == 2 else (0, 0)
    array = np.asarray(array)
    return Table(rows, columns, None, lambda column, what: cells.of_array(array[:, column], what), name)


def _of_series(column: Any, what: str) -> Cells:
    """Return the cells of a Series of narwhals."""
    kind = type(column.dtype).__name__
    if kind == "Decimal" or kind in _NUMBERS:
        return _of_numbers(column, kind, what)
    if kind == "Boolean":
        return Cells("boolean", _numbers(column).astype(np.float64))
    if kind in ("String", "Categorical", "Enum"):
        return cells.of_codes(*_coded(column), what, category=kind != "String")
    if kind in ("Date", "Datetime"):
        return cells.of_array(np.asarray(column.to_numpy()), what)
    if kind == "Duration":
        return cells.of_array(column.to_numpy().astype("timedelta64[us]"), what)
    if kind == "Time":
        return Cells("number", np.array([cells.seconds(value) for value in column.to_list()]))
    if kind == "Object" or column.null_count() == len(column):
        return cells.of_values(column.to_list(), what)
    raise cells.refused(what, f"dtype {column.dtype}")


def _of_numbers(column: Any, kind: str, what: str) -> Cells:
    """Return the cells of a Series of numbers."""
    values = column
    if kind == "Decimal" or kind.endswith("Int128"):
        import narwhals as nw

        values = column.cast(nw.Float64)
    found = _numbers(values)
    if kind in _INTEGERS and found.dtype.kind == "f" and cells.is_inexact(found):
        return cells.of_values(column.to_list(), what)
    return Cells("number", found, whole=kind in _INTEGERS, narrow=cells.narrow(kind))


def _numbers(column: Any) -> np.ndarray:
    """Return integers as they are, and anything else as float64."""
    array = column.to_numpy()
    if array.dtype.kind in "iu":
        return array
    if array.dtype == object:  # booleans with gaps
        array = [np.nan if cells.is_missing(value) else value for value in array.tolist()]
    return np.array(array, np.float64)


def _coded(column: Any) -> tuple[np.ndarray, list[Any]]:
    """Return the number of each cell among the different values of a column, and these values."""
    native = column.to_native()
    if hasattr(native, "factorize"):  # pandas and what is like it
        codes, values = native.factorize()
        return np.asarray(codes), values.tolist()
    if hasattr(native, "dictionary_encode"):  # Arrow
        whole = native.combine_chunks().dictionary_encode()
        if hasattr(whole, "indices"):
            codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            levels, kind = whole.dictionary, cells.narrow({"float": "float32"}.get(str(whole.dictionary.type)))
            return codes.astype(np.int64), levels.to_pylist() if kind is None else list(levels.to_numpy())
    return cells.numbered(column.to_list())
