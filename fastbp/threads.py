"""Where a kernel may run in parallel, and where that would crash the program."""

from __future__ import annotations

import os
import threading
from typing import Any

import numba
import numpy as np
from numba.core import config

from .kernels._jit import Kernel

_ADVICE = {
    "workqueue": "each launch costs some 100 us under this layer: install an OpenMP runtime "
    "(Debian and Ubuntu: apt install libgomp1; macOS: brew install libomp)",
}
_one_launch = threading.Lock()  # the workqueue layer ends the process where two threads launch at once
_forked_from_openmp = False  # GNU OpenMP ends a child that computes in parallel after its parent did


def _after_fork() -> None:
    global _forked_from_openmp, _one_launch
    _one_launch = threading.Lock()
    _forked_from_openmp = layer() == "omp"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def layer() -> str | None:
    """Return the threading layer in use: "omp", "tbb", "workqueue", or None before the first parallel launch."""
    try:
        return numba.threading_layer()
    except ValueError:
        return None


def launch(kernel: Kernel, *args: Any, parallel: bool = True) -> Any:
    """Run `kernel` over these arguments: in parallel if asked to and if that is safe here, serially otherwise."""
    if not parallel or _forked_from_openmp or numba.get_num_threads() == 1:
        return kernel.serial(*args)
    if layer() in ("omp", "tbb"):
        return kernel.parallel(*args)
    if _one_launch.acquire(blocking=False):
        try:
            return kernel.parallel(*args)
        finally:
            _one_launch.release()
    return kernel.serial(*args)


def simd_bits() -> int:
    """Width in bits of the vectors that compiled code uses on this CPU."""
    from numba.core.registry import cpu_target

    features = cpu_target.target_context.codegen().magic_tuple()[-1]
    enabled = {word[1:] for word in features.split(",") if word.startswith("+")}
    if "avx512f" in enabled:
        return 512
    return 256 if "avx" in enabled else 128


def describe() -> dict[str, Any]:
    """Return the threading layer, found out by one parallel launch, the number of threads, and advice or None."""
    from .kernels.elementwise import sgd_update

    launch(sgd_update, np.zeros(2), np.zeros(2), 0.0)
    return {"layer": layer(), "threads": config.NUMBA_NUM_THREADS, "advice": _ADVICE.get(layer() or "")}
