"""Fresh interpreters for what could hang or end a process: threads, forks, pools, signals."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from fastbp.kernels.library.compiling import TEXT

IMPORTS = """
import contextlib, multiprocessing, os, pickle, threading, time, warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import numpy as np
import fastbp
from fastbp.execution import threads
from jobs import *
"""


def start(code, layer="default", n_threads=3, cwd=None, kernels="fast"):
    """Start an interpreter on code, warnings being errors, with so many threads and all that IMPORTS brings.

    `layer` is that of Numba's threads, on which plain loops run; `kernels` those of the models of `jobs.work`. Numba is
    imported for "elementwise" ones alone.
    """
    here = str(Path(__file__).parent)
    variables = {
        "NUMBA_NUM_THREADS": str(n_threads),
        "NUMBA_THREADING_LAYER": layer,
        "JOBS_KERNELS": kernels,
        "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])),
    }
    given = dict(os.environ)
    given.pop("NUMBA_BOUNDSCHECK", None)  # with it a plain loop runs on one thread
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", IMPORTS + code], cwd=cwd, env=given | variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def finish(process, timeout=240):
    """Return what a process prints; one that hangs is killed with its children, and fails."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0, err
    assert re.sub(rf"{re.escape(TEXT)}[^\n]*\n", "", err) == ""
    return out


def run(*arguments, **settings):
    """Return what code prints in a fresh interpreter; arguments as for `start`."""
    return finish(start(*arguments, **settings))
