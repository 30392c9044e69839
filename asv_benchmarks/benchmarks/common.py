"""What the benchmark classes share."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from fastbp.kernels.registry import KERNELS

from . import VERSION


class KernelBenchmark(ABC):
    """Time of one registered kernel in its variants, at a small, an odd and a large shape.

    A plain loop runs serial and parallel, a fast kernel beside its plain twin. Packing is not in the time. What the
    version that is measured has not is skipped: parameters are the same for all, since asv tells them by their place.
    """

    version = VERSION

    @property
    @abstractmethod
    def kernel(self) -> str:
        """Name in the registry. Abstract, as asv runs every class that is not."""

    param_names = ["B-I-O", "dtype", "variant"]
    params: Any

    def __init_subclass__(cls) -> None:
        shapes = ["32-64-10", "33-101-37", "128-784-512"]
        variants = ["fast", "twin"] if str(cls.kernel).startswith("fast_") else ["serial", "parallel"]
        cls.params = (shapes, ["float32", "float64"], variants)

    def setup(self, shape, dtype, variant):
        entry: Any = KERNELS.get(self.kernel)
        if variant not in getattr(entry, "variants", ()):
            raise NotImplementedError(f"no {self.kernel} here that is {variant}")
        B, I, O = map(int, shape.split("-"))
        arguments = entry.sample(B, I, O, dtype, np.random.default_rng(0))
        self.prepared = entry.variants[variant](*arguments)
        self.run = self.prepared.__enter__()
        self.time_kernel(shape, dtype, variant)  # compiles, and touches every page

    def time_kernel(self, shape, dtype, variant):
        self.run()
