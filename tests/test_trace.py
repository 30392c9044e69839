"""The trace is what the Trace Event Format asks for: a validator after its specification, and what it says of a trace.

https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

import json
from itertools import pairwise

import numpy as np
import pytest

import fastbp
from fastbp.inspection.profiler import steps, traces
from fastbp.inspection.profiler.peaks import Machine
from fastbp.inspection.profiler.result import Compiling, KernelTimes, Profile, StepTimes

METADATA = {"process_name": "name", "thread_name": "name", "thread_sort_index": "sort_index"}


def faults(trace):
    """Return what is wrong with a trace in JSON Object Format of metadata and complete events; [] if nothing."""
    if not isinstance(trace, dict) or not isinstance(trace.get("traceEvents"), list):
        return ["no list traceEvents"]
    found = [] if trace.get("displayTimeUnit", "ms") in ("ms", "ns") else ["displayTimeUnit"]
    tracks = {}
    for number, event in enumerate(trace["traceEvents"]):
        wrong = _faults_of(event)
        found += [f"event {number}: {fault}" for fault in wrong]
        if not wrong and event["ph"] == "X":
            tracks.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    for track, slices in tracks.items():
        for (_, end), (start, _) in pairwise(sorted(slices)):
            if start < end - 1e-6:  # microseconds: a picosecond of rounding
                found.append(f"track {track}: {start} overlaps {end}")
    return found


def _faults_of(event):
    whole = {"pid", "tid"}
    if not isinstance(event, dict) or event.get("ph") not in ("M", "X"):
        return ["no phase M or X"]
    wrong = [name for name in whole if type(event.get(name)) is not int]
    wrong += [] if isinstance(event.get("name"), str) and event["name"] else ["name"]
    wrong += [] if isinstance(event.get("args", {}), dict) else ["args"]
    if event["ph"] == "M":
        argument = METADATA.get(event.get("name"))
        return wrong if argument in event.get("args", {}) else [*wrong, "metadata"]
    wrong += [] if isinstance(event.get("cat", ""), str) else ["cat"]
    times = [event.get(name) for name in ("ts", "dur")]
    if not all(type(time) in (int, float) and np.isfinite(time) for time in times) or times[1] < 0:
        wrong.append("times")
    return wrong


GOOD = {"ph": "X", "name": "a", "pid": 1, "tid": 0, "ts": 1.0, "dur": 2.0}


@pytest.mark.parametrize(
    "events",
    [
        [GOOD, GOOD | {"ts": 2.5}],
        [GOOD | {"dur": -1}],
        [GOOD | {"ts": "1"}],
        [GOOD | {"pid": None}],
        [GOOD | {"name": ""}],
        [GOOD | {"ph": "Y"}],
        [{"ph": "M", "name": "thread_name", "pid": 1, "tid": 0, "args": {}}],
        [3],
    ],
)
def test_the_validator_finds(events):
    assert len(faults({"traceEvents": events})) == 1


def test_the_validator_lets_pass():
    named = {"ph": "M", "name": "thread_name", "pid": 1, "tid": 0, "args": {"name": "a"}}
    assert faults({"traceEvents": [named, GOOD, GOOD | {"tid": 1}, GOOD | {"ts": 3.0}]}) == []
    assert faults([]) == faults({"traceEvents": 3}) == ["no list traceEvents"]


def test_slices_become_events():
    row = KernelTimes("fast_linear", 2, (6, 7, 8, 40), True, 2, 3e-6, 1, 1, 1.0, 0.1, 0.1, "compute", 1.0, None)
    slices = np.array([(1, 1, 2e-6, 2.0000004e-6), (0, 0, 1.5e-6, 2e-6), (0, 1, 2e-6, 3e-6)])
    rows = [row, KernelTimes("fast_gather", None, (), False, 1, 1e-6, 1, 1, 1.0, 0.1, 0.9, "memory", 1.0, None)]
    times = StepTimes(1, 4e-6, 4e-6, 0.0, 4e-6)
    trace = traces.trace_events(Profile(Machine("", 2, 512, 1.0, 1.0), rows, times, Compiling(0.0, 0), slices))
    assert faults(trace) == []
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert [(event["name"], event["tid"], event["ts"], event["dur"]) for event in events] == [
        ("fast_linear layer 2", 0, 1.5, 0.5),
        ("fast_gather", 0, 2.0, 1.0),
        ("fast_gather", 1, 2.0, 0.0),
    ]
    assert events[0]["args"] == {"equations": "6-8, 40"}


@pytest.mark.parametrize("sizes, batch_size", [((131, 67, 37, 10), 97), ((37, 61, 10), 300)])
def test_a_trace_of_real_steps_has_no_fault_and_every_kernel_on_it(sizes, batch_size, tmp_path, monkeypatch, rng):
    monkeypatch.setattr(steps, "measure", lambda n_threads, dtype, precision: Machine("", n_threads, 512, 1.0, 1.0))
    monkeypatch.setattr(steps, "counts", lambda name, dtype: None)
    X, y = rng.standard_normal((2 * batch_size, sizes[0])), rng.integers(0, 10, 2 * batch_size)
    profile = fastbp.profile(fastbp.Model(sizes, seed=0), X, y, batch_size=batch_size, steps=4)
    profile.trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert faults(trace) == []
    assert {event["cat"] for event in trace["traceEvents"] if event["ph"] == "X"} == {k.name for k in profile.kernels}
    ends = [event["ts"] + event["dur"] for event in trace["traceEvents"] if event["ph"] == "X"]
    assert max(ends) <= 1e6 * profile.step.seconds * profile.step.count + 1e-3
