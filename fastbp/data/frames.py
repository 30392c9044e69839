"""Conversion of tables to arrays: data frames of pandas, polars and Arrow, and sparse arrays of SciPy.

Data frames are read through narwhals, which is imported when one is given. SciPy is never imported here: whoever has a
sparse array has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from .sparse import SparseRows, is_sparse, sparse_rows

_PROTOCOLS = ("__arrow_c_stream__", "__arrow_c_array__", "__dataframe__")  # protocols of tables and columns
_MAKERS = ("pandas", "polars", "pyarrow", "narwhals", "modin", "cudf", "dask", "duckdb", "ibis", "pyspark", "sqlframe")
_LISTED = 5  # names listed in an error message

_INTEGERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
_NUMBERS = {*_INTEGERS, "Float16", "Float32", "Float64", "Boolean"}


# ---- for other modules ---------------------------------------------------------------------------------------------


def as_array(X: Any, name: str) -> tuple[Any, list[str] | None]:
    """Return X as an array or `SparseRows`, and the names of its columns if all are strings, else None.

    Anything but a data frame or a sparse array is returned as it is, for `checks.inputs` to check. A data frame is
    copied once, to the dtype that NumPy gives its columns together; a pandas frame of one dtype is not copied.

    One of pandas whose columns are all sparse, zeros left out, becomes `SparseRows`; other sparse columns become dense.

    Raises TypeError for columns without numbers, lazy frames and sparse formats without rows; ValueError for missing
    values, a Series and repeated names; ImportError if narwhals is not installed.
    """
    if isinstance(X, (np.ndarray, list, tuple, SparseRows)):
        return X, None
    if is_sparse(X):
        return sparse_rows(X, name), None
    if not is_frame(X):
        return X, None
    if (rows := _of_sparse_columns(X, name)) is not None:
        return rows, text_names(X.columns)
    frame = as_frame(X, name)
    return (X, None) if frame is None else (_values(frame, name), text_names(frame.columns))


def as_frame(X: Any, name: str) -> Any:
    """Return X as a DataFrame of narwhals whose columns may hold anything, or None if it is no data frame.

    Raises TypeError for lazy frames; ValueError for a Series and repeated names; ImportError as `as_array` does.
    """
    if isinstance(X, (np.ndarray, list, tuple, SparseRows)) or is_sparse(X) or not is_frame(X):
        return None
    nw, frame = _read(_without_sparse_columns(X), name)
    if isinstance(frame, nw.Series):
        raise ValueError(f"{name} must be a table of two dimensions, got a Series; one column is {name}.to_frame()")
    return frame if isinstance(frame, nw.DataFrame) else None


def as_target(y: Any, name: str) -> Any:
    """Return y as an array: of shape (rows,) for a Series, an Arrow array or a frame of one column.

    A frame of several columns becomes an array of shape (rows, columns). Anything else is returned as it is, for
    `checks` to check. Raises as `as_array` does, and TypeError for strings and sparse arrays.
    """
    if isinstance(y, (np.ndarray, list, tuple)):
        if _holds_strings(y):
            came = f"an array of dtype {y.dtype}" if isinstance(y, np.ndarray) else f"a {type(y).__name__} of strings"
            raise TypeError(f"{name} must hold numbers, got {came}; {_NUMBER_THEM}")
        return y
    if is_sparse(y):
        raise TypeError(f"{name} must be dense, got a sparse array; {name}.toarray() makes it so")
    if not is_frame(y):
        return y
    try:
        nw, table = _read(y, name)
    except ImportError:
        if getattr(y, "ndim", 0) != 1:
            raise
        return y  # NumPy converts a Series
    if isinstance(table, nw.Series):
        return _column(table, name, _target_hint(table))
    if not isinstance(table, nw.DataFrame):
        return y
    if len(table.columns) == 1:
        column = next(table.iter_columns())
        return _column(column, f"{name}: column {column.name!r}", _target_hint(column))
    return _values(table, name)


def refuse_lazy(X: Any, name: str) -> None:
    """Raise TypeError if X is a lazy frame, which NumPy would convert to an array of one object."""
    if not hasattr(X, "__array__") and is_frame(X):
        _read(X, name)


def refuse_dates(value: Any, name: str) -> None:
    """Raise TypeError if an array, frame or list holds dates or times, which NumPy would convert to numbers."""
    if hasattr(value, "dtype"):
        kinds = [value.dtype]
    elif hasattr(value, "dtypes"):
        kinds = list(value.dtypes)
    else:
        try:
            value = np.asarray(value)
        except ValueError:  # rows of different lengths, which later checks refuse
            return
        kinds = [value.dtype]
    if isinstance(value, np.ndarray) and value.dtype == object:
        kinds += [one.dtype for one in value.ravel() if isinstance(one, (np.datetime64, np.timedelta64))]
    for kind in kinds:
        if getattr(kind, "kind", "") in ("m", "M") or getattr(kind, "is_temporal", bool)():
            raise TypeError(f"{name} must hold numbers, got dates or times of dtype {kind}; make numbers of them first")


def check_names(known: Sequence[str] | None, names: Sequence[str] | None, what: str) -> None:
    """Raise ValueError if the names of the columns of `what` are not those the model was trained on, in their order."""
    if known is None or names is None or list(known) == list(names):
        return
    missing, unexpected = _without(known, names), _without(names, known)
    found = [
        f"{kind}: {', '.join(map(repr, some[:_LISTED]))}{' ...' if len(some) > _LISTED else ''}"
        for kind, some in (("missing", missing), ("unexpected", unexpected))
        if some
    ]
    if not found:
        place = next(i for i, pair in enumerate(zip(known, names, strict=False)) if pair[0] != pair[1])
        found = [f"the same names in another order, {names[place]!r} where {known[place]!r} was; use {what}[names]"]
    raise ValueError(f"{what} must have the columns that the model was trained on; {'; '.join(found)}")


# ---- data frames ---------------------------------------------------------------------------------------------------

_NUMBER_THEM = "number the classes from 0, or use fastbp.sklearn, which takes names, or Model(class_names=...)"
_ENCODE = "encode it as numbers, such as one column of 0 and 1 for each of its values, or leave it out"


def is_frame(X: Any) -> bool:
    """Return whether X looks like a table or a column of one, without importing anything."""
    kind = type(X)
    return any(hasattr(kind, protocol) for protocol in _PROTOCOLS) or any(
        base.__module__.partition(".")[0] in _MAKERS for base in kind.__mro__
    )


def _read(X: Any, name: str) -> tuple[Any, Any]:
    """Return the module narwhals, and X as its DataFrame or Series, or X itself if narwhals does not know it."""
    try:
        import narwhals as nw
    except ImportError as error:
        came = f"{type(X).__module__.partition('.')[0]}.{type(X).__name__}"
        raise ImportError(
            f"{name} is a {came}, which fastbp reads with narwhals: pip install 'fastbp[frames]' ({error})"
        ) from error
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(X, pyarrow.RecordBatch):
        X = pyarrow.Table.from_batches([X])
    if pyarrow is not None and isinstance(X, pyarrow.Array):
        X = pyarrow.chunked_array([X])
    try:
        table = nw.from_native(X, allow_series=True, pass_through=True)
        if isinstance(table, nw.DataFrame):
            _ = table.schema  # raises for repeated names
    except nw.exceptions.DuplicateError as error:
        raise ValueError(f"{name} must have columns of different names: {error}") from None
    if isinstance(table, nw.LazyFrame):
        method = "collect" if hasattr(X, "collect") else "compute"
        raise TypeError(f"{name} is a lazy frame, which holds no data yet; call .{method}() on it first")
    return nw, table


def _sparse_columns(frame: Any) -> list[Any]:
    """Return the dtypes of the sparse columns of a data frame of pandas."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(frame, pandas.DataFrame):
        return []
    return [dtype for dtype in frame.dtypes if isinstance(dtype, pandas.SparseDtype)]


