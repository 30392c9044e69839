"""A model's parameters as others see them: in a training they are written when somebody looks."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable

import numpy as np

from ..kernels.entries.records import aligned
from ..kernels.program.entry_records import ROOM


class Parameters:
    """The vector of a model's parameters.

    A training has newer ones in its plan. Between `open` and `close` others may look: what they ask for is then
    written first, and `close` says whether they may have changed it. So nothing is copied for callbacks that look at
    no parameter. Views that others hold already are up to date from `open` on.

    Parameters
    ----------
    n : int
    dtype : numpy.dtype
    """

    __slots__ = ("_buffer", "_flat", "_lock", "_looks", "_opened", "_seen", "_write")

    def __init__(self, n: int, dtype: np.dtype) -> None:
        self._buffer = aligned(n + ROOM, dtype)
        self._flat = self._buffer[:n]
        self._lock = threading.RLock()  # a signal's handler may look while this thread does
        self._opened = self._seen = False
        self._looks = 0
        self._write: Callable[[np.ndarray], None] | None = None

    @property
    def flat(self) -> np.ndarray:
        """The parameters, of shape (n,)."""
        self._looks += 1
        if self._opened:
            self._look()
        return self._flat

    @property
    def buffer(self) -> np.ndarray:
        """The parameters with room behind them, as `Plan.row_predictor` takes them."""
        if self._opened:
            self._look()
        return self._buffer

    def mark(self) -> int | None:
        """Return a number that is another one once the parameters may have changed; None while somebody may do so."""
        if self._opened or _references(self._flat) != _references_alone():
            return None
        return self._looks

    def read(self) -> np.ndarray:
        """Return the parameters, of shape (n,), to one who changes nothing and keeps no view of them."""
        if self._opened:
            self._look()
        return self._flat

    def open(self, write: Callable[[np.ndarray], None] | None) -> None:
        """Let others look. `write` brings a vector up to date, and is None where this one is."""
        self._write, self._seen, self._opened = write, False, True
        if _references(self._flat) != _references_alone():
            self._look()

    def copied(self, over: np.ndarray | None = None) -> np.ndarray:
        """Return a copy of the parameters, in place of another one if given. Who asks for a copy changes nothing."""
        found = np.empty_like(self._flat) if over is None else over
        with self._lock:
            if self._write is None:
                np.copyto(found, self._flat)
            else:
                self._write(found)
        return found

    def close(self) -> bool:
        """Let nobody look any more; return whether somebody has."""
        with self._lock:
            self._opened, self._write = False, None
            return self._seen

    def _look(self) -> None:
        with self._lock:  # another thread may look, too, and `close` waits for it
            if self._opened:
                self._seen = True
                if self._write is not None:
                    self._write(self._flat)
                    self._write = None


def _references(array: np.ndarray) -> int:
    """Return how many objects refer to the memory of an array: one for each view of it, and others always the same."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return sys.getrefcount(array)


@functools.cache
def _references_alone() -> int:
    """Return what `_references` gives for parameters of which nobody holds a view."""
    alone = Parameters(1, np.dtype(np.float32))
    return _references(alone._flat)
