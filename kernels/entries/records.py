"""Layouts of the records that compiled code reads and writes, as NumPy dtypes: no Numba is needed here.

A field is a number, "i8" or "f8", an `Array` of numbers (address and size), or a `Table` of records (address). The
numbers of an array may also be "i4", "T", the network's dtype, or "label", integers of the same width. An entry point
takes the address of one record.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

LINE = 64  # bytes of a cache line
HUGE = 1 << 22  # bytes from which arrays are in huge pages


@dataclass(frozen=True)
class Array:
    """A field that says where numbers stand and how many: an address and a size."""

    of: str


@dataclass(frozen=True, eq=False)
class Table:
    """A field that holds the address of consecutive records of a layout, or of its own layout if given by name."""

    of: Layout | str


class Layout:
    """Names, kinds and offsets of a record's fields.

    Parameters
    ----------
    name : str
        What compiled code calls it.
    fields : mapping of str to str, Array or Table
    alone : sequence of str
        Fields that one thread writes while others read or write them: each has a cache line for itself. All others but
        a status come behind them.
    """

    fields: dict[str, Any]
    itemsize: int
    private: int
    places: dict[str, tuple[int, Any]]
    dtype: np.dtype[Any]

    def __init__(self, name: str, fields: Mapping[str, object], alone: tuple[str, ...] = ()) -> None:
        self.name = name
        self.fields = {field: Table(self) if isinstance(kind, Table) and kind.of == name else kind
                       for field, kind in fields.items()}  # fmt: skip
        first = [field for field in fields if field != "status"][: len(alone)]
        if set(first) != set(alone):
            raise ValueError(f"alone must name the first fields behind a status, {first}, got {list(alone)}")
        offsets, at = {}, 0
        for field, kind in fields.items():
            if field in alone:
                at = -(-at // LINE) * LINE
            offsets[field] = at
            at += LINE if field in alone else 16 if isinstance(kind, Array) else 8
        self._offsets, self.itemsize = offsets, -(-at // LINE) * LINE
        self.private = max((offsets[field] + LINE for field in alone), default=0)  # where fields of one thread begin
        kinds = {Array: "array", Table: "table"}
        self.places = {
            name: (at // 8, kinds.get(type(self.fields[name]), self.fields[name])) for name, at in offsets.items()
        }
        self.dtype = np.dtype({
            "names": list(self.fields),
            "formats": [_format(kind) for kind in self.fields.values()],
            "offsets": [offsets[field] for field in self.fields],
            "itemsize": self.itemsize,
        })  # fmt: skip

    def offset(self, field: str) -> int:
        """Return where a field begins, in bytes."""
        return self._offsets[field]

    def new(self, count: int = 1) -> np.ndarray:
        """Return `count` records of zeros, the first of which begins a cache line."""
        return aligned(count * self.itemsize, np.dtype(np.uint8)).view(self.dtype)


def _format(kind: object) -> object:
    if isinstance(kind, Array):
        return [("at", "i8"), ("size", "i8")]
    return "i8" if isinstance(kind, Table) else kind


def aligned(n: int, dtype: np.dtype | type) -> np.ndarray:
    """Return n zeros whose first one begins a cache line, so that no vector of whole panels straddles two."""
    size = n * np.dtype(dtype).itemsize
    memory = _zeros(size + LINE)
    start = -address(memory) % LINE
    return memory[start : start + size].view(dtype)


def _zeros(size: int) -> np.ndarray:
    """Return so many bytes, which take no memory until they are written.

    Many are asked for in huge pages, over which passes take half the time. `np.zeros` does not, unlike `np.empty`.
    """
    if size >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            memory.madvise(mmap.MADV_HUGEPAGE)
            return np.frombuffer(memory, np.uint8)
        except (OSError, OverflowError):  # no such pages here, or not so much memory, which NumPy tells better
            pass
    return np.zeros(size, np.uint8)


def address(array: np.ndarray) -> int:
    """Return where an array's first element stands: sooner than `array.ctypes.data` does."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError, BufferError):  # read-only, empty, or not contiguous
        return array.__array_interface__["data"][0]


class Record:
    """One record in memory, whose fields are written and read by name.

    A number is written as such, an array as its address and size, a table as the address of its first record. The
    caller keeps arrays alive.

    Parameters
    ----------
    layout : Layout
    """

    address: int

    def __init__(self, layout: Layout) -> None:
        self._memory = aligned(layout.itemsize, np.uint8)
        self.address = address(self._memory)
        self._bytes = memoryview(self._memory)
        self._words, self._floats = self._bytes.cast("q"), self._bytes.cast("d")
        self._places = layout.places

    def __setitem__(self, name: str, value: Any) -> None:
        self.fill({name: value})

    def __getitem__(self, name: str) -> Any:
        at, kind = self._places[name]
        return self._floats[at] if kind == "f8" else self._words[at]

    def fill(self, fields: Mapping[str, Any]) -> Record:
        """Write several fields; return the record."""
        places, words = self._places, self._words
        for name, value in fields.items():
            at, kind = places[name]
            if kind == "i8":
                words[at] = value
            elif kind == "f8":
                self._floats[at] = value
            elif kind == "array":
                words[at] = address(value) if value.size else 0
                words[at + 1] = value.size
            else:
                words[at] = address(value)
        return self

    def keep(self) -> None:
        """Remember all fields as they are."""
        self._kept = bytes(self._bytes)

    def reset(self) -> None:
        """Write all fields as they were remembered."""
        self._bytes[:] = self._kept
