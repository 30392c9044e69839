"""Rows as Arrow has them, column by column: checked once by their schema, then written row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from .source import PieceError


def pyarrow(module: str) -> Any:
    """Return a module of pyarrow; raise ImportError that says how to install it."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"this source needs pyarrow: pip install 'fastbp[arrow]' ({error})") from error


@dataclass
class Layout:
    """Which columns of a schema are X, y and weights.

    Parameters
    ----------
    names : list of str
        Of the columns of X.
    target : str, list of str or None
    weight : str or None
    widths : list of int
        How many numbers a row of each column of X holds: more than 1 for lists of one size.
    dtype : numpy.dtype
        Of X, the one that NumPy gives its columns together.
    types : list of pyarrow.DataType
        Of all columns that are read.
    """

    names: list[str]
    target: str | list[str] | None
    weight: str | None
    widths: list[int]
    dtype: np.dtype
    types: list[Any]

    @property
    def read(self) -> list[str]:
        """Names of all columns that are read."""
        return [*self.names, *self.others]

    @property
    def others(self) -> list[str]:
        """Names of the columns that are not of X."""
        targets = [] if self.target is None else [self.target] if isinstance(self.target, str) else self.target
        return [*targets, *([] if self.weight is None else [self.weight])]

    @property
    def row_bytes(self) -> int:
        """Size of a row of X."""
        return sum(self.widths) * self.dtype.itemsize

    @property
    def feature_names(self) -> list[str] | None:
        """Names of the inputs, or None where a column holds several."""
        return self.names if max(self.widths, default=1) == 1 else None


def layout(schema: Any, target: Any, columns: Any, weight: Any, where: str) -> Layout:
    """Return which columns of a schema are X, y and weights; raise ValueError or TypeError that names a wrong one."""
    several = checks.is_iterable(target)
    targets = list(target) if several else [] if target is None else [target]
    others = targets + ([] if weight is None else [weight])
    names = [name for name in schema.names if name not in others] if columns is None else list(columns)
    for what, each in (("target", targets), ("weight", others[len(targets) :]), ("columns", names)):
        for name in each:
            if not isinstance(name, str):
                raise TypeError(f"{what} must be names of columns, got {name!r}")
            if schema.get_field_index(name) < 0:
                known = ", ".join(map(repr, schema.names[:5])) + (", ..." if len(schema.names) > 5 else "")
                meant = checks.meant(name, schema.names)
                raise ValueError(f"{where}: no single column {name!r}{meant}; it has {known}")
    if len({*names, *others}) < len(names) + len(others) or not names:
        raise ValueError(f"columns must be different ones, at least one, and without target and weight, got {names}")
    kinds = [_number(schema.field(name), where) for name in names]
    found = Layout(
        names, targets if several else target, weight, [width for width, _ in kinds],
        np.result_type(*(kind for _, kind in kinds)), [],
    )  # fmt: skip
    found.types = [schema.field(name).type for name in found.read]
    return found


def same(schema: Any, known: Layout, where: str) -> None:
    """Raise PieceError if a schema lacks columns of the layout, or has them with other types."""
    for name, kind in zip(known.read, known.types, strict=True):
        if schema.get_field_index(name) < 0:
            raise PieceError(f"{where}: has no column {name!r}, which the first file has")
        if (there := schema.field(name).type) != kind:
            raise PieceError(f"{where}: column {name!r} holds {there}, in the first file it holds {kind}")


def _number(field: Any, where: str) -> tuple[int, np.dtype]:
    """Return how many numbers a row of a column holds, and their dtype."""
    types, kind, width = pyarrow("pyarrow.types"), field.type, 1
    if types.is_fixed_size_list(kind):
        kind, width = kind.value_type, kind.list_size
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        hint = "list the columns of numbers in `columns`, or write the table anew with numbers"
        raise TypeError(f"{where}: column {field.name!r} must hold numbers or booleans, got {field.type}; {hint}")
    return width, np.dtype(np.uint8 if types.is_boolean(kind) else kind.to_pandas_dtype())


class Columns:
    """X of some rows, of a RecordBatch that has its columns first.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    layout : Layout
    name : str
        Of the piece, for errors.
    row : int
        Number of the batch's first row in the piece.
    picked : ndarray of int, optional
        Numbers of the rows of the batch that count, by default all.
    """

    dtype: np.dtype
    shape: tuple[int, int]

    def __init__(self, batch: Any, layout: Layout, name: str, row: int, picked: np.ndarray | None = None) -> None:
        self._batch, self._layout, self._name, self._row, self._picked = batch, layout, name, row, picked
        self.dtype, self.shape = layout.dtype, (len(batch if picked is None else picked), sum(layout.widths))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Columns:
        if self._picked is not None:
            return Columns(self._batch, self._layout, self._name, self._row, self._picked[rows])
        first, last, _ = rows.indices(len(self))
        return Columns(self._batch.slice(first, last - first), self._layout, self._name, self._row + first)

    def picked(self, rows: np.ndarray) -> Columns:
        """Return the rows of these numbers."""
        return Columns(self._batch, self._layout, self._name, self._row, rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        out = np.empty(self.shape, self.dtype)
        self.into(out)
        return out if dtype is None else out.astype(dtype)

    def into(self, out: np.ndarray) -> None:
        """Write the rows; raise PieceError for a missing value."""
        at = 0
        for index, (name, width) in enumerate(zip(self._layout.names, self._layout.widths, strict=True)):
            column = self._batch.column(index)
            _whole(column, name, self._name, self._row)
            if width > 1 or hasattr(column, "flatten"):
                column = column.flatten()
                _whole(column, name, self._name, self._row, width)
            numbers = column.to_numpy(zero_copy_only=False).reshape(-1, width)
            out[:, at : at + width] = numbers if self._picked is None else numbers[self._picked]
            at += width


def others(batch: Any, layout: Layout, name: str, row: int) -> tuple[Any, Any]:
    """Return y and weights of a RecordBatch, or None of each."""
    found = {}
    for column in layout.others:
        values = batch.column(batch.schema.get_field_index(column))
        _whole(values, column, name, row)
        if hasattr(values, "dictionary_decode"):
            values = values.dictionary_decode()
        found[column] = values.to_numpy(zero_copy_only=False)
    weight = None if layout.weight is None else found[layout.weight]
    if layout.target is None or isinstance(layout.target, str):
        return (None if layout.target is None else found[layout.target]), weight
    return _stacked([found[column] for column in layout.target]), weight


def _stacked(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(arrays, axis=1)


def _whole(column: Any, what: str, name: str, row: int, width: int = 1) -> None:
    """Raise PieceError if a value is missing."""
    if column.null_count:
        first = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False))) // width
        raise PieceError(f"{name}: column {what!r} has no value in row {row + first}; fill it or leave the row out")
