"""How to take a profiled run under Linux perf, which counts what no clock sees."""

from __future__ import annotations

import shlex

from ...kernels.compiler.perf_map import WANTED

_TEXT = """\
Linux perf counts what no clock sees: cycles, cache misses, branches. It cannot name compiled kernels itself;
where {wanted} is set, fastbp writes their names into /tmp/perf-<process>.map, where perf looks.

    {wanted}=1 perf record -o fastbp.perf -- {command}
    perf report -i fastbp.perf --sort symbol
    perf stat -d -- {command}

Any other program that computes with fastbp can be taken like this, too: {wanted}=1 perf record -- python train.py
In a virtual machine that has no counters, add -e cpu-clock after record. Where perf is not allowed, the system's
administrator can allow it: sysctl kernel.perf_event_paranoid=2"""


def how_to(arguments: list[str]) -> str:
    """Return what to type for a profile with these arguments."""
    return _TEXT.format(wanted=WANTED, command=shlex.join(["fastbp", "profile", *arguments]))
