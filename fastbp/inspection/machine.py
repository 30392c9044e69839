"""What this machine is, as far as the system tells."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from ..kernels.library.loading import library

UNKNOWN_CACHE = 64 << 20  # bytes taken for the last cache where the system tells none


def cpu_name() -> str:
    """Return the CPU's name as the system has it, and as LLVM does where that is installed."""
    name = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or an architecture whose CPUs bear no name there
    name = name or platform.machine()
    try:
        from llvmlite import binding
    except ImportError:
        return name
    return f"{name} ({binding.get_host_cpu_name()})"


def simd_bits() -> int:
    """Return the width in bits of the vectors that fast kernels compute on."""
    found = library()
    if found:
        return found.simd_bits
    from ..execution import plain_loops

    return plain_loops.simd_bits()


def last_cache_bytes() -> int:
    """Return the size of the largest cache that the system knows of."""
    sizes = [UNKNOWN_CACHE]
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = re.fullmatch(r"(\d+)K\s*", path.read_text())
        sizes += [int(text.group(1)) << 10] if text else []
    return max(sizes[1:] or sizes)
