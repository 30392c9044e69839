"""Signals held back while the compiler works.

Python answers a signal between any two instructions of the main thread. Where its handler raises, as that of Ctrl-C
does, the work is left half done. So it is answered when the kernel at hand is compiled, or loaded from the cache.
"""

import os
import signal
import threading
from _signal import getsignal  # signal.getsignal makes enumerations of the results, which takes a hundred times as long
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_NUMBERS = sorted(map(int, signal.valid_signals()))
_holding = False
_handlers = {}  # that are to be set again, by their signals
_came = []  # signals that came meanwhile


def held(function: Callable[..., T], *arguments: Any) -> T:
    """Return what a function returns, with the signals that Python functions handle held back until then.

    Only the main thread runs these. An exception that another thread raises in this one may come at any instruction,
    the release included, which is therefore done twice: what is released already is left alone.
    """
    if _holding or threading.get_ident() != threading.main_thread().ident:
        return function(*arguments)
    try:
        _hold()
        return function(*arguments)
    finally:
        try:
            _release()
        finally:
            _release()


def _hold():
    global _holding
    _holding = True
    for number in _NUMBERS:
        if callable(handler := getsignal(number)):
            _handlers[number] = handler
            signal.signal(number, _note)


def _note(number, frame):
    if number not in _came:
        _came.append(number)


def _release():
    """Set all handlers again, and run those of the signals that came, each even if one before raises."""
    global _holding
    try:
        while _handlers:
            number = max(_handlers)
            signal.signal(number, _handlers[number])
            _handlers.pop(number, None)  # a handler that ran here may have released the rest
        _holding = False
        while _came:
            signal.raise_signal(_came.pop(0))
    finally:
        if _handlers or _came:
            _release()


def _forget():
    """Set the handlers in a forked child, whose main thread is another than the one that holds signals back here."""
    _came.clear()
    _release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
