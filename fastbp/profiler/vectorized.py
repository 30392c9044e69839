"""What a kernel was compiled to, and whether its hot loop computes whole vectors."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from functools import cache
from typing import Any

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from .. import checks
from ..kernels import _jit, build
from ..kernels.entry import Entry
from ..kernels.gather import make_gather
from ..kernels.registry import KERNELS
from .assembly import KNOWN, Counts, count, hot_loop


def instructions(kernel: Any, dtype: Any = "float32") -> list[str]:
    """Return the hot loop of a kernel line by line.

    Parameters
    ----------
    kernel : str, fastbp.kernels._jit.Kernel or Numba dispatcher
        A name in the registry, which is compiled for `dtype`; or what has been called before, for the types of that.
    dtype : {"float32", "float64"}

    Raises
    ------
    ValueError, TypeError
        For an unknown kernel, one that has not been called yet, and where the CPU's instructions are not known.
    """
    dtype = checks.dtype(dtype)
    if isinstance(kernel, str):
        if kernel not in KERNELS:
            near = ", ".join(get_close_matches(kernel, KERNELS, cutoff=0))
            raise ValueError(f"kernel must be a name in the registry, got {kernel!r}; the nearest names are {near}")
        return _of_entry(kernel, dtype)
    dispatcher = getattr(kernel, "serial", kernel)
    if not isinstance(dispatcher, Dispatcher):
        raise TypeError(f"kernel must be a name in the registry or a compiled function, got {type(kernel).__name__}")
    if not dispatcher.signatures:
        raise ValueError(
            f"kernel {dispatcher.py_func.__name__} must have been called once, so that its types are known"
        )
    return hot_loop(_jit.assembly(dispatcher, dispatcher.signatures[0]))


def assert_vectorized(kernel: Any, dtype: Any = "float32") -> Counts:
    """Raise AssertionError unless a kernel's hot loop computes whole vectors and no single number; return its counts.

    The hot loop is the innermost one that computes most numbers in a turn, or moves most where none computes.

    Parameters
    ----------
    kernel : str, fastbp.kernels._jit.Kernel or Numba dispatcher
        A name in the registry, which is compiled for `dtype`; or what has been called before, for the types of that.
    dtype : {"float32", "float64"}

    Raises
    ------
    AssertionError
        With the counts.
    ValueError, TypeError
        For an unknown kernel, one that has not been called yet, and where the CPU's instructions are not known.
    """
    found = count(instructions(kernel, dtype))
    if not found.packed or found.scalar:
        raise AssertionError(f"{getattr(kernel, '__name__', kernel)} is not vectorized: its hot loop has {found}")
    return found


def counts(name: str, dtype: np.dtype) -> Counts | None:
    """Return the counts of a hot loop; None where the registry has no such kernel, or the CPU's are not known."""
    return count(_of_entry(name, dtype)) if KNOWN and name in KERNELS else None


@cache
def _of_entry(name: str, dtype: np.dtype) -> list[str]:
    entry = KERNELS[name]
    entry.call(next(iter(entry.variants)), *entry.sample(3, 3, 3, dtype, np.random.default_rng(0)))
    dispatcher = _dispatcher(entry, dtype)
    number = numba.from_dtype(dtype)  # of the first argument; a phase has one signature
    ours = (kinds for kinds in dispatcher.signatures if getattr(kinds[0], "dtype", None) == number)
    signature = next(ours, dispatcher.signatures[0])
    return hot_loop(_jit.assembly(dispatcher, signature))


def _dispatcher(entry: Entry, dtype: np.dtype) -> Dispatcher:
    """Return what is compiled of an entry: its plain loop, its kernel, or the phase or pass that build.py makes."""
    kernel: Any = getattr(entry.kernel, "serial", entry.kernel)
    if isinstance(kernel, Dispatcher):
        return kernel
    if kernel is make_gather:
        return build.gather_phase(dtype, dtype)[1]
    if "pointer" in inspect.signature(kernel).parameters:
        return build.phase(kernel, dtype)[1]
    return build.activation_pass(kernel, dtype)[1]
