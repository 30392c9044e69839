"""Tables from files: CSV and Parquet, through whichever library is installed."""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
from pathlib import Path
from typing import Any

from ..files import lines, streams
from ..files.writing import path_of

READERS = ("polars", "pyarrow", "pandas")  # the first one that is installed reads
_PARQUET, _ZIP = b"PAR1", b"PK\x03\x04"
_CELL = 8  # bytes that a cell of a Parquet file takes at least, unpacked


def read(path: str | os.PathLike[str], max_bytes: int | None = None) -> Any:
    r"""Read a table from a file of CSV, gzipped CSV, TSV or Parquet.

    The first line of text names the columns; the delimiter is a comma, a semicolon or a tab. Empty cells are missing,
    all other text stays, also digits with leading zeros, without blanks at its ends. What the columns are,
    `Columns.fit` finds out.

    Parameters
    ----------
    path : path
    max_bytes : int, optional
        What a compressed file may unpack to: by default 1 GiB, or 20 times its size where that is more.

    Returns
    -------
    DataFrame of polars, Table of pyarrow or DataFrame of pandas
        Of the first of these libraries that is installed.

    Raises
    ------
    ImportError
        Where none of them is installed.
    OSError
        Where the file can't be read.
    ValueError
        Where it is damaged, empty, no table, too large unpacked, or in another encoding than UTF-8; and where rows
        are of different lengths.

    Examples
    --------
    >>> from pathlib import Path
    >>> from fastbp.tables.reading import read
    >>> _ = Path("people.csv").write_text("age,city\n31,Oslo\n,Rome\n")
    >>> read("people.csv").shape
    (2, 2)
    """
    path = Path(path_of(path))
    with open(path, "rb") as file:
        start = file.read(4)
    name, module = _library(path)
    if start == _PARQUET:
        return _parquet(name, module, path, streams.room(path, max_bytes))
    if start == _ZIP:
        raise ValueError(f"{path}: is a ZIP file, as those of Excel are, expected CSV, TSV or Parquet")
    text = lines.checked(streams.whole(path, max_bytes), path)
    readers = {"polars": _by_polars, "pyarrow": _by_pyarrow, "pandas": _by_pandas}
    try:
        table = readers[name](module, text, [])
        if text.codes:
            names = list(getattr(table, "column_names", table.columns))
            table = readers[name](module, text, [names[i] for i in text.codes])
        return _stripped(table)
    except Exception as error:  # each library has its own
        raise ValueError(f"{path}: can't be read as a table: {_first_line(error)}") from error


def _stripped(table: Any) -> Any:
    """Return a table without the blanks around names and text, as where cells are separated by a comma and a blank."""
    import narwhals as nw

    frame = nw.from_native(table, eager_only=True)
    names = {name: name.strip() for name in frame.columns if name != name.strip()}
    if names and len({names.get(name, name) for name in frame.columns}) == len(frame.columns):
        frame = frame.rename(names)
    text = [name for name, kind in frame.schema.items() if kind == nw.String]
    return frame.with_columns(nw.col(*text).str.strip_chars()).to_native() if text else frame.to_native()


def available() -> bool:
    """Return whether a library that reads tables is installed, and what reads its columns."""
    return any(map(importlib.util.find_spec, READERS)) and importlib.util.find_spec("narwhals") is not None


def _library(path: Path) -> tuple[str, Any]:
    for name in READERS:
        try:
            return name, importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(f"{path} is read by polars, pyarrow or pandas, none is installed: pip install 'fastbp[tables]'")


def _by_polars(polars: Any, text: lines.Text, codes: list[str]) -> Any:
    return polars.read_csv(
        io.BytesIO(text.data),
        separator=text.delimiter,
        decimal_comma=text.decimal == ",",
        infer_schema_length=None,
        schema_overrides=dict.fromkeys(codes, polars.String),
    )


def _by_pyarrow(pyarrow: Any, text: lines.Text, codes: list[str]) -> Any:
    csv = importlib.import_module("pyarrow.csv")
    return csv.read_csv(
        io.BytesIO(text.data),
        csv.ReadOptions(block_size=len(text.data) + 1),  # types by all rows
        csv.ParseOptions(delimiter=text.delimiter, newlines_in_values=True),
        csv.ConvertOptions(
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            decimal_point=text.decimal,
            column_types=dict.fromkeys(codes, pyarrow.string()),
        ),
    )


def _by_pandas(pandas: Any, text: lines.Text, codes: list[str]) -> Any:
    return pandas.read_csv(
        io.BytesIO(text.data),
        sep=text.delimiter,
        index_col=False,
        keep_default_na=False,
        na_values=[""],
        low_memory=False,
        decimal=text.decimal,
        dtype=dict.fromkeys(codes, "str"),
    )


def _parquet(name: str, module: Any, path: Path, limit: int) -> Any:
    """Return the table of a Parquet file, if its rows and columns say that it has room."""
    try:
        if name == "polars":
            lazy = module.scan_parquet(path)
            cells = len(lazy.collect_schema()) * lazy.select(module.len()).collect().item()
        else:
            parquet = importlib.import_module("pyarrow.parquet")  # pandas reads by it, too
            found = parquet.read_metadata(path)
            cells = found.num_columns * found.num_rows
        if cells * _CELL > limit:
            raise streams.too_large(path, limit)
        table = parquet.read_table(path) if name == "pyarrow" else module.read_parquet(path)
    except (ImportError, OSError):
        raise
    except Exception as error:
        if "unpacks to more" in str(error):
            raise
        raise ValueError(f"{path}: can't be read as Parquet: {_first_line(error)}") from error
    if not cells:
        raise ValueError(f"{path}: holds no rows" if len(table.columns) else f"{path}: holds no columns")
    return table


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
