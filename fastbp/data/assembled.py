"""Rows put together column by column, dense or sparse: equal numbers either way."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .sparse import SparseRows

LARGE = 2**26  # bytes of dense rows up to which they stay dense
SPARER = 4  # times less memory that sparse rows must take
_ENTRY = 4  # bytes of the column of an entry


class Part(NamedTuple):
    """Some columns that stand side by side.

    Parameters
    ----------
    columns : slice
    values : ndarray of float64
        Of shape (rows, columns); or of shape (2, columns), what stands in each column for 0 and for 1.
    level : ndarray of shape (rows,), optional
        The number from 1 of the column with a 1 in each row, 0 where all are 0.
    """

    columns: slice
    values: np.ndarray
    level: np.ndarray | None = None


def dense(rows: int, columns: int, dtype: np.dtype, parts: Iterable[Part]) -> np.ndarray:
    """Return rows of shape (rows, columns)."""
    out = np.empty((rows, columns), dtype)
    for part in parts:
        here = out[:, part.columns]
        if part.level is None:
            here[...] = part.values
            continue
        here[...] = part.values[0]
        which = np.flatnonzero(part.level)
        here[which, part.level[which] - 1] = part.values[1, part.level[which] - 1]
    return out


def rows_of(rows: int, columns: int, dtype: np.dtype, parts: Sequence[Part]) -> np.ndarray | SparseRows:
    """Return dense rows, or sparse ones where dense ones are large and these far smaller; they need SciPy."""
    size = rows * columns * dtype.itemsize
    if size > LARGE and importlib.util.find_spec("scipy") is not None:
        entries = sum(map(_entries, parts))
        if SPARER * entries * (dtype.itemsize + _ENTRY) < size:
            return _sparse(rows, columns, dtype, parts)
    return dense(rows, columns, dtype, parts)


def _entries(part: Part) -> int:
    """Return how many numbers of a part may be other than 0."""
    if part.level is None:
        return part.values.size
    return len(part.level) * (1 + int(np.count_nonzero(part.values[0])))


def _sparse(rows: int, columns: int, dtype: np.dtype, parts: Iterable[Part]) -> SparseRows:
    from scipy import sparse

    blocks = []
    for part in parts:
        if part.level is None:
            blocks.append(sparse.csr_array(part.values.astype(dtype)))
            continue
        off, on = part.values.astype(dtype)
        which = np.flatnonzero(part.level)
        entries = [(which, part.level[which] - 1, on[part.level[which] - 1])]
        for j in np.flatnonzero(off):  # a level of half of the rows or more
            others = np.flatnonzero(part.level != j + 1)
            entries.append((others, np.full(len(others), j), np.full(len(others), off[j])))
        row, column, values = map(np.concatenate, zip(*entries, strict=True))
        blocks.append(sparse.csr_array((values, (row, column)), (rows, len(off))))
    whole = sparse.hstack(blocks, format="csr", dtype=dtype)
    whole.eliminate_zeros()
    return SparseRows(whole)
