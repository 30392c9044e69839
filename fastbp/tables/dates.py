"""Columns of dates: each becomes the number of its day, its month and its weekday."""

from __future__ import annotations

import numpy as np

from . import words
from .cells import Cells

PARTS = ("day", "month", "weekday")
_DAY = np.timedelta64(1, "D")
_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday


def of_cells(cells: Cells, what: str) -> np.ndarray:
    """Return dates as numbers of shape (rows, 3), NaN for gaps.

    They are the days since 1970-01-01, with the time as a fraction, the month from 1, and the weekday from 0 for
    Monday. Text is read as ISO dates. Raises ValueError for a cell that holds no date, and names it.
    """
    dates = cells.values
    if cells.form == "text":
        dates = _read(cells, what)
    elif cells.form != "date":
        gaps = cells.gaps
        if not gaps.all():
            row = int(np.argmin(gaps))
            raise ValueError(f"{what} must hold dates, got {cells.text(row)} in row {row}")
        dates = np.full(len(gaps), np.datetime64("NaT"), words.INSTANT)
    days = dates.astype("datetime64[D]")
    numbers = np.empty((len(dates), len(PARTS)))
    numbers[:, 0] = (dates - np.datetime64(0, "D")) / _DAY
    numbers[:, 1] = (days.astype("datetime64[M]") - days.astype("datetime64[Y]").astype("datetime64[M]")).astype(
        int
    ) + 1
    numbers[:, 2] = (days.astype(int) + _FIRST_WEEKDAY) % 7
    numbers[np.isnat(dates)] = np.nan
    return numbers


def _read(cells: Cells, what: str) -> np.ndarray:
    found = words.as_dates(cells.texts)
    if found is None:
        wrong = [i for i, text in enumerate(cells.texts) if not words.is_gap(text) and words.as_dates([text]) is None]
        if wrong:
            row = int(np.argmax(np.isin(cells.values, wrong)))
            raise ValueError(f"{what} must hold dates such as 2024-01-31, got {cells.text(row)} in row {row}")
        found = np.full(len(cells.texts), np.datetime64("NaT"), words.INSTANT)  # words for gaps alone
    return np.append(found, np.datetime64("NaT"))[cells.values]
