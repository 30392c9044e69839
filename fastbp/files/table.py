"""CSV: numbers in all columns but the label's, with or without a header."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from .labels import number

DELIMITERS = ",;\t"
Row = tuple[int, list[str]]  # the line it ends in, its cells


@dataclass(frozen=True)
class Table:
    """The start of a CSV file, and an iterator over its rows.

    Parameters
    ----------
    path : object
        What errors call the file.
    first, second : list of str
        The first two rows' cells; `second` is empty where there is one row.
    rows : iterator of (line, cells)
        All rows, the first included.
    """

    path: object
    first: list[str]
    second: list[str]
    rows: Iterator[Row]

    def column(self, index: int, header: bool) -> str:
        """Return what errors call a column."""
        return f"column {self.first[index]!r}" if header else f"column {index} (counted from 0)"

    def error(self, line: int, what: str) -> ValueError:
        """Return the error to raise about a line."""
        return ValueError(f"{self.path}, line {line}: {what}")


def start(text: Iterable[str], path: object) -> Table:
    """Read the first rows of a CSV file; ValueError where it has none.

    The delimiter is the one of comma, semicolon and tab that makes the most cells of the first line.
    """
    rows = _rows(text, path)
    head = list(islice(rows, 2))
    if not head:
        raise ValueError(f"{path}: is empty")
    second = head[1][1] if len(head) > 1 else []
    return Table(path, head[0][1], second, chain(head, rows))


def labelled(table: Table, target: str | int | None) -> tuple[np.ndarray, list[str], list[str] | None]:
    """Return X, the labels' text and the names of X's columns, for training.

    Parameters
    ----------
    table : Table
    target : str, int or None
        The label's column: its name, its number from 0 (negative from the end), or None for the last.

    Returns
    -------
    X : ndarray of shape (rows, columns - 1), float64
    labels : list of str, one a row
    feature_names : list of str, or None without a header

    Raises
    ------
    ValueError
        Names file, line and column.
    """
    header, label = _find_target(table, target)
    features = [i for i in range(len(table.first)) if i != label]
    if not features:
        raise table.error(1, "one column alone: there is nothing to tell the label from")
    X, labels = _numbers(table, features, label, header)
    return X, labels, [table.first[i] for i in features] if header else None


def inputs(table: Table, columns: int, names: list[str] | None, target: str | int | None) -> np.ndarray:
    """Return X for a model of `columns` inputs, for prediction.

    Where the file has a header and the model knows its columns' names, they are found by name, in any
    order and among others. Otherwise they are taken by position, `target` (if given) left out.

    Parameters
    ----------
    table : Table
    columns : int
    names : list of str or None
        The model's feature names.
    target : str, int or None
        A column to leave out, as for `labelled`.

    Returns
    -------
    ndarray of shape (rows, columns), float64

    Raises
    ------
    ValueError
        Names the columns that are missing, or file, line and column of a cell that is not a number.
    """
    label = None
    if names is not None and set(names) <= set(table.first):
        header = True
    elif target is not None:
        header, label = _find_target(table, target)
    else:
        header = _is_header(table, None)
    if header and names is not None:
        return _numbers(table, _by_name(table, names), None, header)[0]
    wanted = [i for i in range(len(table.first)) if i != label]
    if len(wanted) != columns:
        hint = "; name the label's column as target to leave it out" if len(wanted) == columns + 1 else ""
        raise table.error(1, f"{len(wanted)} columns, the model takes {columns}{hint}")
    return _numbers(table, wanted, None, header)[0]


def _rows(text: Iterable[str], path: object) -> Iterator[Row]:
    """Yield the rows that are not blank, their cells stripped, all as long as the first."""
    lines, width, line = iter(text), 0, 0
    try:
        top = next(lines, "")
        delimiter = max(DELIMITERS, key=lambda d: len(next(csv.reader([top], delimiter=d), [])))
        reader = csv.reader(chain([top], lines), delimiter=delimiter, skipinitialspace=True, strict=True)
        for cells in reader:
            line, cells = reader.line_num, [cell.strip() for cell in cells]
            if cells in ([], [""]):
                continue
            width = width or len(cells)
            if len(cells) != width:
                raise ValueError(f"{path}, line {line}: {len(cells)} columns, the first row has {width}")
            yield line, cells
    except csv.Error as error:
        raise ValueError(f"{path}, line {line + 1}: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: neither CSV in UTF-8, nor .npz, nor IDX: {error}") from error


def _find_target(table: Table, target: str | int | None) -> tuple[bool, int]:
    """Return whether there is a header, and the number of the label's column."""
    width = len(table.first)
    if target is None:
        target = width - 1
    try:
        label = int(target)
    except ValueError:
        header = str(target) in table.first
        label = table.first.index(str(target)) if header else width
    else:
        header = _is_header(table, label if -width <= label < width else width - 1)
        if header and isinstance(target, str) and target in table.first:
            label = table.first.index(target)
    if header:
        _check_names(table)
    if not -width <= label < width:
        named = header or _is_header(table, width - 1)
        known = f"named {_listed(table.first)}" if named else "without names"
        raise table.error(1, f"no target column {target!r} among {width} columns {known}")
    return header, label % width


def _is_header(table: Table, label: int | None) -> bool:
    """Return whether the first row is names: half of its cells or more are text, where numbers are due."""
    due = [cell for i, cell in enumerate(table.first) if label is None or i != label % len(table.first)]
    text = sum(bool(cell) and number(cell) is None for cell in due)
    if text and 2 * text >= len(due):
        return True
    # columns named 0, 1, 2, ..., label
    return (
        label is not None
        and bool(table.second)
        and (number(table.first[label]) is None and number(table.second[label]) is not None)
    )


def _check_names(table: Table) -> dict[str, int]:
    """Return each column's number by its name, if they all have one of their own."""
    index: dict[str, int] = {}
    for i, name in enumerate(table.first):
        if not name:
            raise table.error(1, f"column {i} (counted from 0) has no name")
        if name in index:
            raise table.error(1, f"columns {index[name]} and {i} (counted from 0) are both named {name!r}")
        index[name] = i
    return index


def _by_name(table: Table, names: list[str]) -> list[int]:
    index = _check_names(table)
    missing = [name for name in names if name not in index]
    if missing:
        raise table.error(1, f"no column {_listed(missing)}, which the model takes")
    return [index[name] for name in names]


def _listed(names: list[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _numbers(table: Table, columns: list[int], label: int | None, header: bool) -> tuple[np.ndarray, list[str]]:
    """Return the columns as float64 (rows, len(columns)), and the label column's text."""
    values, labels = array("d"), []
    for line, cells in islice(table.rows, int(header), None):
        try:
            row = [float(cells[i]) for i in columns]
        except ValueError:
            row = [math.nan]
        if not all(map(math.isfinite, row)):
            raise _bad_cell(table, line, cells, columns, header)
        values.extend(row)
        if label is not None:
            if not cells[label]:
                raise table.error(line, f"{table.column(label, header)} is empty")
            labels.append(cells[label])
    if not values:
        raise ValueError(f"{table.path}: a header and no rows")
    return np.frombuffer(values, np.float64).reshape(-1, len(columns)), labels


def _bad_cell(table: Table, line: int, cells: list[str], columns: list[int], header: bool) -> ValueError:
    wrong = next(i for i in columns if not _is_finite(cells[i]))
    text = cells[wrong]
    what = f"holds {text[:40]!r}, expected a finite number" if text else "is empty"
    return table.error(line, f"{table.column(wrong, header)} {what}")


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
