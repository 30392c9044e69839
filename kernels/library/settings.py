"""Settings of the environment that decide how kernels are compiled, read as Numba reads them, without importing it."""

import os
from typing import Any

VARIABLES = (
    "BOUNDSCHECK", "CPU_FEATURES", "CPU_NAME", "DEBUGINFO", "DISABLE_JIT", "ENABLE_AVX", "LOOP_VECTORIZE", "OPT",
    "SLP_VECTORIZE",
)  # fmt: skip
SWITCHES = "BOUNDSCHECK", "DEBUGINFO", "DISABLE_JIT"  # off by default, as "0" says, too
FILE = ".numba_config.yaml"  # of the working directory, in which the same may stand
CHOICE = "FASTBP_LIBRARY"  # "off", or the level of CPU whose library is to be used


def _number(variable, default=0):
    try:
        return int(os.environ.get(variable, default))
    except ValueError:
        return default


BOUNDSCHECK = bool(_number("NUMBA_BOUNDSCHECK"))
INTERPRETED = bool(_number("NUMBA_DISABLE_JIT"))  # plain loops run as Python, for a debugger


def check_switches(config: Any) -> None:
    """Raise ImportError where Numba's configuration, which its file may set, says other than its variables."""
    for name, ours in (("BOUNDSCHECK", BOUNDSCHECK), ("DISABLE_JIT", INTERPRETED)):
        if bool(getattr(config, name)) != ours:
            found, wanted = getattr(config, name), "0" if ours else "1"
            raise ImportError(
                f"numba.config.{name} is {found!r} and the variable NUMBA_{name} says otherwise: "
                f"set NUMBA_{name}={wanted} in the environment, and not in {FILE} or in Python"
            )


def compiles_anew() -> bool:
    """Whether Numba is asked to compile in its own way, so that no library will do."""
    return any(map(_asked, VARIABLES)) or os.path.exists(FILE)


def _asked(name):
    value = os.environ.get(f"NUMBA_{name}")
    return value not in (None, "", "0") if name in SWITCHES else bool(value)


def n_cpus() -> int:
    """Return the number of CPUs of this process, or what NUMBA_NUM_THREADS says."""
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, _number("NUMBA_NUM_THREADS", cpus))
