"""The command ``fastbp info``."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Any

from .output import printable

PACKAGES = "numpy", "numba", "llvmlite"


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    info = commands.add_parser("info", help="show versions, CPU, threads and cache", allow_abbrev=False)
    info.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print one line for each fact; return the exit status."""
    from .. import __version__
    from ..execution import threads
    from ..inspection import machine

    layer, advice = _plain_loops()
    rows = {
        "fastbp": __version__,
        "python": platform.python_version(),
        **{package: _known(partial(metadata.version, package)) for package in PACKAGES},
        "CPU": _known(machine.cpu_name),
        "SIMD width": _known(lambda: f"{machine.simd_bits()} bits"),
        "fast kernels": _known(_kernels),
        "bfloat16": _known(_products),
        "threads": threads.most(),
        "threading layer": f"{layer} (of kernels='elementwise')",
        "advice": "; ".join(advice) or "none, all is well",
        "JIT cache": _known(_cache),
    }
    for name, value in rows.items():
        print(printable(f"{name + ':':<17}{value}"))
    return 0


def _kernels() -> str:
    """Return where the code of fast kernels comes from."""
    from ..kernels.library.loading import library

    found = library()
    return f"the library for {found.level}" if found else "compiled by Numba when they are first used"


def _products() -> str:
    """Return by which instruction products of bfloat16 are computed."""
    from ..kernels.library.levels import features
    from ..kernels.library.loading import library

    found = library()
    if found:
        native = "+avx512bf16" in features(found.about)
    else:
        from ..kernels.bfloat16 import pairs

        native = pairs.NATIVE
    return "products by VDPBF16PS, two at a time" if native else "products by float32's instructions, the same bits"


def _plain_loops() -> tuple[str, list[str]]:
    """Return the threading layer of plain loops, and advice."""
    from ..kernels.library.settings import INTERPRETED

    interpreted = "NUMBA_DISABLE_JIT is set, so only kernels='elementwise' run, as Python"
    advice = [interpreted] if INTERPRETED else []
    try:
        from ..execution import plain_loops

        told = plain_loops.describe()
    except Exception as error:
        return "none could be loaded", [*advice, _why(error)]
    return told["layer"] or "none could be loaded", [*([told["advice"]] if told["advice"] else []), *advice]


def _cache() -> str:
    from ..kernels.compiler import jit

    return str(jit.cache_folder() or "none, as no folder for it can be written")


def _why(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _known(find: Callable[[], Any]) -> Any:
    """Return a fact, or why it cannot be told: this command is for machines on which nothing else works."""
    try:
        return find()
    except Exception as error:
        return f"unknown: {_why(error)}"
