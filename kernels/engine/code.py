"""Where compiled code lies: in the shared library of this CPU, or else compiled by Numba, which is imported then.

Compiled code is used by its address: kernels by the program that names them, entry points by calls from Python.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..entries.records import Record
from ..entries.typed import DType
from ..library.calls import entry_point
from ..library.compiling import compiling
from ..library.loading import library
from ..library.once import once
from ..program import phases
from ..program.state import PHASE


class Assembled(NamedTuple):
    """A program whose kernels are compiled: its records, and where its parts begin and end."""

    phases: np.ndarray
    kernels: np.ndarray
    ranges: dict[str, int]

    def fields(self) -> dict[str, Any]:
        """Return what a `STATE` holds of it."""
        return {"phases": self.phases, "kernels": self.kernels, **self.ranges}


def _compiler():
    """Import the compiler."""
    with compiling.one():
        from . import compilation

    return compilation


def _in_library(name, dtype, of=None):
    return library().address(name, dtype, of) if library() else None


@once
def kernel(each: phases.Kernel, dtype: DType) -> int:
    """Return the address of a kernel of a program for networks of this dtype."""
    own = not isinstance(each.of, str) and each.of is not None
    found = None if own else _in_library(each.name, dtype, each.of)
    return found or _compiler().compile_kernel(each, dtype)[0]


@once
def address(name: str, dtype: DType) -> int:
    """Return the address of an entry point, or of what every program calls, for networks of this dtype."""
    return _in_library(name, dtype) or _compiler().work(name, dtype)[0]


@once
def entry(name: str, dtype: DType) -> Callable[[Record], None]:
    """Return a Python function that calls an entry point with its record."""
    return entry_point(address(name, dtype))


@once
def advance(rule: str, dtype: DType) -> int:
    """Return the address of what changes a rule's running numbers."""
    return _in_library("advance", dtype, rule) or _compiler().advance(rule, dtype)[0]


@once
def assemble(whole: phases.Program, block: phases.Program | None, dtype: DType) -> Assembled:
    """Find the code of a program for networks of this dtype, and that of a block of rows if there is one."""
    parts = phases.parts(whole, block)
    records, addresses = PHASE.new(sum(map(len, parts))), []
    compiling.expect(sum(len(phase.all_kernels) for part in parts for phase in part))
    for record, phase in zip(records, (phase for part in parts for phase in part), strict=True):
        first, last = len(addresses), len(addresses) + len(phase.kernels)
        addresses += [kernel(each, dtype) for each in phase.all_kernels]
        closing = last if phase.closing else -1
        record["kind"], record["layer"], record["first"], record["last"] = phase.kind, phase.layer, first, last
        record["closing"] = closing
    ends = np.cumsum([0, *map(len, parts)]).tolist()
    names = "forward", "backward", "end_backward", "end_phases"
    ranges = dict(zip(names, ends, strict=False)) | {"block_forward": ends[3], "block_end": ends[-1]}
    return Assembled(records, np.array(addresses, np.int64), ranges | step_runners(dtype, phases.flushes(whole)))


def step_runners(dtype: DType, flushing: bool = False) -> dict[str, int]:
    """Return the addresses of what every program calls, by their fields of a `STATE`.

    `flushing` says that denormals are taken as zero.
    """
    run_task = address("run_task_flushing" if flushing else "run_task", dtype)
    return {"run_task": run_task, "run_phase": address("run_phase", dtype)}
