"""``fastbp train --mpi``: all ranks read the data, each trains on a share of the rows, and rank 0 tells and saves."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Callable
from typing import Any

from .output import complain


def world(options: argparse.Namespace) -> Any:
    """Return the communicator of all ranks, or None without --mpi; raise ImportError without mpi4py."""
    if not options.mpi:
        return None
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError("--mpi needs mpi4py: pip install 'fastbp[mpi]'") from error
    return MPI.COMM_WORLD


def run(options: argparse.Namespace, work: Callable[[argparse.Namespace], int]) -> int:
    """Run a command on all ranks, of which rank 0 prints; an error of one rank ends all."""
    comm = world(options)
    with contextlib.redirect_stdout(io.StringIO()) if comm.rank else contextlib.nullcontext():
        try:
            return work(options)
        except Exception as error:
            if comm.size == 1:
                raise
            status = complain(f"rank {comm.rank} of {comm.size}: {error}")
            sys.stderr.flush()
            comm.Abort(status)
            raise


def share(rows: int, comm: Any) -> slice:
    """Return the rows of this rank."""
    return slice(rows * comm.rank // comm.size, rows * (comm.rank + 1) // comm.size)


def arguments(X: Any, y: Any, comm: Any, more: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Model.fit` with the rows of this rank, or all of them without ranks."""
    if comm is None:
        return {"X": X, "y": y} | more
    own, held = share(len(X), comm), more.get("validation_data")
    if held is not None:
        rows = share(len(held[0]), comm)
        more = more | {"validation_data": tuple(each[rows] for each in held)}
    return {"X": X[own], "y": y[own], "comm": comm} | more
