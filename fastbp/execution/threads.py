"""The number of threads of a call, limited where more would compete with the program's other threads."""

from __future__ import annotations

import math
import os
import sys
import threading

from ..kernels.library.settings import BOUNDSCHECK, n_cpus
from .sharing import SHORT_FLOP, Sharing

_sharing = Sharing()
_most = n_cpus()
_forked = False
_main_thread = threading.main_thread().ident


def _after_fork() -> None:
    global _forked, _main_thread
    _forked, _main_thread = True, threading.get_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def most() -> int:
    """Return the largest number of threads: NUMBA_NUM_THREADS, by default the number of CPUs of this process."""
    return _most


def limit(n_threads: int | None) -> int:
    """Return how many threads a call may use here.

    If `n_threads` is None, it is one in a thread pool or a worker process, where other calls run at the same time.
    """
    if BOUNDSCHECK:
        return 1
    if n_threads is not None:
        return n_threads
    alone = threading.get_ident() == _main_thread and not _in_worker()
    return min(_most, _mask()) if alone else 1


def _in_worker() -> bool:
    """Return whether this is a child process, of fork or of `multiprocessing`.

    A spawned process imports the main script, and this module with it, before it is known to have a parent.
    """
    processes = sys.modules.get("multiprocessing.process")
    return _forked or (processes is not None and processes.parent_process() is not None)


def _mask() -> int:
    """Return what `numba.set_num_threads` was called with, if a program has done so."""
    numba = sys.modules.get("numba.np.ufunc.parallel")
    return numba.get_num_threads() if numba and getattr(numba, "_is_initialized", False) else _most


class team:  # noqa: N801, used as a function
    """A context manager for one call on up to n threads. It yields how many to use.

    A class, because a generator takes longer than a small network takes to predict.

    Parameters
    ----------
    n : int
        Number of threads.
    flop : float, optional
        Floating-point operations of a call that one thread does where the cores are busy (sharing.py).
    """

    n: int
    flop: float

    def __init__(self, n: int, flop: float = math.inf) -> None:
        self.n, self.flop = n, flop
        self.began: float | None = None

    def __enter__(self) -> int:
        if self.n > 1 and self.flop < SHORT_FLOP:
            self.began = _sharing.begin()
            if self.began is None:
                return 1
        return self.n

    def __exit__(self, *_: object) -> None:
        if self.began is not None:
            _sharing.end(self.began, self.flop)
