"""Sources of plain files: NumPy's, in pairs of X and y, and CSV."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ...files import delimited
from .. import checks
from . import columns as arrow
from . import paths
from .parquet import _Columnar, _named, _safely
from .source import MEMORY, Part, PieceError, Source

READ_BYTES = 2**22  # that are read at once
LINE = 2**20  # characters of a line that tell the delimiter
CSV_BLOCK, LEAST_BLOCK = 2**22, 2**16  # bytes of text that are parsed at once: a line must fit


class _Array(NamedTuple):
    """What the header of an .npy file says, and where its numbers begin."""

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype
    begin: int


class Npy(Source):
    """Rows of a folder of .npy files: parts of X, and of y beside them, of which a part is in memory at a time.

    Its pieces are the files. Part number i of X, in the order of names, belongs to part number i of y.

    Parameters
    ----------
    folder : path
    X : str
        Pattern of the files of X, which hold arrays of shape (rows, inputs).
    y : str or None
        Pattern of the files of y, of shape (rows,) or (rows, outputs). Only `Model.predict` does without.
    weight : str, optional
        Pattern of the files of the rows' weights, of shape (rows,).
    memory : int or str
        Bound of the bytes of the rows that the network learns and those that are read meanwhile.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastbp
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in range(3):
    ...         X = np.random.default_rng(part).standard_normal((100, 4)).astype("float32")
    ...         np.save(os.path.join(folder, f"X-{part}.npy"), X)
    ...         np.save(os.path.join(folder, f"y-{part}.npy"), (X.sum(axis=1) > 0).astype(int))
    ...     rows = fastbp.data.Npy(folder)
    ...     model = fastbp.Model([4, 8, 2], optimizer="adam", learning_rate=0.01, seed=0)
    ...     history = model.fit(rows, epochs=20, verbose=0)
    ...     print(len(rows), rows.rows, model.evaluate(rows)["accuracy"] > 0.9)
    3 300 True
    """

    def __init__(
        self, folder: Any, X: str = "X*.npy", y: str | None = "y*.npy", weight: str | None = None,
        *, memory: int | str = MEMORY,
    ) -> None:  # fmt: skip
        super().__init__(memory)
        patterns = {"X": X, "y": y, "weight": weight}
        self._files = {
            name: paths.found(name, os.path.join(os.fspath(folder), pattern), pattern)
            for name, pattern in patterns.items()
            if pattern is not None
        }
        self._arrays = {name: [_header(path) for path in files.paths] for name, files in self._files.items()}
        for name, arrays in self._arrays.items():
            if len(arrays) != len(self):
                raise ValueError(f"{name} must have one file for each of X's {len(self)}, got {len(arrays)}")
            for array, x in zip(arrays, self._arrays["X"], strict=True):
                _check(array, arrays[0], x)

    def __len__(self) -> int:
        """Return the number of files of X."""
        return len(self._arrays["X"])

    def _rows_of(self, piece: int) -> int:
        return self._arrays["X"][piece].shape[0]

    def _read(self, piece: int, features: bool = True) -> Iterator[Part]:
        arrays = {name: each[piece] for name, each in self._arrays.items()}
        for name, array in arrays.items():
            self._files[name].check(array.path)
        size = max(1, arrays["X"].dtype.itemsize * int(np.prod(arrays["X"].shape[1:])))
        rows, step = self._rows_of(piece), max(1, self._read_bytes // size)
        streams = {name: _rows(array, step) for name, array in arrays.items()}
        for at in range(0, rows, step):
            found = {name: next(stream) for name, stream in streams.items()}
            yield Part(found["X"], found.get("y"), found.get("weight"), arrays["X"].path, at)

    @property
    def _read_bytes(self) -> int:
        return min(READ_BYTES, self.memory // 16)

    def _reading_bytes(self) -> int:
        return 2 * self._read_bytes

    def _identity(self) -> dict[str, Any]:
        return super()._identity() | {"files": {name: files.identity() for name, files in self._files.items()}}


def _header(path: str) -> _Array:
    """Return what the header of a file says; raise PieceError for a file that is none of NumPy's."""
    form = np.lib.format
    with open(path, "rb") as file:
        try:
            version = form.read_magic(file)
            read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
            shape, by_column, dtype = read(file)
        except ValueError as error:
            raise PieceError(f"{path}: is no .npy file that can be read: {error}") from error
        begin = file.tell()
    if by_column and len(shape) > 1:
        raise PieceError(f"{path}: holds an array column by column; save np.ascontiguousarray of it")
    if dtype.hasobject:
        raise PieceError(f"{path}: must hold numbers, got objects")
    return _Array(path, shape, dtype, begin)


def _check(array: _Array, first: _Array, x: _Array) -> None:
    """Raise PieceError if a file does not go with the first one of its kind, or with that of X."""
    if len(array.shape) < 1 or array.shape[1:] != first.shape[1:] or array.dtype != first.dtype:
        came, due = f"{array.dtype} of shape {array.shape}", f"{first.dtype} of shape {first.shape}"
        raise PieceError(f"{array.path}: holds {came}, the first file {first.path} {due}")
    if array.shape[0] != x.shape[0]:
        raise PieceError(f"{array.path}: has {array.shape[0]} rows, {x.path} has {x.shape[0]}")
    if array.shape[0] == 0:
        raise PieceError(f"{array.path}: has no rows; leave it out")


