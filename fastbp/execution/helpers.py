"""Threads that help with compiled calls, kept from one call to the next."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from typing import Any

import numpy as np

from ..kernels.engine import code
from ..kernels.entries.records import Record
from ..kernels.program.entry_records import HELPER, LAUNCH

PATIENCE = 20_000  # pauses after a call, less than a millisecond, before a helper sleeps
END_SECONDS = 1.0  # most time to wait for a helper when the program ends
ACTIONS = "acquire", "release"
_ANY = np.dtype(np.float32)  # these entry points are the same for networks of any dtype
_idle: list[Team] = []


def _taken_lock() -> int:
    """Return the address of a lock of Python's, which is taken; those of threads that run are kept."""
    allocate, acquire = ctypes.pythonapi.PyThread_allocate_lock, ctypes.pythonapi.PyThread_acquire_lock
    allocate.restype, acquire.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int)
    lock = allocate()
    if not lock or not acquire(lock, 0):
        raise OSError("no lock for a helper's thread")
    return lock


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class _Helper:
    """A thread that waits in compiled code for work, and its record."""

    def __init__(self) -> None:
        self.lock, self.record = _taken_lock(), Record(HELPER)
        acquire, release = (_address(getattr(ctypes.pythonapi, f"PyThread_{name}_lock")) for name in ACTIONS)
        self.record.fill({"patience": PATIENCE, "acquire": acquire, "release": release, "lock": self.lock})
        help_out = code.entry("help_out", _ANY)
        self.thread = threading.Thread(target=help_out, args=(self.record,), name="fastbp helper", daemon=True)
        try:
            self.thread.start()
        except RuntimeError:
            ctypes.pythonapi.PyThread_free_lock(ctypes.c_void_p(self.lock))
            raise

    def end(self) -> None:
        """End the thread, which has no work."""
        code.entry("dismiss", _ANY)(self.record)
        self.thread.join(END_SECONDS)


class Team:
    """Helpers of one call at a time, as many as have been asked for so far."""

    def __init__(self) -> None:
        self.helpers: list[_Helper] = []
        self._launch, self._record = code.entry("launch", _ANY), Record(LAUNCH)
        self._addresses: list[np.ndarray] = []  # of the helpers' records, each time there were more
        self._known = 0  # of how many the record has the address

    def run(self, name: str, dtype: np.dtype, record: Record, workers: int) -> None:
        """Run an entry point on its record, on so many workers, this thread being one; fewer if threads can't start."""
        if self._known < workers - 1:
            self._grow(workers - 1)
        mine = self._record
        mine["work"], mine["record"] = code.address(name, dtype), record.address
        mine["n_helpers"] = min(workers - 1, self._known)
        self._launch(mine)

    def _grow(self, size: int) -> None:
        try:
            while len(self.helpers) < size:
                self.helpers.append(_Helper())
        except (RuntimeError, OSError):  # no more threads or memory: the call does with those there are
            pass
        if len(self.helpers) > self._known:
            addresses = np.array([helper.record.address for helper in self.helpers], np.int64)
            self._addresses.append(addresses)  # beside the former ones, since Ctrl-C may come at any time
            self._record["helpers"] = addresses
            self._known = len(addresses)


def launch(name: str, dtype: np.dtype, record: Record, workers: int) -> None:
    """Run an entry point on its record, on so many workers."""
    if workers == 1:
        code.entry(name, dtype)(record)
        return
    try:
        team = _idle.pop()
    except IndexError:  # as many calls at once as never before
        team = Team()
    try:
        team.run(name, dtype, record, workers)
    finally:
        _idle.append(team)


def _end() -> None:
    """End all helpers before the interpreter takes their code and records apart."""
    while _idle:
        for helper in _idle.pop().helpers:
            helper.end()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # a forked child has none of the threads
