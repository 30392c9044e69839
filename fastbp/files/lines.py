"""Delimited text, looked over before a library reads it: what libraries would mend in silence is refused."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import numpy as np

from . import delimited

_QUOTE, _LINE_END, _RETURN = b'"\n\r'
_CODE = re.compile(r"[+-]?0\d+", re.ASCII)
_LISTED = 40  # characters of a name in an error


class Text(NamedTuple):
    """Delimited text.

    Parameters
    ----------
    data : bytes
        UTF-8 without a byte order mark and without blank lines.
    delimiter : str
    decimal : str
        A comma where numbers are written with one, else a point.
    codes : list of int
        The columns that hold digits with leading zeros, which are no numbers.
    """

    data: bytes
    delimiter: str
    decimal: str
    codes: list[int]


def checked(data: bytes, path: object) -> Text:
    """Return text whose first line names the columns, and whose rows are all as long.

    Raises ValueError that names the file, and the line where there is one: for an empty file, text that is not UTF-8,
    names that come twice, rows of different lengths, an open quote, and for a header alone.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise ValueError(f"{path}: is empty")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}, line {line}: is not text in UTF-8, which CSV files must be") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{path}, line {line}: holds a zero byte, so the file is no CSV in UTF-8")
    delimiter = delimited.delimiter(io.StringIO(text, newline=""))
    _, names = next(delimited.rows(io.StringIO(text, newline=""), path))
    twice = [name for name in names if names.count(name) > 1] if len(set(names)) < len(names) else []
    if twice:
        raise ValueError(f"{path}, line 1: several columns are named {twice[0][:_LISTED]!r}; give each another name")
    even, data, rows = _even(data, delimiter)
    if not even:
        for _ in delimited.rows(io.StringIO(text, newline=""), path):  # raises where it is so, and says in which line
            pass
    if rows < 2:
        raise ValueError(f"{path}: holds names of columns and no rows")
    return Text(data, delimiter, "," if _has_decimal_commas(text, delimiter) else ".", _codes(text, delimiter, path))


def _has_decimal_commas(text: str, delimiter: str) -> bool:
    """Return whether numbers have a comma for a point: between other delimiters, and none has a point."""
    ends = rf"[{delimiter}\r\n]"
    comma, point = (rf'{ends}"?[+-]?\d+{mark}\d+"?(?={ends})' for mark in (",", r"\."))
    return delimiter != "," and bool(re.search(comma, text)) and not re.search(point, text)


def _codes(text: str, delimiter: str, path: object) -> list[int]:
    blanks = "[ \\t]*" if delimiter != "\t" else " *"
    if not re.search(rf'[{delimiter}\n]{blanks}"?[+-]?0\d+"?{blanks}(?=[{delimiter}\r\n]|$)', text):
        return []
    found: set[int] = set()
    for _, cells in delimited.rows(io.StringIO(text, newline=""), path):
        found.update(i for i, cell in enumerate(cells) if cell.lstrip("+-").startswith("0") and _CODE.fullmatch(cell))
    return sorted(found)


def _even(data: bytes, delimiter: str) -> tuple[bool, bytes, int]:
    """Return whether lines have the same number of delimiters, the data without blank lines, and how many lines.

    What stands between quotes counts for nothing; an odd number of quotes is uneven.
    """
    if not data.endswith(b"\n"):
        data += b"\n"
    array = np.frombuffer(data, np.uint8)
    ends, marks = array == _LINE_END, array == ord(delimiter)
    closed = True
    if b'"' in data:
        inside = np.bitwise_xor.accumulate(array == _QUOTE)
        closed = not inside[-1]
        ends, marks = ends & ~inside, marks & ~inside
    stops = np.flatnonzero(ends) + 1
    starts = np.concatenate(([0], stops[:-1])) if len(stops) else stops
    counts = np.diff(np.searchsorted(np.flatnonzero(marks), stops), prepend=0)
    blank = (stops - starts == 1) | ((stops - starts == 2) & (array[starts] == _RETURN))
    written = counts[~blank]
    even = closed and bool(len(written)) and bool((written == written[0]).all())
    if even and blank.any() and written[0] > 0:  # a line of one column may be blank where the cell is missing
        data = array[np.repeat(~blank, stops - starts)].tobytes()
    return even, data, len(written)