def _rows(array: _Array, step: int) -> Iterator[np.ndarray]:
    """Yield the numbers of a file, so many rows at a time."""
    size = int(np.prod(array.shape[1:]))
    with open(array.path, "rb") as file:
        file.seek(array.begin)
        for at in range(0, array.shape[0], step):
            rows = min(step, array.shape[0] - at)
            yield _numbers(file, array, rows, size, at)


def _numbers(file: BinaryIO, array: _Array, rows: int, size: int, at: int) -> np.ndarray:
    wanted = rows * size * array.dtype.itemsize
    data = bytearray(wanted)
    if file.readinto(data) != wanted:  # type: ignore[attr-defined]
        raise PieceError(f"{array.path}: ends before row {at + rows - 1}")
    return np.frombuffer(data, array.dtype).reshape(rows, *array.shape[1:])


class Csv(_Columnar):
    r"""Rows of CSV files whose first lines name their columns, of which a part is in memory at a time. Needs pyarrow.

    Its pieces are the files. How many rows they have is not known before they are read.

    Parameters
    ----------
    files : path, or list of paths
        A file, a pattern such as ``"part-*.csv"``, or a folder of files that are named ``*.csv``; those of a pattern or
        folder are sorted by name. Compressed ones end in .gz or .bz2. They must not change while the source is used.
    target : str or list of str, optional
        The column that is y, or several. Only `Model.predict` does without.
    columns : list of str, optional
        The columns that are X, in this order, by default all others: numbers, none missing.
    weight : str, optional
        The column of the rows' weights.
    delimiter : str
    memory : int or str
        Bound of the bytes of the rows that the network learns and those that are read meanwhile.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastbp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in range(2):
    ...         with open(os.path.join(folder, f"part-{part}.csv"), "w") as file:
    ...             _ = file.write("a,b,kind\n0,1,0\n1,0,1\n")
    ...     rows = fastbp.data.Csv(os.path.join(folder, "part-*.csv"), target="kind")
    ...     model = fastbp.Model([2, 8, 2], learning_rate=0.5, seed=0)
    ...     history = model.fit(rows, epochs=50, verbose=0)
    ...     print(model.predict(rows))
    [0 1 0 1]
    """

    def __init__(
        self, files: Any, target: Any = None, *, columns: Any = None, weight: Any = None, delimiter: str = ",",
        memory: int | str = MEMORY,
    ) -> None:  # fmt: skip
        super().__init__(memory)
        self._csv = arrow.pyarrow("pyarrow.csv")
        self._files = paths.found("files", files, "*.csv")
        if not isinstance(delimiter, str) or len(delimiter) != 1:
            raise ValueError(f"delimiter must be one character, got {delimiter!r}")
        self._delimiter = delimiter
        self._types: dict[str, Any] = {}
        first = self._files.paths[0]
        with _named(first), self._opened(first) as stream:
            schema = _of_numbers(stream.schema, target, columns, weight)
        self._layout = arrow.layout(schema, target, columns, weight, first)
        self._types = dict(zip(self._layout.read, self._layout.types, strict=True))
        self._counts: dict[int, int] = {}

    def _opened(self, path: str, wanted: list[str] | None = None) -> Any:
        csv = self._csv
        convert = csv.ConvertOptions(column_types=self._types, include_columns=wanted)
        return csv.open_csv(
            path, csv.ReadOptions(use_threads=False, block_size=self._block),
            csv.ParseOptions(delimiter=self._delimiter), convert,
        )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._files.paths)

    def _rows_of(self, piece: int) -> int | None:
        return self._counts.get(piece)

    def _read(self, piece: int, features: bool = True) -> Iterator[Part]:
        path = self._files.paths[piece]
        self._files.check(path)
        with _named(path):
            stream = self._opened(path, self._layout.read if features else self._layout.others)
        rows = 0
        with stream:
            for part in self._parts(_safely(stream, path), path):
                rows = part.row + len(part.X)
                yield part
        self._counts[piece] = rows

    @property
    def _block(self) -> int:
        return min(CSV_BLOCK, max(LEAST_BLOCK, self.memory // 16))

    def _reading_bytes(self) -> int:
        return 4 * self._block

    def _identity(self) -> dict[str, Any]:
        named = {"files": self._files.identity(), "columns": self._layout.read}
        return {"source": type(self).__name__, "pieces": len(self)} | named


def header(path: str) -> tuple[str, list[str]]:
    """Return the delimiter of a CSV file, by its first lines, and the names of its columns."""
    csv = arrow.pyarrow("pyarrow.csv")
    with _named(path), arrow.pyarrow("pyarrow").input_stream(path, compression="detect") as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        delimiter = delimited.delimiter(iter(lambda: text.readline(LINE), ""))
    with _named(path), csv.open_csv(path, parse_options=csv.ParseOptions(delimiter=delimiter)) as stream:
        return delimiter, list(stream.schema.names)


def _of_numbers(schema: Any, target: Any, columns: Any, weight: Any) -> Any:
    """Return a schema in which all columns of numbers but the target are float64, as later parts may have fractions."""
    types, float64 = arrow.pyarrow("pyarrow.types"), arrow.pyarrow("pyarrow").float64()
    targets = list(target) if checks.is_iterable(target) else [target]
    for index, field in enumerate(schema):
        number = types.is_integer(field.type) or types.is_floating(field.type) or types.is_null(field.type)
        if field.name not in targets and number:
            schema = schema.set(index, field.with_type(float64))
    return schema
