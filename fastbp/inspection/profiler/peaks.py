"""What this machine can do now: multiplications a second, and bytes a second from memory and back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...execution import plain_loops
from ...kernels.bfloat16 import peak
from ...kernels.machine import peaks
from ...kernels.machine.tiles import LINE
from .. import machine

SPIN_SECONDS = 0.002, 0.01, 0.06  # where others compute, short ones are left alone now and then, long ones moved away
BUDGET_SECONDS = 0.4  # for as many rounds as that holds: the best counts, as whatever else happens only takes away
BUSY = 0.9  # share of its threads' time that a process gets: below, other programs compute
BEYOND_CACHE = 4  # times the last cache: of each of the three arrays together
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Machine:
    """What a profile's shares are shares of.

    Parameters
    ----------
    cpu : str
    threads : int
        Of the measurements and of the profile.
    simd_bits : int
        Width of the vectors that compiled code uses.
    peak_gflops : float
        Fused multiplications and additions in registers, two FLOP each, 1e9 a second.
    bandwidth_gbs : float
        From and to memory, 1e9 bytes a second: a <- b + s c, three arrays.
    bfloat16_gflops : float
        Likewise of products of bfloat16; 0 where none were measured, as the profile has none.
    granted : float
        Share of the threads' time that the CPU gave them while it was measured, the least of all measurements.
    """

    cpu: str
    threads: int
    simd_bits: int
    peak_gflops: float
    bandwidth_gbs: float
    bfloat16_gflops: float = 0.0
    granted: float = 1.0

    @property
    def busy(self) -> bool:
        """Whether other programs computed at the same time, so that peaks and times are not those of the machine."""
        return self.granted < BUSY

    @property
    def ridge(self) -> float:
        """FLOP a byte, from which arithmetic holds a kernel up and not memory."""
        return self.peak_gflops / self.bandwidth_gbs

    def best(self, other: Machine) -> Machine:
        """Return the better of two measurements of the same machine."""
        peak, bandwidth = max(self.peak_gflops, other.peak_gflops), max(self.bandwidth_gbs, other.bandwidth_gbs)
        pairs, granted = max(self.bfloat16_gflops, other.bfloat16_gflops), min(self.granted, other.granted)
        return replace(self, peak_gflops=peak, bandwidth_gbs=bandwidth, bfloat16_gflops=pairs, granted=granted)


def measure(n_threads: int, dtype: np.dtype, precision: str | None = None) -> Machine:
    """Measure this machine with numbers of this dtype, and products of this precision, too."""
    peak_gflops(n_threads, dtype, SPIN_SECONDS[:1])  # compiles
    start, used = time.perf_counter(), time.process_time()
    fused = peak_gflops(n_threads, dtype)
    granted = min(1.0, (time.process_time() - used) / (time.perf_counter() - start) / n_threads)
    bandwidth = bandwidth_gbs(n_threads, dtype)
    pairs = bfloat16_gflops(n_threads) if precision else 0.0
    return Machine(machine.cpu_name(), n_threads, plain_loops.simd_bits(), fused, bandwidth, pairs, granted)


def peak_gflops(n_threads: int, dtype: np.dtype, lengths: tuple[float, ...] = SPIN_SECONDS) -> float:
    """Measure multiplications and additions in registers, in 1e9 FLOP a second, by runs of these lengths."""
    numbers = np.ones(n_threads * peaks.CHAINS * LINE // dtype.itemsize, dtype)

    def spin(turns: int) -> None:
        plain_loops.launch(peaks.spin, numbers, n_threads, turns, n_threads=n_threads)

    return 2 * numbers.size / _turn(spin, lengths) / 1e9


def bfloat16_gflops(n_threads: int, lengths: tuple[float, ...] = SPIN_SECONDS) -> float:
    """Measure products of bfloat16 in registers, as this machine computes them, likewise: four FLOP a pair."""
    size = n_threads * peak.CHAINS * LINE // 4
    sums, pairs = np.zeros(size, np.float32), np.arange(size, dtype=np.int32)  # alike chains would be merged

    def spin(turns: int) -> None:
        plain_loops.launch(peak.spin_pairs, sums, pairs, n_threads, turns, n_threads=n_threads)

    return 4 * size / _turn(spin, lengths) / 1e9


def _turn(spin: Callable[[int], None], lengths: tuple[float, ...]) -> float:
    """Return the seconds of a turn, the least that runs of these lengths take."""
    spin(1)  # compiles
    best = _best(partial(spin, 10_000), 0.0) / 10_000  # seconds a turn
    for seconds in lengths:
        turns = max(1, int(seconds / best))
        best = min(best, _best(partial(spin, turns), BUDGET_SECONDS / len(SPIN_SECONDS)) / turns)
    return best


def bandwidth_gbs(n_threads: int, dtype: np.dtype) -> float:
    """Measure bytes read and written over more memory than the last cache holds, in 1e9 a second."""
    total = min(MOST_BYTES, BEYOND_CACHE * machine.last_cache_bytes())
    a, b, c = (np.ones(total // 3 // dtype.itemsize, dtype) for _ in range(3))

    def triad() -> None:
        plain_loops.launch(peaks.triad, a, b, c, dtype.type(3), n_threads=n_threads)

    triad()
    return 3 * a.nbytes / _best(triad, BUDGET_SECONDS) / 1e9


def _best(function: Callable[[], None], budget: float) -> float:
    """Return the seconds that the shortest of one or more calls takes."""
    end, best = time.perf_counter() + budget, _seconds(function)
    while time.perf_counter() < end:
        best = min(best, _seconds(function))
    return best


def _seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
