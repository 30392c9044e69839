"""The benchmark of one kernel, and the loop that makes one of every kernel in the registry."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from fastbp.kernels.registry import KERNELS

from . import VERSION

try:
    from fastbp.kernels.registry.bfloat16 import BFLOAT16_KERNELS
except ImportError:  # the measured version is an earlier one
    BFLOAT16_KERNELS = {}
ENTRIES = KERNELS | BFLOAT16_KERNELS

SHAPES, DTYPES = ["32-64-10", "33-101-37", "128-784-512"], ["float32", "float64"]
VARIANTS = {"kernels": ["fast", "twin"], "plain": ["serial", "parallel"]}  # by the module that measures them
CALLED = {"twin": "reference"}  # variants whose name in the registry has changed: here it is part of the history
SPELLINGS = {"sgd": "SGD", "adamw": "AdamW", "rmsprop": "RMSprop"}  # all other words are capitalized


class KernelBenchmark(ABC):
    """Time of one registered kernel in its variants, at a small, an odd and a large shape.

    Packing is not in the time. A variant that the measured version lacks is skipped, but stays a parameter: asv tells
    parameters apart by their place. The class is abstract, since asv runs every class that is not.
    """

    version = VERSION

    @property
    @abstractmethod
    def kernel(self) -> str:
        """Name in the registry."""

    param_names = ["B-I-O", "dtype", "variant"]
    params: Any

    def setup(self, shape, dtype, variant):
        entry: Any = ENTRIES.get(self.kernel)
        known = getattr(entry, "variants", {})
        called = next((name for name in (CALLED.get(variant), variant) if name in known), None)
        if called is None:
            raise NotImplementedError(f"no {self.kernel} here that is {variant}")
        if self.kernel in BFLOAT16_KERNELS and dtype != "float32":
            raise NotImplementedError(f"{self.kernel} is of float32 alone")
        B, I, O = map(int, shape.split("-"))
        arguments = entry.sample(B, I, O, dtype, np.random.default_rng(0))
        self.prepared = known[called](*arguments)
        self.run = self.prepared.__enter__()
        self.time_kernel(shape, dtype, variant)  # compiles, and touches every page

    def time_kernel(self, shape, dtype, variant):
        self.run()


def make_benchmarks(module: str) -> dict[str, type[KernelBenchmark]]:
    """Return a benchmark class for each kernel that a module measures, by the name of the class.

    Parameters
    ----------
    module : "benchmarks.kernels", which measures the fast kernels, or "benchmarks.plain", which measures the rest
    """
    fast = "fast" in VARIANTS[_last(module)]
    measured = [name for name in ENTRIES if name.startswith("fast_") == fast]
    return {class_name(name): _make(module, class_name(name), name) for name in measured}


def make_skipped(module: str, name: str) -> type[KernelBenchmark]:
    """Return a benchmark class that skips itself; AttributeError unless this is the name of a class.

    asv asks for classes by the names that the newest version's registry gives them. An older version has fewer.
    """
    if not name[:1].isupper():
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    return _make(module, name, name)


def class_name(kernel: str) -> str:
    """Return the class name of a kernel's benchmark: `FastSGDUpdate` measures "fast_sgd_update"."""
    return "".join(SPELLINGS.get(word, word.capitalize()) for word in kernel.split("_"))


def _make(module: str, name: str, kernel: str) -> type[KernelBenchmark]:
    params = (SHAPES, DTYPES, VARIANTS[_last(module)])
    return type(name, (KernelBenchmark,), {"__module__": module, "kernel": kernel, "params": params})


def _last(module: str) -> str:
    return module.rpartition(".")[2]
