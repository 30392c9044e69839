"""The command ``fastbp info``."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from typing import Any

from .output import printable


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    info = commands.add_parser("info", help="show versions, CPU, threads and cache", allow_abbrev=False)
    info.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print one line for each fact; return the exit status."""
    import llvmlite
    import numba
    import numpy

    from .. import __version__
    from ..execution import threads
    from ..inspection import machine
    from ..kernels.compiler import jit

    running = _known(threads.describe)
    if isinstance(running, str):
        running = {"threads": threads.most(), "layer": None, "advice": running}
    layer = running["layer"] or ("none could be loaded" if running["advice"] else "none, everything runs on one thread")
    advice = [running["advice"]] if running["advice"] else []
    if jit.INTERPRETED:
        advice.append("NUMBA_DISABLE_JIT is set, so only kernels='elementwise' run, as Python")
    rows = {
        "fastbp": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "CPU": _known(machine.cpu_name),
        "SIMD width": _known(lambda: f"{threads.simd_bits()} bits"),
        "threads": running["threads"],
        "threading layer": layer,
        "advice": "; ".join(advice) or "none, all is well",
        "JIT cache": _known(jit.cache_folder) or "none, as no folder for it can be written",
    }
    for name, value in rows.items():
        print(printable(f"{name + ':':<17}{value}"))
    return 0


def _known(find: Callable[[], Any]) -> Any:
    """Return a fact, or why it cannot be told: this command is for machines on which nothing else works."""
    try:
        return find()
    except Exception as error:
        return f"unknown: {' '.join(str(error).split()) or type(error).__name__}"
