"""The number of threads of a call, limited where more would crash the program or compete with its other threads."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import threading
from typing import Any

import numba
from numba.core import config

from ..kernels.compiler.jit import BOUNDSCHECK, PlainLoop
from ..kernels.compiler.signals import held
from .sharing import SHORT_FLOP, Sharing

_ADVICE = {
    "workqueue": "under this layer a call of one thread keeps all others serial: install an OpenMP runtime "
    "(Debian and Ubuntu: apt install libgomp1; macOS: brew install libomp)",
}
_SPINS = {
    "GOMP_SPINCOUNT": "20000"
}  # turns, less than a millisecond; the default of 300,000 occupies a core for several
_sharing = Sharing()
_started = False
_layer: str | None = None  # which never changes once a layer runs
_one_launch = threading.Lock()  # the workqueue layer aborts the process if two threads launch at once
_forked_from_openmp = False  # GNU OpenMP aborts a child that runs in parallel after its parent did
_worker_process = multiprocessing.parent_process() is not None
_main_thread = threading.main_thread().ident


def _after_fork() -> None:
    global _forked_from_openmp, _main_thread, _one_launch, _worker_process
    _one_launch = threading.Lock()
    _forked_from_openmp = layer() == "omp"
    _worker_process, _main_thread = True, threading.get_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def layer() -> str | None:
    """Return the threading layer in use: "omp", "tbb", "workqueue", or None before the first parallel launch."""
    global _layer
    if _layer is None:
        with contextlib.suppress(ValueError):
            _layer = numba.threading_layer()
    return _layer


def _numba_threads() -> int:
    """Return how many threads Numba uses, and start them, with less spinning after each launch than by default.

    GNU OpenMP reads from the environment, when it is loaded, how long its threads spin before they sleep. Settings of
    the user are respected.
    """
    global _started
    if _started:
        return numba.get_num_threads()
    ours = {} if {"OMP_WAIT_POLICY", *_SPINS} & os.environ.keys() else _SPINS
    os.environ.update(ours)
    try:
        with held():
            return numba.get_num_threads()
    finally:
        _started = True
        for name in ours:
            del os.environ[name]


def most() -> int:
    """Return the largest number of threads: NUMBA_NUM_THREADS, by default the number of CPUs of this process."""
    return config.NUMBA_NUM_THREADS


def count(n_threads: int | None) -> int:
    """Return how many threads a call may use here.

    If `n_threads` is None, it is one in a thread pool or a worker process, where other calls run at the same time.
    """
    n = limit(n_threads)
    return min(n, _numba_threads()) if n_threads is None and n > 1 else n


def limit(n_threads: int | None) -> int:
    """Return the same without Numba's thread mask, which launches respect anyway.

    Reading the mask takes as long as a few layers of one row.
    """
    if _forked_from_openmp or BOUNDSCHECK:
        return 1
    if n_threads is not None:
        return n_threads
    alone = threading.get_ident() == _main_thread and not _worker_process
    return config.NUMBA_NUM_THREADS if alone else 1


class team:  # noqa: N801, used as a function
    """A context manager for one parallel launch on n threads. It yields 1 where a launch would crash the program.

    A class, because a generator takes longer than a small network takes to predict.

    Parameters
    ----------
    n : int
        Number of threads.
    masked : bool
        Whether to leave Numba's thread mask as it is, which may make them fewer.
    flop : float, optional
        Floating-point operations of a call that one thread does where the cores are busy (sharing.py).
    """

    def __init__(self, n: int, masked: bool = False, flop: float = math.inf) -> None:
        self.n, self.locked, self.before, self.masked = n, False, n, masked
        self.flop = flop
        self.began: float | None = None

    def __enter__(self) -> int:
        if self.n == 1:
            return 1
        if self.flop < SHORT_FLOP:
            self.began = _sharing.begin()
            if self.began is None:
                return 1
        if layer() not in ("omp", "tbb"):
            self.locked = _one_launch.acquire(blocking=False)
            if not self.locked:
                self.began = None
                return 1
        if not self.masked:
            self.before = _numba_threads()
            if self.before != self.n:
                numba.set_num_threads(self.n)
        return self.n

    def __exit__(self, *_: object) -> None:
        if self.began is not None:
            _sharing.end(self.began, self.flop)
        if self.before != self.n:
            numba.set_num_threads(self.before)
        if self.locked:
            _one_launch.release()


def launch(loop: PlainLoop, *args: Any, n_threads: int | None = None) -> Any:
    """Run a plain loop on at most `n_threads` threads; return its result."""
    with team(count(n_threads)) as threads:
        return (loop.serial if threads == 1 else loop.parallel)(*args)


def simd_bits() -> int:
    """Return the width in bits of the vectors that compiled code uses on this CPU."""
    from ..kernels.machine.registers import FEATURES

    if "+avx512f" in FEATURES:
        return 512
    return 256 if "+avx" in FEATURES else 128


def describe() -> dict[str, Any]:
    """Return the threading layer or None, the number of threads, and advice or None."""
    try:
        _numba_threads()  # loads the layer
    except (ValueError, ImportError) as error:  # the one that NUMBA_THREADING_LAYER names is not installed
        why = " ".join(str(error).split())
        return {"layer": None, "threads": most(), "advice": f"{why} (NUMBA_THREADING_LAYER={config.THREADING_LAYER})"}
    return {"layer": layer(), "threads": most(), "advice": _ADVICE.get(layer() or "")}
