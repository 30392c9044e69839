"""Runs Python on several ranks, where mpi4py is installed, with a time limit."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mpi4py", reason="the extra mpi is not installed")

HERE = Path(__file__).parent
CODE = """
import os, sys
import numpy as np
from mpi4py import MPI
import fastbp
comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
random = np.random.default_rng(3)
X, y = random.standard_normal((240, 5)).astype(np.float32), random.integers(0, 3, 240)
mine = slice(240 * rank // size, 240 * (rank + 1) // size)
"""  # that tests begin with


def launcher():
    """Return the path of mpiexec: of this environment, or else the system's."""
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def ranks(n, *arguments, timeout=120, cwd=None):
    """Run Python with these arguments on so many ranks; return the status, what they print, and what to stderr."""
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))}
    process = subprocess.Popen(
        [launcher(), "-n", str(n), sys.executable, "-W", "error", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, cwd=cwd, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, out, err


def run(n, code, timeout=120):
    """Return what code prints on so many ranks; it must end well."""
    status, out, err = ranks(n, "-c", CODE + code, timeout=timeout)
    assert status == 0, err
    return out
