"""A profile's last steps in the Trace Event Format, which Perfetto and chrome://tracing open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .tables import spans

if TYPE_CHECKING:
    from .result import KernelTimes, Profile

PROCESS = 1


def trace_events(profile: Profile) -> dict[str, Any]:
    """Return the trace: a track for each thread, a complete event ("X") for each run of a kernel, in microseconds."""
    threads = range(profile.machine.threads)
    events: list[dict[str, Any]] = [_named("process_name", 0, "fastbp")]
    events += [_named("thread_name", thread, f"thread {thread}") for thread in threads]
    labels = [(_label(kernel), kernel.name, {"equations": spans(kernel.equations)}) for kernel in profile.kernels]
    for thread, number, start, end in sorted(profile.slices.tolist(), key=lambda each: (each[0], each[2])):
        name, category, args = labels[int(number)]
        # whole nanoseconds, so that what ends where the next begins does not overlap it by rounding
        began, ended = round(start * 1e9), round(end * 1e9)
        times = {"ts": began / 1e3, "dur": (ended - began) / 1e3}
        known = {"name": name, "cat": category, "args": args}
        events.append({**known, "ph": "X", "pid": PROCESS, "tid": int(thread), **times})
    return {"traceEvents": events, "displayTimeUnit": "ns"}


def _named(what: str, thread: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": PROCESS, "tid": thread, "args": {"name": name}}


def _label(kernel: KernelTimes) -> str:
    return kernel.name if kernel.layer is None else f"{kernel.name} layer {kernel.layer}"
