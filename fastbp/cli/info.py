"""The command ``fastbp info``."""

from __future__ import annotations

import argparse
import platform


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

    running = threads.describe()
    rows = {
        "fastbp": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "CPU": machine.cpu_name(),
        "SIMD width": f"{threads.simd_bits()} bits",
        "threads": running["threads"],
        "threading layer": running["layer"] or "none, everything runs on one thread",
        "advice": running["advice"] or "none, all is well",
        "JIT cache": jit.cache_folder() or "none, as no folder for it can be written",
    }
    for name, value in rows.items():
        print(f"{name + ':':<17}{value}")
    return 0
