"""What a source is: rows in pieces, which are read one after the other, in any order, as often as there are epochs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .. import checks

MEMORY = "512 MB"  # by default
_SIZE = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([kmgt]?)(i?)b?\s*", re.IGNORECASE)
_POWERS = " kmgt"


class PieceError(ValueError):
    """Raised for rows of a source that can't be used or read; the message names the piece and the row."""


class Part(NamedTuple):
    """Some successive rows of a piece.

    Parameters
    ----------
    X : array-like of shape (rows, columns), or Columns
    y, weight : array-like of shape (rows, ...), or None
    name : str
        Of the piece, for errors, such as the name of a file.
    row : int
        Number of the first row, counted from the beginning of what `name` names.
    """

    X: Any
    y: Any
    weight: Any
    name: str
    row: int = 0


class Source:
    """Rows in pieces. A piece is read from its beginning, in parts of any size.

    Parameters
    ----------
    memory : int or str
        Bound of the bytes of the rows that are held at once, such as ``"2 GB"``.
    """

    feature_names: list[str] | None = None

    def __init__(self, memory: int | str) -> None:
        self.memory: int = byte_count("memory", memory)

    def __len__(self) -> int:
        """Return the number of pieces."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield (X, y) or (X, y, weight) of the rows, in order, as arrays of some thousand rows."""
        for piece in range(len(self)):
            for part in self._read(piece):
                y, weight = (None if each is None else np.asarray(each) for each in (part.y, part.weight))
                yield (np.asarray(part.X), y) if weight is None else (np.asarray(part.X), y, weight)

    @property
    def rows(self) -> int | None:
        """How many rows there are, or None if that is not known before they are read."""
        counts = [self._rows_of(piece) for piece in range(len(self))]
        return None if None in counts else sum(filter(None, counts))

    def _rows_of(self, piece: int) -> int | None:
        """Return how many rows a piece has, or None if that is not known before it is read."""
        return None

    def _read(self, piece: int, features: bool = True) -> Iterator[Part]:
        """Yield the rows of a piece in order; `features` may be False where X is not looked at."""
        raise NotImplementedError

    def _reading_bytes(self) -> int:
        """Return the most bytes that reading holds besides the rows it has given."""
        return 0

    def _identity(self) -> dict[str, Any]:
        """Return what tells this source from another, as JSON holds it, without reading the rows."""
        return {"source": type(self).__name__, "pieces": len(self), "rows": self.rows}

    def _epoch_ended(self) -> None:
        """Be told that all rows were taken."""


def byte_count(name: str, value: Any) -> int:
    """Return a number of bytes, from a whole number or from text such as "2 GB" or "512 MiB"."""
    if not isinstance(value, str):
        return checks.whole_number(name, value, 1)
    found = _SIZE.fullmatch(value)
    bytes_ = 0
    if found is not None:
        base = 1024 if found[3] else 1000
        bytes_ = int(float(found[1]) * base ** _POWERS.index(found[2].lower() or " "))
    if bytes_ < 1:
        raise ValueError(f"{name} must be a number of bytes, such as '2 GB', '512 MB' or 1000000, got {value!r}")
    return bytes_


def moved(text: str, name: str, row: int) -> str:
    """Return an error's text on rows of a part, with the rows counted as the piece has them, and the piece named."""
    counted = re.sub(r"\brow (\d+)", lambda found: f"row {int(found[1]) + row}", text)
    return f"{name}: {counted}"


@contextmanager
def named(part: Part) -> Iterator[None]:
    """Turn errors on the rows of a part in this block into one that names the piece, and its rows as it has them."""
    try:
        yield
    except PieceError:
        raise
    except (ValueError, TypeError) as error:
        raise PieceError(moved(str(error), part.name, part.row)) from None


def named_by(name: str, blocks: Iterator[Any]) -> Iterator[Any]:
    """Yield the same; errors on the rows of another argument than X name it."""
    try:
        yield from blocks
    except PieceError as error:
        if name != "X" and not str(error).startswith(f"{name}: "):
            error.args = (f"{name}: {str(error).removeprefix('X: ')}",)
        raise
