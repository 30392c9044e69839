"""What the profiler says of its numbers: what bound a kernel, whether the machine was busy, what prefetching is."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fastbp.inspection.profiler import peaks, result, shares, tables
from fastbp.inspection.profiler.costs import Cost

MACHINE = peaks.Machine("a CPU", 2, 512, 200.0, 40.0)


def kernel(flop, nbytes, seconds, busy=None, name="fast_linear"):
    """A kernel of one step; `busy` is the time of both threads together."""
    cost, share = Cost(name, 1, (), True, flop, nbytes), shares.Share(1, seconds, 2 * seconds if busy is None else busy)
    return result.KernelTimes.of(cost, share, 1.0, 1, MACHINE, None)


@pytest.mark.parametrize(
    ("flop", "nbytes", "busy", "bound"),
    [
        (150e9, 1e9, 2.0, "compute"),  # 75 % of the peak
        (60e9, 1e9, 1.0, "compute"),  # 60 % of what the one thread that ran can do
        (60e9, 1e9, 2.0, "neither"),  # far below both
        (60e9, 30e9, 2.0, "memory"),  # 75 % of the bandwidth
        (60e9, 90e9, 2.0, "cache"),  # more than memory gives
        (0, 30e9, 2.0, "memory"),
        (0, 0, 2.0, ""),  # unknown
        (190e9, 1e6, 2.0, "compute"),
        (1e9, 1e6, 2.0, "neither"),  # many FLOP a byte, but slow: not what arithmetic held up
    ],
)
def test_what_bound_a_kernel_is_what_it_reached(flop, nbytes, busy, bound):
    found = kernel(flop, nbytes, 1.0, busy)
    assert found.bound == bound
    assert found.memory_share == pytest.approx(nbytes / 40e9) and found.peak_share == pytest.approx(flop / 200e9)


def profile(machine, *kernels):
    step = result.StepTimes(1, 2.0, 1.5, 0.5, 1.9)
    return result.Profile(machine, list(kernels), step, result.Compiling(0.0, 3), np.empty((0, 4)))


def test_a_busy_machine_is_named():
    quiet, busy = (
        profile(MACHINE, kernel(1e9, 1e9, 1.0)),
        profile(replace(MACHINE, granted=0.62), kernel(1e9, 1e9, 1.0)),
    )
    assert tables.notes(quiet) == [] and not quiet.machine.busy
    (note,) = tables.notes(busy)
    assert note.startswith("The machine was busy: threads got 62% of their time") and note in str(busy)
    assert note in busy._repr_html_() and busy.to_dict()["machine"]["granted"] == 0.62


def test_shares_above_the_peak_are_explained():
    (note,) = tables.notes(profile(MACHINE, kernel(220e9, 1e9, 1.0)))
    assert note.startswith("fast_linear is above 100 % of the peak")


def test_prefetching_is_explained_where_it_is_listed():
    (note,) = tables.notes(profile(MACHINE, kernel(0, 0, 1.0, name="prefetch_rows")))
    assert note.startswith("prefetch_rows asks for the next minibatch's rows")


def test_the_worse_of_two_measurements_tells_whether_the_machine_was_busy():
    assert replace(MACHINE, granted=0.95).best(replace(MACHINE, granted=0.5)).granted == 0.5
    assert replace(MACHINE, granted=0.5).best(MACHINE).busy and not replace(MACHINE, granted=0.9).busy


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_threads_time_is_compared_with_the_clock(share, monkeypatch):
    spent = SimpleNamespace(perf_counter=time.perf_counter, process_time=lambda: share * 2 * time.perf_counter())
    monkeypatch.setattr(peaks, "time", spent)
    monkeypatch.setattr(peaks, "bandwidth_gbs", lambda n_threads, dtype: 1.0)
    monkeypatch.setattr(peaks, "peak_gflops", lambda n_threads, dtype, lengths=(): time.sleep(0.01) or 1.0)
    found = peaks.measure(2, np.dtype("float32"))
    assert found.granted == pytest.approx(share, rel=0.01) and found.busy == (share < 1)
