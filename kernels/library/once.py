"""Results that are computed once, whichever threads ask for them at the same time."""

import functools
import os
import threading
from typing import TypeVar

from ..entries.typed import Function

F = TypeVar("F", bound=Function)

_lock = threading.RLock()  # taken again where computing one result asks for another


def _renew_lock():
    """In a forked child, where no other thread is left to release it."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def once(function: F) -> F:
    """Keep the results of a function of hashable arguments: what compiles code that is called by its address.

    `functools.cache` calls the function in every thread that asks before the first has its result, and keeps the last
    result only. Compiled code of the others would be freed while its address is in use.
    """
    results = {}

    @functools.wraps(function)
    def kept(*arguments):
        try:
            return results[arguments]
        except KeyError:
            with _lock:
                if arguments not in results:
                    results[arguments] = function(*arguments)
            return results[arguments]

    return kept