def _of_sparse_columns(frame: Any, name: str) -> SparseRows | None:
    """Return the rows of a data frame whose columns are all sparse with zeros left out, or None."""
    kinds = _sparse_columns(frame)
    if not kinds or len(kinds) < frame.shape[1] or any(dtype.fill_value != 0 for dtype in kinds):
        return None
    if not all(dtype.kind in "buif" for dtype in kinds) or not frame.columns.is_unique:
        return None
    return sparse_rows(frame.sparse.to_coo(), name)


def _without_sparse_columns(frame: Any) -> Any:
    """Return a data frame whose sparse columns are dense."""
    if not _sparse_columns(frame):
        return frame
    kinds = {name: kind.subtype for name, kind in frame.dtypes.items() if hasattr(kind, "subtype")}
    return frame.astype(kinds) if frame.columns.is_unique else frame


def text_names(columns: Sequence[Any]) -> list[str] | None:
    """Return the names of columns if all are strings, else None."""
    return [str(column) for column in columns] if all(isinstance(column, str) for column in columns) else None


def _values(frame: Any, name: str) -> np.ndarray:
    """Return the numbers of a frame, shape (rows, columns), in the dtype that NumPy gives its columns together."""
    columns = list(frame.iter_columns())
    for column in columns:
        _check(column, f"{name}: column {column.name!r}", _ENCODE)
    if not columns:
        return np.empty((len(frame), 0))
    if frame.implementation.is_pandas() and len({str(dtype) for dtype in frame.to_native().dtypes}) == 1:
        array = frame.to_numpy()
        if array.dtype.kind in "buif":
            return array
    arrays = (column.to_numpy() for column in columns)  # one at a time, to save memory
    kind = np.result_type(*(column.head(1).to_numpy().dtype for column in columns))
    values = np.empty((len(frame), len(columns)), kind)
    for j, array in enumerate(arrays):
        values[:, j] = array
    return values


def _column(column: Any, what: str, hint: str) -> np.ndarray:
    _check(column, what, hint)
    return column.to_numpy()


def _check(column: Any, what: str, hint: str) -> None:
    """Raise TypeError if a column does not hold numbers, ValueError if some are missing."""
    if type(column.dtype).__name__ not in _NUMBERS:
        raise TypeError(f"{what} must hold numbers or booleans, got dtype {_dtype(column)}; {hint}")
    if missing := int(column.null_count()):
        raise ValueError(f"{what} must have no missing values, got {missing}; fill them or drop their rows")


def _dtype(column: Any) -> str:
    """Return the name of a column's dtype, the native one if narwhals has none."""
    name = str(column.dtype)
    return str(getattr(column.to_native(), "dtype", name)) if name in ("Unknown", "Object") else name


def _target_hint(column: Any) -> str:
    if type(column.dtype).__name__ in ("String", "Categorical", "Enum", "Object"):
        return _NUMBER_THEM
    return "cast it to numbers"


def _holds_strings(y: Any) -> bool:
    if isinstance(y, np.ndarray):
        return y.dtype.kind in "UST" or (y.dtype == object and y.size > 0 and isinstance(y.flat[0], str))
    return len(y) > 0 and isinstance(y[0], str)


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    there = set(others)
    return [name for name in names if name not in there]
