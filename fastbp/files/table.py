"""CSV: numbers in all columns but the label's, with or without a header."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

import numpy as np

from . import delimited
from .header import Header, decide
from .labels import number

_SAMPLE_ROWS, _SAMPLE_CELLS = 100, 200_000  # after the first, which tell whether that is a header
_POSITION = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Table:
    """The start of a CSV file, and an iterator over its rows.

    Parameters
    ----------
    path : object
        What errors call the file.
    first : list of str
        The first row's cells.
    others : list of list of str
        Some rows after it; empty where there is one row.
    rows : iterator of (line, cells)
        All rows, the first included.
    header : bool or None
        Whether the first row holds names; None decides by its content.
    lines : array
        The line in which each row ends that was read, as it is read.
    remarks, doubts : list of str
        How the file was read where that was guessed, and what is worth a second look, as it is read.
    """

    path: object
    first: list[str]
    others: list[list[str]]
    rows: Iterator[delimited.Row]
    header: bool | None = None
    lines: array[int] = field(default_factory=lambda: array("q"))
    remarks: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def column(self, index: int, header: bool) -> str:
        """Return what errors call a column."""
        return f"column {self.first[index]!r}" if header else f"column {index} (counted from 0)"

    def error(self, line: int, what: str) -> ValueError:
        """Return the error to raise about a line."""
        return ValueError(f"{self.path}, line {line}: {what}")

    def named(self, label: int | None) -> bool:
        """Return whether the first row holds names; notes what is guessed."""
        if self.header is not None:
            return self.header
        found = decide(self.first, self.others, label)
        self._note(found)
        return found.named

    def _note(self, found: Header) -> None:
        if found.doubt is not None:
            self.doubts.append(f"{self.path}: {found.doubt}")
        elif found.named:
            self.remarks.append("columns: named by the first line")
        else:
            self.remarks.append("columns: without names, the first line is a row of data")


class NoNumberError(ValueError):
    """A cell is empty or holds no number: the table may be one of text and gaps."""


def start(text: Iterable[str], path: object, header: bool | None = None) -> Table:
    """Read the first rows of a CSV file; ValueError where it has none."""
    rows = delimited.rows(text, path)
    head = list(islice(rows, 1))
    if not head:
        raise ValueError(f"{path}: is empty")
    first = head[0][1]
    if not all(map(_is_text, first)):
        raise ValueError(f"{path}: neither CSV in UTF-8, nor .npz, nor IDX")
    head += islice(rows, min(_SAMPLE_ROWS, max(_SAMPLE_CELLS // len(first), 1)))
    return Table(path, first, [cells for _, cells in head[1:]], chain(head, rows), header)


def labelled(table: Table, target: str | int | None) -> tuple[np.ndarray, list[str], list[str] | None]:
    """Return X, the labels' text and the names of X's columns, for training.

    Parameters
    ----------
    table : Table
    target : str, int or None
        The label's column: its name, its number from 0 (an int may be negative: from the end), or None for the last.

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
    names = list(_names(table, features)) if header else None
    X, labels = _numbers(table, features, label, header)
    return X, labels, names


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
    if names is not None and table.header is not False and set(names) <= set(table.first):
        if table.header is None and all(number(name) is not None for name in names):
            table.doubts.append(
                f"{table.path}: the first line is taken for names of columns, as it holds those that the model takes; "
                "--no-header takes it for data"
            )
        return _numbers(table, _by_name(table, names, target), None, True)[0]
    label = None
    if target is not None:
        header, label = _find_target(table, target)
    else:
        header = table.named(None)
    if header and names is not None:
        return _numbers(table, _by_name(table, names, target), None, header)[0]
    wanted = [i for i in range(len(table.first)) if i != label]
    if len(wanted) != columns:
        hint = "; name the label's column as target to leave it out" if len(wanted) == columns + 1 else ""
        raise table.error(1, f"{len(wanted)} columns, the model takes {columns}{hint}")
    return _numbers(table, wanted, None, header)[0]


