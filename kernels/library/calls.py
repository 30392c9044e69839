"""Calls of compiled functions from Python, by their address."""

import ctypes
from collections.abc import Callable

from ..entries.records import Record

OUTSIDE = "a compiled kernel left its array: an index was out of bounds"
_UNREAD = (ctypes.c_int64 * 2)()  # where results and errors are written; several threads may do so at once


def entry_point(address: int, *more: int) -> Callable[[Record], None]:
    """Return a Python function of a `Record` that calls the compiled function at an address with it and more integers.

    It takes the record itself, which so is kept until the call has returned. In Numba's calling convention pointers to
    a result and to an error precede the arguments, and a status is returned.
    """
    pointers, words = [ctypes.c_void_p] * 2, [ctypes.c_int64] * (1 + len(more))
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *pointers, *words)(address)
    result, error = ctypes.addressof(_UNREAD), ctypes.addressof(_UNREAD) + 8

    def enter(record):
        if function(result, error, record.address, *more):
            raise IndexError(OUTSIDE)

    return enter
