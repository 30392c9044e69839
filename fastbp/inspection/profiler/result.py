"""What a profile holds, and the files it becomes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...data import shown
from ...files.writing import write_whole
from .assembly import Counts
from .costs import Cost
from .peaks import Machine
from .shares import Share
from .tables import HEAD, cells, duration, table
from .traces import trace_events

REACHED = 0.5  # of a peak: from there on it is what limits a kernel


@dataclass(frozen=True)
class KernelTimes:
    """One kernel at one layer; what is counted is counted over all steps with clocks.

    Parameters
    ----------
    name : str
        As in the registry.
    layer : int or None
        From 1; None where it works for all layers.
    equations : tuple of int
        Of the paper.
    product : bool
        Whether it is one of a layer's three products.
    calls : int
    seconds : float
        That passed. A moment in which kernels run on several threads is divided among these.
    flop, bytes : int
        What the equations ask for; 0, as all that comes of it, where the registry has no entry.
    gflops : float
        1e9 FLOP a second.
    peak_share : float
        Of the machine's peak; of products of bfloat16 of the peak of such.
    memory_share : float
        Of the machine's bandwidth. Above 1 the bytes came from caches.
    bound : {"compute", "memory", "cache", "neither", ""}
        What limited the kernel, as measured: "compute" if it reached half of the peak of the threads that ran it,
        "cache" if its bytes came faster than memory gives them, "memory" if it reached half of the bandwidth. "neither"
        is time spent on launching and waiting. Empty where no work is known.
    efficiency : float
        Share of `seconds` times threads in which threads were at work.
    simd : Counts or None
        Instructions of the hot loop; None where the CPU's are not known, or no entry names the kernel.
    """

    name: str
    layer: int | None
    equations: tuple[int, ...]
    product: bool
    calls: int
    seconds: float
    flop: int
    bytes: int
    gflops: float
    peak_share: float
    memory_share: float
    bound: str
    efficiency: float
    simd: Counts | None

    @classmethod
    def of(
        cls, cost: Cost, share: Share, ticks_a_second: float, steps: int, machine: Machine, simd: Counts | None
    ) -> KernelTimes:
        """Return what a kernel did in so many steps, its `share` in ticks."""
        seconds = share.time / ticks_a_second
        efficiency = share.busy / (share.time * machine.threads) if share.time else 0.0
        known = cost.name, cost.layer, cost.equations, cost.product, share.calls, seconds
        flop, nbytes = steps * cost.flop, steps * cost.bytes
        gflops = flop / seconds / 1e9 if seconds else 0.0
        pairs = cost.name.endswith("_bfloat16") and machine.bfloat16_gflops
        peak_share = gflops / (pairs or machine.peak_gflops)
        memory_share = nbytes / seconds / 1e9 / machine.bandwidth_gbs if seconds else 0.0
        bound = _bound(peak_share / efficiency, memory_share) if nbytes and efficiency else ""
        return cls(*known, flop, nbytes, gflops, peak_share, memory_share, bound, efficiency, simd)


def _bound(peak_share: float, memory_share: float) -> str:
    """Return what limits a kernel that reaches these shares of what the machine can do."""
    if peak_share >= REACHED:
        return "compute"
    if memory_share > 1:
        return "cache"
    return "memory" if memory_share >= REACHED else "neither"


@dataclass(frozen=True)
class StepTimes:
    """One step, on average.

    Parameters
    ----------
    count : int
        Steps taken with clocks.
    seconds : float
        With clocks.
    kernel_seconds, outside_seconds : float
        Of these, while any kernel ran, and while none did.
    seconds_unprofiled : float
        Of as many steps without clocks, taken in turns with the others.
    """

    count: int
    seconds: float
    kernel_seconds: float
    outside_seconds: float
    seconds_unprofiled: float


@dataclass(frozen=True)
class Compiling:
    """What was compiled for the profile, and how many kernels came from the cache instead."""

    seconds: float
    cache_hits: int


@dataclass(frozen=True, eq=False, repr=False)
class Profile:
    """What `fastbp.profile` measured; as text a table, the kernels that took longest first.

    Parameters
    ----------
    machine : Machine
        What it can do.
    kernels : list of KernelTimes
        One a kernel and layer.
    step : StepTimes
    compile : Compiling
    slices : ndarray of shape (slices, 4)
        Of the last steps, which kernel ran when: thread, number in `kernels`, start and end in seconds.
    """

    machine: Machine
    kernels: list[KernelTimes]
    step: StepTimes
    compile: Compiling
    slices: np.ndarray

    def __str__(self) -> str:
        return table(self)

    def __repr__(self) -> str:
        step = f"{self.step.count} steps of {duration(self.step.seconds)}"
        return f"<fastbp.Profile: {len(self.kernels)} kernels, {step}>"

    def _repr_html_(self) -> str:
        first, *rest = str(self).splitlines()
        rows = (cells(kernel, self.step) for kernel in self.kernels)
        return shown.table(HEAD, rows, first) + shown.listed(rest[len(self.kernels) + 3 :])

    def to_dict(self) -> dict[str, Any]:
        """Return what `save` writes: "machine", "kernels", "step" and "compile", all of them plain numbers and text."""
        parts = {"machine": self.machine, "kernels": self.kernels, "step": self.step, "compile": self.compile}
        return {name: _plain(part) for name, part in parts.items()}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the profile to a JSON file, whole or not at all. `fastbp profile --compare` reads two of them.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError
            If the file cannot be written. What was there is left as it was.
        """
        _write(path, json.dumps(self.to_dict(), indent=1))

    def trace(self, path: str | os.PathLike[str]) -> None:
        """Write the last steps as a trace that Perfetto and chrome://tracing open, one track for each thread.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError
            If the file cannot be written. What was there is left as it was.
        """
        _write(path, json.dumps(trace_events(self)))


def _write(path: str | os.PathLike[str], text: str) -> None:
    write_whole(f"{text}\n".encode(), path)


def _plain(part: Any) -> Any:
    return [_plain(each) for each in part] if isinstance(part, list) else asdict(part)
