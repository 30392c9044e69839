"""What a race ran on: the CPU, its threads and the versions of the libraries."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import TypedDict

import libraries

DISTRIBUTIONS = {
    "fastbp": ["fastbp", "numba"],
    "jax": ["jax"],
    "torch": ["torch"],
    "torch_compile": ["torch"],
    "sklearn": ["scikit-learn"],
    "onnxruntime": ["onnxruntime"],
}


class Machine(TypedDict):
    """A machine as results name it."""

    cpu: str
    target: str  # LLVM's name of the kind of CPU
    threads: int
    system: str


def describe() -> Machine:
    """Return what this machine is."""
    from llvmlite import binding

    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or a CPU without a name
    return {
        "cpu": cpu,
        "target": binding.get_host_cpu_name(),
        "threads": libraries.cpus(),
        "system": platform.system(),
    }


def versions(names: list[str]) -> dict[str, str]:
    """Return the versions of Python and of what these competitors run, as far as it is installed."""
    found = {"Python": platform.python_version()}
    for distribution in dict.fromkeys(name for entrant in names for name in DISTRIBUTIONS[entrant]):
        try:
            found[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def in_words(machine: Machine, versions: dict[str, str], date: str) -> str:
    """Return a line that names the machine, the versions and the day."""
    threads = machine["threads"]
    of_cpu = f"{machine['cpu']} ({machine['target']}), {threads} thread{'s' * (threads > 1)}, {machine['system']}"
    return ", ".join([of_cpu, *(f"{name} {version}" for name, version in versions.items()), date])
