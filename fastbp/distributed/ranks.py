"""The ranks of a training: errors that all of them raise, and the end of all where one raises by itself."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..execution import threads

_KINDS = ValueError, TypeError, OSError, ImportError, MemoryError, ArithmeticError, RuntimeError, Exception


class Ranks:
    """The processes of a training, which all call the same methods in the same order.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        It is duplicated, so that messages of the training meet no others.
    """

    comm: Any

    def __init__(self, comm: Any) -> None:
        self.comm = comm.Dup()
        self.rank: int = comm.Get_rank()
        self.size: int = comm.Get_size()
        self.common: BaseException | None = None  # the last error that all ranks raise
        if self.size > 1:
            _end_all_at_an_uncaught_error()

    @property
    def name(self) -> str:
        """How messages call this rank."""
        return f"rank {self.rank} of {self.size}"

    def all_raise(self, error: BaseException) -> BaseException:
        """Return an error that every rank raises now."""
        self.common = error
        return error

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run what each rank does by itself. If some raise, all do: an error of their kind that names the first."""
        mine: Exception | None = None
        try:
            yield
        except Exception as error:
            mine = error
        told = None if mine is None else (next(k for k in _KINDS if isinstance(mine, k)), str(mine))
        found = self.comm.allgather(told)
        wrong = [(rank, each) for rank, each in enumerate(found) if each is not None]
        if not wrong:
            return
        rank, (kind, text) = wrong[0]
        if mine is not None and all(each == told for each in found):
            raise self.all_raise(mine)
        raise self.all_raise(kind(f"rank {rank} of {self.size}: {text}")) from mine

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Let pass an error that all ranks raise. With any other, which the other ranks would wait for, all end."""
        try:
            yield
        except BaseException as error:
            if self.size > 1 and error is not self.common:
                traceback.print_exception(type(error), error, error.__traceback__)
                _end_all(self.comm, self.name, error)
            raise

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set on any rank."""
        return any(self.comm.allgather(bool(flag)))

    def __enter__(self) -> Ranks:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """Give the communicator back where all ranks are here: not after an error of this rank alone."""
        if error is None or error is self.common or self.size == 1:
            self.comm.Free()

    def threads(self, n_threads: int | None) -> int:
        """Return how many threads this rank uses: by default its share of the CPUs that ranks of a machine share."""
        if n_threads is not None:
            return n_threads
        cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        from mpi4py import MPI

        node = self.comm.Split_type(MPI.COMM_TYPE_SHARED)
        sharing = node.allgather(cpus).count(cpus)
        node.Free()
        return max(1, threads.limit(None) // sharing)


def _end_all(comm: Any, name: str, error: BaseException) -> None:
    """Print whose error it is, and end all ranks with status 1."""
    sys.stdout.flush()
    print(f"fastbp: {name} raised {type(error).__name__}: {error}; all ranks end", file=sys.stderr, flush=True)
    comm.Abort(1)


def _end_all_at_an_uncaught_error() -> None:
    """Have an error that nothing catches end all ranks, which would else wait for this one for ever."""
    earlier = sys.excepthook
    if getattr(earlier, "ends_all_ranks", False):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        from mpi4py import MPI

        world = MPI.COMM_WORLD
        earlier(kind, error, trace)
        _end_all(world, f"rank {world.Get_rank()} of {world.Get_size()}", error)

    hook.ends_all_ranks = True  # type: ignore[attr-defined]
    sys.excepthook = hook


def ranks_of(comm: Any) -> Ranks:
    """Return the ranks of a communicator; raise ImportError or TypeError if it is none."""
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError("comm needs mpi4py: pip install 'fastbp[mpi]'") from error
    if not isinstance(comm, MPI.Intracomm):
        raise TypeError(f"comm must be an mpi4py communicator such as MPI.COMM_WORLD, got {comm!r}")
    if comm == MPI.COMM_NULL:
        raise ValueError("comm must be a communicator that this process belongs to, got MPI.COMM_NULL")
    return Ranks(comm)
