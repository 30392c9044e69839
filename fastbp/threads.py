"""How many threads a call may use here, and where more than one would crash or crowd the program."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import Any

import numba
from numba.core import config

from .kernels._jit import BOUNDSCHECK, Kernel

_ADVICE = {
    "workqueue": "under this layer a call of one thread keeps all others serial: install an OpenMP runtime "
    "(Debian and Ubuntu: apt install libgomp1; macOS: brew install libomp)",
}
_SPINS = {"GOMP_SPINCOUNT": "20000"}  # turns, below a millisecond; 300,000 by default hold a core for several
_started = False
_one_launch = threading.Lock()  # the workqueue layer ends the process where two threads launch at once
_forked_from_openmp = False  # GNU OpenMP ends a child that computes in parallel after its parent did
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
    try:
        return numba.threading_layer()
    except ValueError:
        return None


def _numba_threads() -> int:
    """Return how many threads Numba uses; starts them, with less spinning at the end of each launch than by default.

    GNU OpenMP reads how long its threads spin before they sleep when it is loaded; what the user has set stands.
    """
    global _started
    if _started:
        return numba.get_num_threads()
    ours = {} if {"OMP_WAIT_POLICY", *_SPINS} & os.environ.keys() else _SPINS
    os.environ.update(ours)
    try:
        return numba.get_num_threads()
    finally:
        _started = True
        for name in ours:
            del os.environ[name]


def most() -> int:
    """Return how many threads there are at most: Numba's NUMBA_NUM_THREADS, by default the CPUs of this process."""
    return config.NUMBA_NUM_THREADS


def count(n_threads: int | None) -> int:
    """Return how many threads a call from here may use.

    Without a number asked for it is one in a thread pool or a worker process, where others work beside this call.
    """
    n = limit(n_threads)
    return min(n, _numba_threads()) if n_threads is None and n > 1 else n


def limit(n_threads: int | None) -> int:
    """Return the same, Numba's own mask aside: for what a launch is asked for, which heeds it anyway.

    To ask for the mask takes as long as a few layers of one row.
    """
    if _forked_from_openmp or BOUNDSCHECK:
        return 1
    if n_threads is not None:
        return n_threads
    alone = threading.get_ident() == _main_thread and not _worker_process
    return most() if alone else 1


class crew:  # noqa: N801, used as a function
    """Hold n threads ready for one parallel launch in this block; gives 1 where a launch would crash the program.

    A class, as a generator would take longer than a small network takes to predict.
    """

    def __init__(self, n: int, masked: bool = False) -> None:
        """Ask for n threads; `masked` leaves it to Numba's own mask to make them fewer."""
        self.n, self.locked, self.before, self.masked = n, False, n, masked

    def __enter__(self) -> int:
        if self.n == 1:
            return 1
        if layer() not in ("omp", "tbb"):
            self.locked = _one_launch.acquire(blocking=False)
            if not self.locked:
                return 1
        if not self.masked:
            self.before = _numba_threads()
            if self.before != self.n:
                numba.set_num_threads(self.n)
        return self.n

    def __exit__(self, *_: object) -> None:
        if self.before != self.n:
            numba.set_num_threads(self.before)
        if self.locked:
            _one_launch.release()


def launch(kernel: Kernel, *args: Any, n_threads: int | None = None) -> Any:
    """Run an elementwise kernel on up to `n_threads` threads."""
    with crew(count(n_threads)) as threads:
        return (kernel.serial if threads == 1 else kernel.parallel)(*args)


def simd_bits() -> int:
    """Width in bits of the vectors that compiled code uses on this CPU."""
    from .kernels.tile import FEATURES

    if "+avx512f" in FEATURES:
        return 512
    return 256 if "+avx" in FEATURES else 128


def describe() -> dict[str, Any]:
    """Return the threading layer, the number of threads, and advice or None."""
    _numba_threads()  # loads the layer
    return {"layer": layer(), "threads": most(), "advice": _ADVICE.get(layer() or "")}
