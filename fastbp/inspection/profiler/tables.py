"""A profile as text, and two of them side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .result import KernelTimes, Profile, StepTimes

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
HEAD = (
    "kernel",
    "layer",
    "calls",
    "time",
    "share",
    "MFLOP",
    "kB",
    "GFLOP/s",
    "of peak",
    "bound",
    "threads",
    "equations",
)
_LEFT = {0, 9, 11}  # columns of text
_OF_STEP = {"kernel_seconds": "in kernels", "seconds": "step", "seconds_unprofiled": "step without clocks"}


def table(profile: Profile) -> str:
    """Return the profile as text: calls, time, FLOP and bytes are those of one step."""
    machine, step = profile.machine, profile.step
    threads = f"{machine.threads} thread{'s' * (machine.threads > 1)}"
    pairs = f"of bfloat16 {machine.bfloat16_gflops:.0f}, " if machine.bfloat16_gflops else ""
    known = f"peak {machine.peak_gflops:.0f} GFLOP/s, {pairs}memory {machine.bandwidth_gbs:.1f} GB/s"
    cost = step.seconds / step.seconds_unprofiled - 1
    lines = [
        f"{machine.cpu}, {threads}, {machine.simd_bits}-bit vectors: {known}",
        "",
        *aligned([HEAD, *(cells(kernel, step) for kernel in profile.kernels)], _LEFT),
        "",
        f"{step.count:,} steps of {duration(step.seconds)}: {duration(step.kernel_seconds)} in kernels "
        f"({step.kernel_seconds / step.seconds:.1%}), {duration(step.outside_seconds)} outside; "
        f"without clocks {duration(step.seconds_unprofiled)} ({cost:+.1%} for the clocks)",
        f"compiled for {profile.compile.seconds:.1f} s, {profile.compile.cache_hits} kernels from the cache",
        *notes(profile),
    ]
    return "\n".join(lines)


def notes(profile: Profile) -> list[str]:
    """Return what to know of the numbers: whether the machine was busy, and what prefetching is."""
    machine, found = profile.machine, []
    above = [kernel for kernel in profile.kernels if kernel.peak_share > 1]
    if machine.busy:
        found.append(
            f"The machine was busy: threads got {machine.granted:.0%} of their time while its peak was measured. "
            "Peaks are too low, shares of them too high and times too long; repeat it when nothing else runs."
        )
    elif above:
        found.append(
            f"{above[0].name} is above 100 % of the peak, so the machine was slower while its peak was measured, as "
            "when other programs run or the clock changes; repeat it."
        )
    if any(kernel.name == "prefetch_rows" for kernel in profile.kernels):
        found.append(
            "prefetch_rows asks for the next minibatch's rows of X while this one is computed, so that gather finds "
            "them in the cache. It computes nothing and waits for nothing: its time is that of asking."
        )
    return found


def cells(kernel: KernelTimes, step: StepTimes) -> tuple[str, ...]:
    """Return a row below `HEAD`: calls, time, FLOP and bytes are those of one step."""
    seconds, known = kernel.seconds / step.count, ("",) * 5
    if kernel.bytes:
        work = f"{kernel.flop / step.count / 1e6:.4g}", f"{kernel.bytes / step.count / 1e3:.4g}"
        known = (*work, f"{kernel.gflops:.3g}", f"{kernel.peak_share:.0%}", kernel.bound)
    return (
        kernel.name,
        "" if kernel.layer is None else str(kernel.layer),
        f"{kernel.calls / step.count:.4g}",
        duration(seconds),
        f"{seconds / step.seconds:.1%}",
        *known,
        f"{kernel.efficiency:.0%}",
        spans(kernel.equations),
    )


def compared(a: dict[str, Any], b: dict[str, Any]) -> str:
    """Return two profiles, as `Profile.to_dict` has them, side by side: seconds of one step."""
    steps = a["step"]["count"], b["step"]["count"]
    times = [
        {(row["name"], row["layer"]): row["seconds"] / count for row in part["kernels"]}
        for part, count in zip((a, b), steps, strict=True)
    ]
    keys = sorted({*times[0], *times[1]}, key=lambda key: -max(each.get(key, 0.0) for each in times))
    rows: list[Sequence[str]] = [("kernel", "layer", "A", "B", "B / A")]
    for key in keys:
        name, layer = key
        rows.append((name, "" if layer is None else str(layer), *_pair(*(each.get(key) for each in times))))
    for word, title in _OF_STEP.items():
        rows.append((title, "", *_pair(a["step"][word], b["step"][word])))
    lines = aligned(rows, {0})
    if any(a["machine"][word] != b["machine"][word] for word in ("cpu", "threads", "simd_bits")):
        lines.append("The two are of different machines or numbers of threads.")
    peaks = "peak A {:.0f}, B {:.0f} GFLOP/s; memory A {:.1f}, B {:.1f} GB/s"
    lines.append(peaks.format(*(part["machine"][word] for word in ("peak_gflops", "bandwidth_gbs") for part in (a, b))))
    return "\n".join(lines)


def _pair(a: float | None, b: float | None) -> tuple[str, str, str]:
    ratio = f"{b / a:.2f}" if a and b is not None else ""
    return "" if a is None else duration(a), "" if b is None else duration(b), ratio


def duration(seconds: float) -> str:
    """Return a time with a unit that fits: three digits."""
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= size), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def spans(numbers: Iterable[int]) -> str:
    """Return whole numbers in order, what follows one another as from-to: 6-8, 40."""
    runs = groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])
    parts = [[number for _, number in run] for _, run in runs]
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def aligned(rows: Iterable[Sequence[str]], left: set[int]) -> list[str]:
    """Return rows of cells as lines, the columns in `left` aligned to the left."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" if number in left else f"{cell:>{width}}"
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
