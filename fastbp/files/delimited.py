"""Delimited text as rows of cells: the delimiter, and cells of any length."""

from __future__ import annotations

import csv
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

DELIMITERS = "\t;,"  # where two fit alike, the one that is rarer within cells
Row = tuple[int, list[str]]  # the line it ends in, its cells
_SAMPLE_LINES, _SAMPLE_CHARACTERS = 100, 1 << 20  # that the delimiter is chosen by
_LONGEST_CELL = 2**31 - 1
_FIELD_LIMIT = threading.Lock()  # csv has one limit for the whole process
_LIKE_A_NUMBER = re.compile(r"[+-]?[.,]?\d[\d.,]*(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)  # 1,5 and 1.000 as well


def rows(text: Iterable[str], path: object) -> Iterator[Row]:
    """Yield the rows that are not blank, their cells stripped, all as long as the first.

    The delimiter is the one of comma, semicolon and tab by which the first hundred lines make rows of one length, and
    of these the one that makes most cells numbers.

    Parameters
    ----------
    text : iterable of str
        Lines.
    path : object
        What errors call the file.

    Raises
    ------
    ValueError
        For rows of another length than the first, and a quote that is not closed.
    """
    lines, width, line = iter(text), 0, 0
    try:
        sample, cut = _sample(lines)
        reader = csv.reader(chain(sample, lines), delimiter=_best(sample, cut), skipinitialspace=True, strict=True)
        for cells in _unlimited(reader):
            line, cells = reader.line_num, [cell.strip() for cell in cells]
            if cells in ([], [""]):
                continue
            width = width or len(cells)
            if len(cells) != width:
                raise ValueError(f"{path}, line {line}: {len(cells)} columns, the first row has {width}")
            yield line, cells
    except csv.Error as error:
        raise ValueError(f"{path}, line {line + 1}: {error}") from error


def delimiter(text: Iterable[str]) -> str:
    """Return the delimiter that `rows` takes for these lines."""
    return _best(*_sample(iter(text)))


def _best(sample: list[str], cut: bool) -> str:
    """Return the delimiter that fits a sample best."""
    return max(DELIMITERS, key=lambda d: _fit(sample, d, cut))


def _sample(lines: Iterator[str]) -> tuple[list[str], bool]:
    """Return the first lines, at least two of them and up to the end of a quotation, and whether more may follow."""
    sample: list[str] = []
    characters = quotes = 0
    for line in lines:
        sample.append(line)
        characters, quotes = characters + len(line), quotes + line.count('"')
        enough = len(sample) >= _SAMPLE_LINES and quotes % 2 == 0
        if enough or (characters >= _SAMPLE_CHARACTERS and len(sample) > 1):
            return sample, True
    return sample, False


def _fit(sample: list[str], delimiter: str, cut: bool) -> tuple[bool, float, float, int]:
    """Return how well a delimiter fits: the larger the better."""
    try:
        reader = csv.reader(sample, delimiter=delimiter, skipinitialspace=True)
        found = [cells for cells in _unlimited(reader) if any(map(str.strip, cells))]
    except csv.Error:
        found = []
    if cut and len(found) > 1:
        found.pop()  # a row of several lines may be incomplete
    if not found:
        return False, 0.0, 0.0, 0
    (width, usual), *_ = Counter(map(len, found)).most_common(1)
    numbers = sum(_LIKE_A_NUMBER.fullmatch(cell.strip()) is not None for cells in found for cell in cells)
    return width > 1, usual / len(found), numbers / sum(map(len, found)), width


def _unlimited(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield a reader's rows with no limit on the length of a cell; the process's own limit stays as it is."""
    while True:
        with _FIELD_LIMIT:
            before = csv.field_size_limit(_LONGEST_CELL)
            try:
                cells = next(reader, None)
            finally:
                csv.field_size_limit(before)
        if cells is None:
            return
        yield cells
