"""What the benchmark classes share."""

import numpy as np

from fastbp.kernels.registry import KERNELS


class KernelBenchmark:
    """Time of one registered kernel, serial and parallel, at a small, an odd and a large shape."""

    kernel: str
    param_names = ["B-I-O", "dtype", "loops"]
    params = (["32-64-10", "33-101-37", "128-784-512"], ["float32", "float64"], ["serial", "parallel"])

    def setup(self, shape, dtype, loops):
        entry = KERNELS[self.kernel]
        B, I, O = map(int, shape.split("-"))
        self.arguments = entry.sample(B, I, O, dtype, np.random.default_rng(0))
        if entry.arguments.endswith("rate"):  # an update by nothing: repeated, it does not drift
            self.arguments[-1] *= 0
        self.run = getattr(entry.kernel, loops)
        self.time_kernel(shape, dtype, loops)  # compiles, and touches every page

    def time_kernel(self, shape, dtype, loops):
        self.run(*self.arguments)
