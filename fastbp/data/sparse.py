"""Rows of SciPy's sparse arrays, checked, as plans take them.

SciPy is never imported here: whoever has a sparse array has imported it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

_NUMBERS = "float32", "float64"  # dtypes of entries that kernels read in place; others are converted once
_IN_FLOAT32 = "bool", "int8", "uint8", "int16", "uint16", "float16"  # whose numbers all are float32's, too
_INDICES = "int32", "int64"
_LISTED = ("csr", "csc", "coo")


class SparseRows:
    """Rows of a sparse array, with the methods of an array that plans use. Only rows that are picked become dense.

    Parameters
    ----------
    csr : scipy.sparse.csr_array or csr_matrix of shape (rows, columns)
        Not changed. Numbers and indices are copied only if kernels cannot read their dtypes. Entries may come in any
        order, and what is given twice is summed.
    """

    shape: tuple[int, ...]
    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    dtype: np.dtype
    ndim = 2

    def __init__(self, csr: Any) -> None:
        self._kind, self.shape = type(csr), tuple(csr.shape)
        self.data, self.indices, self.indptr = _readable(csr.data, csr.indices, csr.indptr)
        entries = min(len(self.data), len(self.indices))
        _check_indptr(self.indptr, self.shape[0], entries, "X")  # the copy: the user's may have changed since its check
        self.dtype = self.data.dtype

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> Any:
        """Return some rows, or one number. Rows side by side share their entries."""
        if isinstance(rows, tuple):
            return self._csr()[rows]
        if isinstance(rows, slice) and rows.step in (None, 1):
            first, last, _ = rows.indices(len(self))
            return self._with(self.indptr[first : max(first, last) + 1])
        return SparseRows(self._csr()[rows])

    def view(self) -> SparseRows:
        """Return the same rows, whose shape and format stay when those of the user's object change."""
        return self._with(self.indptr)

    def toarray(self) -> np.ndarray:
        """Return the rows as a dense array of shape (rows, columns)."""
        dense: np.ndarray = self._csr().toarray()
        return dense

    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return copies of the numbers and their int32 columns, row by row in ascending order, and each row's end.

        Numbers of one place are summed.
        """
        csr = self._csr().copy()
        csr.sum_duplicates()
        return csr.data, csr.indices.astype(np.int32), csr.indptr[1:].astype(np.int64)

    @property
    def nonzeros(self) -> int:
        """Number of entries."""
        return int(self.indptr[-1]) - int(self.indptr[0])

    @property
    def density(self) -> float:
        """Share of the entries among all numbers, those that are given twice counted twice."""
        return self.nonzeros / max(1, self.shape[0] * self.shape[1])

    @property
    def dtypes(self) -> str:
        """Names of the dtypes of indices and numbers, as kernels are called for them."""
        return f"{self.indices.dtype}_{self.data.dtype}"

    def most(self, rows: int, in_order: bool) -> int:
        """Return the most entries of so many rows, the first ones, the next ones and so on, or any at all."""
        if in_order:
            starts = self.indptr[:-1:rows]
            return int((np.append(starts[1:], self.indptr[-1]) - starts).max())
        if rows >= len(self):
            return self.nonzeros
        return int(np.partition(np.diff(self.indptr), len(self) - rows)[-rows:].sum(dtype=np.int64))

    def _with(self, indptr: np.ndarray) -> SparseRows:
        other = object.__new__(SparseRows)
        other._kind, other.shape, other.dtype = self._kind, (len(indptr) - 1, self.shape[1]), self.dtype
        other.data, other.indices, other.indptr = self.data.view(), self.indices.view(), indptr.view()
        return other

    def _csr(self) -> Any:
        """Return the rows as SciPy has them. The arrays are checked, as they may have changed since they came."""
        first, last = self.indptr[0], self.indptr[-1]
        indices = self.indices[first:last]
        _check_range(indices, self.shape[1], "X", "column indices")
        return self._kind((self.data[first:last], indices, self.indptr - first), shape=self.shape)


def is_sparse(X: Any) -> bool:
    """Return whether X is a sparse array of SciPy."""
    scipy = sys.modules.get("scipy.sparse")
    return scipy is not None and bool(scipy.issparse(X))


def is_csr(X: Any) -> bool:
    """Return whether X is a sparse array of SciPy in format csr."""
    return is_sparse(X) and X.format == "csr"


def sparse_rows(X: Any, name: str, indices: bool = True) -> SparseRows:
    """Return the rows of a sparse array. Without `indices` its columns are left to the kernels, which check them, too.

    Raises TypeError for other formats than csr, csc and coo and for numbers that are not real, ValueError for other
    than two dimensions and for damaged arrays.
    """
    if X.ndim != 2:
        raise ValueError(f"{name} must have two dimensions, got a sparse array of shape {X.shape}")
    if X.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, got a sparse array of dtype {X.dtype}")
    if X.format not in _LISTED:
        raise TypeError(f"{name} must be sparse in format 'csr', 'csc' or 'coo', got {X.format!r}; use {name}.tocsr()")
    check(X, name, indices)
    return SparseRows(X.tocsr())


def check(X: Any, name: str, indices: bool = True) -> None:
    """Raise ValueError if the arrays of a sparse array do not fit each other or its shape. SciPy does not check all."""
    if not is_sparse(X) or X.format not in _LISTED or X.ndim != 2:
        return
    rows, columns = X.shape
    if X.format == "coo":
        _check_lengths(name, row=X.row, col=X.col, data=X.data)
        _check_range(X.row, rows, name, "row indices")
        _check_range(X.col, columns, name, "column indices")
        return
    _check_lengths(name, indices=X.indices, data=X.data)
    outer, inner, what = (rows, columns, "column indices") if X.format == "csr" else (columns, rows, "row indices")
    _check_indptr(X.indptr, outer, len(X.data), name)
    if indices or X.format != "csr":
        _check_range(X.indices[: X.indptr[-1]], inner, name, what)


def _check_lengths(name: str, **arrays: Any) -> None:
    """Raise ValueError unless these have one dimension and one length."""
    shapes = {what: np.shape(array) for what, array in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        told = ", ".join(f"{what} of shape {shape}" for what, shape in shapes.items())
        raise ValueError(f"{name} must be sparse with arrays of one length, got {told}")


def _check_indptr(indptr: np.ndarray, outer: int, entries: int, name: str) -> None:
    """Raise ValueError unless the numbers rise from 0 to at most the number of entries."""
    if indptr.dtype.kind not in "iu" or indptr.shape != (outer + 1,):
        raise ValueError(f"{name} must be sparse with an indptr of shape ({outer + 1},), got shape {indptr.shape}")
    falls = indptr[1:] < indptr[:-1]
    if indptr[0] != 0 or falls.any():
        at = int(np.argmax(falls)) + 1 if indptr[0] == 0 else 0
        raise ValueError(
            f"{name} must be sparse with an indptr that begins with 0 and never falls, got {indptr[at]} at {at}"
        )
    if indptr[-1] > entries:
        raise ValueError(
            f"{name} must be sparse with an indptr that ends with the number of entries, {entries}, got {indptr[-1]}"
        )


def _check_range(indices: np.ndarray, end: int, name: str, what: str) -> None:
    """Raise ValueError unless all are from 0 to below `end`."""
    if indices.dtype.kind not in "iu":
        raise ValueError(f"{name} must be sparse with whole numbers as {what}, got dtype {indices.dtype}")
    if len(indices) and indices.view(indices.dtype.str.replace("i", "u")).max() >= end:  # negative ones are large there
        wrong = (indices < 0) | (indices >= end)
        raise ValueError(f"{name} must be sparse with {what} from 0 to {end - 1}, got {indices[int(np.argmax(wrong))]}")


def _readable(data: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arrays as kernels read them: data and indices as they are where they can be, indptr as a copy."""
    kind = data.dtype.name if data.dtype.isnative else ""
    if kind not in _NUMBERS:
        kind = "float32" if kind in _IN_FLOAT32 else "float64"
    place = indices.dtype.name if indices.dtype.isnative and indices.dtype.name in _INDICES else "int64"
    place = place if np.can_cast(indptr.dtype, place) else "int64"
    with np.errstate(over="ignore"):
        data = np.require(data, kind, ["C", "A"])
    return data.view(), np.require(indices, place, ["C", "A"]).view(), np.array(indptr, place)
