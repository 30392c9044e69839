"""The order of an epoch's rows."""

from __future__ import annotations

import threading

import numpy as np

from ..kernels.engine import code
from ..kernels.entries.records import Record
from ..kernels.library.settings import INTERPRETED
from ..kernels.program.entry_records import SHUFFLE

_ANY = np.dtype(np.float32)  # row numbers are the same for networks of any dtype
_own = threading.local()  # the record of each thread


def shuffle(order: np.ndarray, key: int) -> None:
    """Fill `order`, int64, with 0..B-1 in an order drawn from the key, all orders alike."""
    if INTERPRETED:
        from ..kernels.fast import shuffle as plain

        with np.errstate(over="ignore"):  # of 64 bits
            return plain.shuffle(order, key)
    if not hasattr(_own, "record"):
        _own.record = Record(SHUFFLE)
    code.entry("shuffle_rows", _ANY)(_own.record.fill({"order": order, "key": key}))
