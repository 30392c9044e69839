"""Sources that pyarrow reads: Parquet files, and datasets of Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import columns as arrow
from . import paths
from .source import MEMORY, Part, PieceError, Source

READ_BYTES = 24_000_000  # of X that are decoded at once: few enough for the cache to help, enough for long loops
PAGE_BYTES = 2**21  # that a column's page may take, compressed and not, while it is decoded
LEAST_STREAM, MOST_STREAM = 2**16, 2**18  # bytes of a column that are read from the file at once
LEAST_ROWS, MOST_ROWS = 64, 65_536  # that are decoded at once


class _Columnar(Source):
    """A source whose pieces give RecordBatches."""

    _layout: arrow.Layout

    @property
    def feature_names(self) -> list[str] | None:  # type: ignore[override]
        """Names of the columns of X, or None where a column holds several numbers."""
        return self._layout.feature_names

    @property
    def _read_rows(self) -> int:
        most = min(READ_BYTES, self.memory // 8)
        return max(LEAST_ROWS, min(MOST_ROWS, most // max(1, self._layout.row_bytes)))

    def _parts(self, batches: Iterator[Any], name: str, first: int = 0) -> Iterator[Part]:
        row = first
        for batch in batches:
            if len(batch):
                y, weight = arrow.others(batch, self._layout, name, row)
                yield Part(arrow.Columns(batch, self._layout, name, row), y, weight, name, row)
            row += len(batch)
        if row == first:
            raise PieceError(f"{name}: has no rows; leave it out")


class Parquet(_Columnar):
    """Rows of Parquet files, of which a part is in memory at a time. Needs pyarrow: ``pip install 'fastbp[arrow]'``.

    `Model.fit`, `Model.evaluate` and `Model.predict` take it in place of X and y. Its pieces are the row groups of the
    files. With shuffling, an epoch reads them in a random order, and takes the rows of as many as fit half of `memory`
    in a random order, too: write files in row groups much smaller than that. Without shuffling the rows come in order.

    Parameters
    ----------
    files : path, or list of paths
        A file, a pattern such as ``"part-*.parquet"``, or a folder of files that are named ``*.parquet``; those of a
        pattern or folder are sorted by name. All have the same columns. They must not change while the source is used.
    target : str or list of str, optional
        The column that is y, or several. Only `Model.predict` does without.
    columns : list of str, optional
        The columns that are X, in this order, by default all others. They hold numbers or booleans, none missing; a
        column of lists of one size gives as many inputs.
    weight : str, optional
        The column of the rows' weights.
    memory : int or str
        Bound of the bytes that rows take: those the network learns, those that are read meanwhile, and what is decoded.
        Parameters and the library itself are not counted.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastbp, pyarrow, pyarrow.parquet
    >>> table = pyarrow.table({"a": [0.0, 1.0, 0.2, 0.9], "b": [1.0, 0.0, 0.8, 0.1], "kind": [0, 1, 0, 1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "rows.parquet")
    ...     pyarrow.parquet.write_table(table, path)
    ...     rows = fastbp.data.Parquet(path, target="kind")
    ...     model = fastbp.Model([2, 8, 2], learning_rate=0.5, seed=0)
    ...     history = model.fit(rows, epochs=50, verbose=0)
    ...     print(model.evaluate(rows)["accuracy"], model.predict(rows), model.feature_names)
    1.0 [0 1 0 1] ['a', 'b']
    """

    def __init__(
        self, files: Any, target: Any = None, *, columns: Any = None, weight: Any = None, memory: int | str = MEMORY
    ) -> None:
        super().__init__(memory)
        parquet = arrow.pyarrow("pyarrow.parquet")
        self._files = paths.found("files", files, "*.parquet")
        self._metadata: dict[str, Any] = {}
        self._groups: list[tuple[str, int, int]] = []
        for path in self._files.paths:
            with _named(path):
                with parquet.ParquetFile(path) as file:
                    schema, metadata = file.schema_arrow, file.metadata
            if not self._metadata:
                self._layout = arrow.layout(schema, target, columns, weight, path)
            arrow.same(schema, self._layout, path)
            if not metadata.num_rows:
                raise PieceError(f"{path}: has no rows; leave it out")
            counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            self._groups += [(path, group, rows) for group, rows in enumerate(counts) if rows]
            self._metadata[path] = metadata
        sizes = (
            metadata.row_group(group).total_byte_size
            for metadata in self._metadata.values()
            for group in range(metadata.num_row_groups)
        )
        self._largest: int = max(sizes)

    def __len__(self) -> int:
        """Return the number of row groups."""
        return len(self._groups)

    def _rows_of(self, piece: int) -> int:
        return self._groups[piece][2]

    def _read(self, piece: int, features: bool = True) -> Iterator[Part]:
        path, group, _ = self._groups[piece]
        before = sum(rows for other, number, rows in self._groups[:piece] if other == path and number < group)
        wanted = self._layout.read if features else self._layout.others
        self._files.check(path)
        with _named(path):
            file = arrow.pyarrow("pyarrow.parquet").ParquetFile(
                path, metadata=self._metadata[path], pre_buffer=False, buffer_size=self._stream_bytes
            )
        with file:
            batches = file.iter_batches(self._read_rows, [group], wanted, use_threads=False)
            yield from self._parts(_safely(batches, path), path, before)

    @property
    def _stream_bytes(self) -> int:
        """How much of a column is read from the file at once."""
        return max(LEAST_STREAM, min(MOST_STREAM, self.memory // 8 // len(self._layout.read)))

    def _reading_bytes(self) -> int:
        columns = len(self._layout.read)
        pages = min(self._largest, PAGE_BYTES * columns) + min(self._largest, self._stream_bytes * columns)
        return int(pages + self._read_rows * self._layout.row_bytes)

    def _identity(self) -> dict[str, Any]:
        return super()._identity() | {"files": self._files.identity(), "columns": self._layout.read}


class Arrow(_Columnar):
    """Rows of a dataset of Arrow, of which a part is in memory at a time.

    Its pieces are the fragments of the dataset, as `Parquet` has row groups: Parquet, Feather, ORC or CSV files here or
    in a cloud's storage, as ``pyarrow.dataset.dataset`` finds them.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
    target : str or list of str, optional
        The column that is y, or several. Only `Model.predict` does without.
    columns : list of str, optional
        The columns that are X, in this order, by default all others. They hold numbers or booleans, none missing.
    weight : str, optional
        The column of the rows' weights.
    memory : int or str
        Bound of the bytes of the rows that the network learns and those that are read meanwhile.

    Examples
    --------
    >>> import fastbp, pyarrow, pyarrow.dataset
    >>> table = pyarrow.table({"a": [0.0, 1.0, 0.2, 0.9], "b": [1.0, 0.0, 0.8, 0.1], "kind": [0, 1, 0, 1]})
    >>> rows = fastbp.data.Arrow(pyarrow.dataset.dataset(table), target="kind")
    >>> model = fastbp.Model([2, 8, 2], learning_rate=0.5, seed=0)
    >>> history = model.fit(rows, epochs=50, verbose=0)
    >>> model.predict(rows)
    array([0, 1, 0, 1])
    """

    def __init__(
        self, dataset: Any, target: Any = None, *, columns: Any = None, weight: Any = None, memory: int | str = MEMORY
    ) -> None:
        super().__init__(memory)
        kind = arrow.pyarrow("pyarrow.dataset").Dataset
        if not isinstance(dataset, kind):
            raise TypeError(f"dataset must be a pyarrow.dataset.Dataset, got {type(dataset).__name__}")
        self._dataset, self._fragments = dataset, list(dataset.get_fragments())
        self._layout = arrow.layout(dataset.schema, target, columns, weight, "dataset")
        self._names = [getattr(each, "path", None) or f"fragment {i}" for i, each in enumerate(self._fragments)]
        self._counts: list[int] | None = None

    def __len__(self) -> int:
        """Return the number of fragments."""
        return len(self._fragments)

    def _rows_of(self, piece: int) -> int:
        if self._counts is None:
            self._counts = []
            for fragment, name in zip(self._fragments, self._names, strict=True):
                with _named(name):
                    self._counts.append(fragment.count_rows())
        return self._counts[piece]

    def _read(self, piece: int, features: bool = True) -> Iterator[Part]:
        name, wanted = self._names[piece], self._layout.read if features else self._layout.others
        with _named(name):
            batches = self._fragments[piece].to_batches(
                schema=self._dataset.schema, columns=wanted, batch_size=self._read_rows, batch_readahead=1,
                fragment_readahead=0, use_threads=False,
            )  # fmt: skip
        yield from self._parts(_safely(batches, name), name)

    def _identity(self) -> dict[str, Any]:
        return super()._identity() | {"columns": self._layout.read}


def _safely(batches: Iterator[Any], name: str) -> Iterator[Any]:
    """Yield what an iterator of pyarrow does; its errors name the piece."""
    batches = iter(batches)
    while True:
        with _named(name):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn errors of pyarrow in this block into one that names the piece."""
    try:
        yield
    except (OSError, arrow.pyarrow("pyarrow").ArrowException) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise PieceError(f"{name}: can't be read: {text}") from error
    except UnicodeDecodeError as error:
        why = "must be text in UTF-8; compressed files are read if their names end in .gz or .bz2"
        raise PieceError(f"{name}: {why}, got {error}") from error
