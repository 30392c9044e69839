"""Signals held back while the compiler works.

Python answers a signal between any two instructions of the main thread. Where its handler raises, as that of Ctrl-C
does, the compiler's tables are left half written, and nothing can be compiled in this process any more. So it is
answered when the kernel at hand is compiled, or loaded from the cache.
"""

import signal
import threading
from _signal import getsignal  # signal.getsignal makes enumerations of the results, which takes a hundred times as long
from contextlib import contextmanager

_NUMBERS = sorted(map(int, signal.valid_signals()))
_holding = False


@contextmanager
def held():
    """Hold back signals that Python functions handle, until the end; only the main thread would run these."""
    global _holding
    if _holding or threading.get_ident() != threading.main_thread().ident:
        yield
        return
    handlers, came = {}, {}
    try:
        _holding = True
        for number in _NUMBERS:
            if callable(handler := getsignal(number)):
                handlers[number] = handler
                signal.signal(number, lambda number, frame: came.setdefault(number))
        yield
    finally:
        _holding = False
        try:
            _restore(list(handlers.items()))
        finally:
            _answer(list(came))


def _restore(handlers):
    """Set all these handlers, also if one of them is run on the way and raises."""
    try:
        while handlers:
            signal.signal(*handlers[-1])
            handlers.pop()
    finally:
        if handlers:
            _restore(handlers)


def _answer(numbers):
    """Run the handlers of these signals, each even if the one before raises."""
    try:
        if numbers:
            signal.raise_signal(numbers.pop(0))
    finally:
        if numbers:
            _answer(numbers)
