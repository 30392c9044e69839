"""What a kernel was compiled to, and whether its hot loop computes whole vectors."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Any

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from ...data import checks
from ...kernels.compiler import jit
from ...kernels.registry.bfloat16 import BFLOAT16_KERNELS
from ...kernels.registry.entries import KERNELS
from .assembly import KNOWN, Counts, count, hot_loop

_ENTRIES = KERNELS | BFLOAT16_KERNELS


def instructions(kernel: Any, dtype: Any = "float32") -> list[str]:
    """Return the hot loop of a kernel line by line.

    Parameters
    ----------
    kernel : str, fastbp.kernels.compiler.jit.PlainLoop or Numba dispatcher
        A name in the registry, which is compiled for `dtype`; or what has been called before, for the types of that.
    dtype : {"float32", "float64"}

    Raises
    ------
    ValueError, TypeError
        For an unknown kernel, one that has not been called yet, and where the CPU's instructions are not known.
    """
    dtype = checks.dtype(dtype)
    if isinstance(kernel, str):
        if kernel not in _ENTRIES:
            near = ", ".join(get_close_matches(kernel, _ENTRIES, cutoff=0))
            raise ValueError(f"kernel must be a name in the registry, got {kernel!r}; the nearest names are {near}")
        if kernel in BFLOAT16_KERNELS and dtype != np.float32:
            raise ValueError(f"kernel {kernel!r} is of dtype 'float32' alone, got dtype {dtype.name!r}")
        return _of_entry(kernel, dtype)
    dispatcher = getattr(kernel, "serial", kernel)
    if not isinstance(dispatcher, Dispatcher):
        raise TypeError(f"kernel must be a name in the registry or a compiled function, got {type(kernel).__name__}")
    if not dispatcher.signatures:
        raise ValueError(
            f"kernel {dispatcher.py_func.__name__} must have been called once, so that its types are known"
        )
    return hot_loop(jit.assembly(dispatcher, dispatcher.signatures[0]))


def assert_vectorized(kernel: Any, dtype: Any = "float32") -> Counts:
    """Raise AssertionError unless a kernel's hot loop computes whole vectors and no single number.

    The hot loop is the innermost one that computes most numbers in a turn, or moves most where none computes.

    Parameters
    ----------
    kernel : str, fastbp.kernels.compiler.jit.PlainLoop or Numba dispatcher
        A name in the registry, which is compiled for `dtype`; or what has been called before, for the types of that.
    dtype : {"float32", "float64"}

    Returns
    -------
    Counts
        Instructions of the hot loop by their kind.

    Raises
    ------
    AssertionError
        With the counts.
    ValueError, TypeError
        For an unknown kernel, one that has not been called yet, and where the CPU's instructions are not known.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.assert_vectorized("fast_linear_relu", "float64")  # doctest: +SKIP
    """
    found = count(instructions(kernel, dtype))
    if not found.packed or found.scalar:
        raise AssertionError(f"{getattr(kernel, '__name__', kernel)} is not vectorized: its hot loop has {found}")
    return found


def counts(name: str, dtype: np.dtype) -> Counts | None:
    """Return the counts of a hot loop; None where the registry has no such kernel, or the CPU's are not known."""
    return count(_of_entry(name, dtype)) if KNOWN and name in _ENTRIES else None


@cache
def _of_entry(name: str, dtype: np.dtype) -> list[str]:
    """Compile a kernel and run it not: NUMBA_CPU_NAME may name another CPU than this."""
    entry = _ENTRIES[name]
    variant = next(iter(entry.variants.values()))
    run = variant(*entry.sample(3, 3, 3, dtype, np.random.default_rng(0))).__enter__()
    dispatchers = getattr(run, "dispatchers", None)  # of a fast kernel, each for one signature
    if dispatchers is None:  # of a plain loop, which is compiled for what it is given
        signature = tuple(map(numba.typeof, run.args))
        run.func.compile(signature)
        return hot_loop(jit.assembly(run.func, signature))
    return hot_loop("\n".join(jit.assembly(each, each.signatures[0]) for each in dispatchers))