def _find_target(table: Table, target: str | int | None) -> tuple[bool, int]:
    """Return whether there is a header, and the number of the label's column."""
    width = len(table.first)
    target = width - 1 if target is None else target
    if isinstance(target, str) and not _POSITION.fullmatch(target):
        header = table.header is not False and target in table.first
        label = table.first.index(target) if header else width
        if header and table.first.count(target) > 1:
            raise table.error(1, f"{table.first.count(target)} columns are named {target!r}; give the target's number")
    else:
        label = int(target)
        header = table.named(label % width if -width <= label < width else width - 1)
        if header and isinstance(target, str) and target in table.first:
            position, label = label, table.first.index(target)
            if label != position:
                table.doubts.append(f"{table.path}: target {target!r} is the column of this name, number {label}")
    if not -width <= label < width:
        named = header or decide(table.first, table.others, width - 1).named
        known = f"named {_listed(table.first)}" if named and table.header is not False else "without names"
        raise table.error(1, f"no target column {target!r} among {width} columns {known}")
    return header, label % width


def _names(table: Table, columns: list[int]) -> dict[str, int]:
    """Return each column's number by its name, if each of these has a name that no other has."""
    index: dict[str, int] = {}
    for i in columns:
        name = table.first[i]
        hint = "" if table.header or number(name or "0") is None else "; --no-header takes this line for data"
        if not name:
            raise table.error(1, f"column {i} (counted from 0) has no name{hint}")
        if name in index:
            raise table.error(1, f"columns {index[name]} and {i} (counted from 0) are both named {name!r}{hint}")
        index[name] = i
    return index


def _by_name(table: Table, names: list[str], target: str | int | None) -> list[int]:
    """Return the columns of these names, of which `target` is none; no other column needs a name of its own."""
    wanted = set(names)
    index = _names(table, [i for i, name in enumerate(table.first) if name in wanted])
    missing = [name for name in names if name not in index]
    if missing:
        raise table.error(1, f"no column {_listed(missing)}, which the model takes")
    named = replace(table, header=True)
    if target is not None and (left_out := table.first[_find_target(named, target)[1]]) in index:
        raise table.error(1, f"target {target!r} can't be left out, as the model takes the column {left_out!r}")
    return [index[name] for name in names]


def _listed(names: list[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _numbers(table: Table, columns: list[int], label: int | None, header: bool) -> tuple[np.ndarray, list[str]]:
    """Return the columns as float64 (rows, len(columns)), and the label column's text."""
    values, labels = array("d"), []
    for line, cells in islice(table.rows, int(header), None):
        needed = [cells[i] for i in columns]
        try:
            row = list(map(float, needed))
        except ValueError:
            row = [math.nan]
        text = "".join(needed)
        if not all(map(math.isfinite, row)) or "_" in text or not text.isascii():  # float takes 1_0 and other digits
            raise _bad_cell(table, line, cells, columns, header)
        values.extend(row)
        table.lines.append(line)
        if label is not None:
            if not cells[label]:
                raise NoNumberError(str(table.error(line, f"{table.column(label, header)} is empty")))
            if not _is_text(cells[label]):
                raise table.error(line, f"{table.column(label, header)} holds text that is not UTF-8")
            labels.append(cells[label])
    if not values:
        raise ValueError(f"{table.path}: a header and no rows")
    return np.frombuffer(values, np.float64).reshape(-1, len(columns)), labels


def _bad_cell(table: Table, line: int, cells: list[str], columns: list[int], header: bool) -> ValueError:
    wrong = next(i for i in columns if not _is_finite(cells[i]))
    text = cells[wrong]
    what = f"holds {text[:40]!r}, expected a finite number" if text else "is empty"
    if number(text.replace(",", ".")) is not None and "," in text:
        what += "; decimals take a point"
    if cells is table.first and table.header is None:
        what += "; --header takes this line for names of columns"
    return NoNumberError(str(table.error(line, f"{table.column(wrong, header)} {what}")))


def _is_text(cell: str) -> bool:
    """Return whether a cell holds no bytes of another encoding than UTF-8."""
    return cell.isascii() or not any("\ud800" <= c <= "\udfff" for c in cell)


def _is_finite(text: str) -> bool:
    return number(text) is not None and math.isfinite(float(text))
