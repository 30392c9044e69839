"""No library but the machine: the fused multiply-adds its cores can do, the yardstick of the others."""

import threading
import time

import numba
import numpy as np

from fastbp.kernels.entries.functions import fma
from fastbp.kernels.machine.memory import as_vector
from fastbp.kernels.machine.registers import FEATURES
from fastbp.kernels.machine.tiles import lanes, load, store, zeros

from . import Case, Data, cpus

SPIN_SECONDS = 0.05


class Entrant:
    """Every core adds products to vectors that stay in registers; `flop` is what an epoch of that comes to."""

    def __init__(self, case: Case, data: Data) -> None:
        self.spin, vectors = make_spin()
        self.memory = [np.full(vectors * 64 // data.X.itemsize, 0.5, case.dtype) for _ in range(cpus())]
        n = 1000
        while self.seconds(n) < SPIN_SECONDS / 10:
            n *= 2
        self.n = int(n * SPIN_SECONDS / self.seconds(n))
        self.flop = 2 * self.n * sum(a.size for a in self.memory)

    def seconds(self, n):
        self.spin(self.memory[0], 1)
        start = time.perf_counter()
        self.spin(self.memory[0], n)
        return time.perf_counter() - start

    def epoch(self):
        threads = [threading.Thread(target=self.spin, args=(a, self.n)) for a in self.memory]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def make_spin():
    """Return a kernel that adds n products to each of some vectors, and how many vectors: all that registers hold."""
    vectors = 16 if "+avx512f" in FEATURES else 6 if "+avx" in FEATURES or "+neon" in FEATURES else 3

    @numba.njit(nogil=True)
    def spin(array, n):
        a = as_vector(array)
        t = load(a, 0, lanes(a), 0, zeros(a, vectors, 1))
        for _ in range(n):
            t = fma(t, 0.5, 0.5)
        store(a, 0, lanes(a), 0, t)

    return spin, vectors
