"""Steps with a clock around each kernel: the same bits as without, and times that add up."""

import importlib
import math

import numpy as np
import pytest
from profiles import NETWORKS, rows

import fastbp
from fastbp import threads
from fastbp.kernels import clock, clocked
from fastbp.profiler import shares
from fastbp.profiler.clocked_plan import ClockedPlan
from fastbp.samples import Labelled, Samples

# ---- the clock, and steps with it ----------------------------------------------------------------------------------


def test_the_clock_goes_on():
    readings = [clock.read_clock() for _ in range(100)]
    assert clock.KNOWN and sorted(readings) == readings and readings[-1] > readings[0]


@pytest.mark.parametrize("n_threads", [1, None])
@pytest.mark.parametrize("number", range(len(NETWORKS)))
def test_steps_with_clocks_leave_the_same_bits(number, n_threads, rng):
    (sizes, batch_size, settings), dtype = NETWORKS[number], np.dtype(("float32", "float64")[number % 2])
    model = fastbp.Model(sizes, seed=0, dtype=dtype, n_threads=n_threads, **settings)
    X, y = rows(model, 3 * batch_size + 1, rng)
    plan, order, results = ClockedPlan(model.network, dtype, model._optimizer, n_threads), np.arange(len(y)), []
    for clocks in False, True, False:
        plan.load(model._flat)
        plan.set_slots({})
        plan.steps, plan.clocks = 0, clocks
        for _ in plan.train_epoch(Labelled(Samples(X), y), order, batch_size):
            pass
        results.append(plan.P.tobytes())
    assert results[0] == results[1] == results[2]
    assert plan.steps_done == {False: 8, True: 4} and plan.seconds[True] > 0


@pytest.mark.parametrize("sizes, batch_size, settings", NETWORKS)
def test_records_lie_within_the_call_and_one_worker_does_one_thing_at_a_time(sizes, batch_size, settings, rng):
    model = fastbp.Model(sizes, seed=0, **settings)
    X, y = rows(model, 2 * batch_size, rng)
    plan = ClockedPlan(model.network, model.dtype, model._optimizer, None)
    plan.load(model._flat)
    plan.clocks = True
    for _ in plan.train_epoch(Labelled(Samples(X), y), np.arange(len(y)), batch_size):
        pass
    records = plan.records
    assert records[:, 3].min() >= 0 and records[:, 4].max() <= plan.seconds[True] * (1 + 1e-12)
    assert set(records[:, 0]) <= set(range(threads.most()))
    for worker in set(records[:, 0]):
        own = records[records[:, 0] == worker]
        own = own[np.argsort(own[:, 3], kind="stable")]
        assert (own[:, 4] >= own[:, 3]).all() and (own[1:, 3] >= own[:-1, 4]).all()


def test_records_without_room_are_counted_and_the_next_call_has_room(rng):
    model = fastbp.Model((3, 4, 2), seed=0)
    X, y = rows(model, 50, rng)
    plan = ClockedPlan(model.network, model.dtype, model._optimizer, 1)
    plan.load(model._flat)
    plan.clocks, plan._words = True, clocked.RECORD + 1  # one record a step
    for _ in range(2):
        for _ in plan.train_epoch(Labelled(Samples(X), y), np.arange(50), 5):
            pass
    # a gather, two layers forward, the error, two dE/dW, two dE/db, W turned, one dE/dx, the next rows asked for
    assert plan._words == 11 * clocked.RECORD and len(plan.records) == 10 * 11


# ---- times ---------------------------------------------------------------------------------------------------------


def test_a_moment_is_divided_among_the_kernels_that_run():
    records = np.array([
        (0, 7, 0, 10, 20),  # alone until 14, with the next until 18, alone again
        (1, 8, 1, 14, 18),
        (0, 7, 0, 30, 40),  # beside itself
        (1, 7, 0, 30, 40),
        (1, 8, 1, 50, 50),  # nothing
    ])  # fmt: skip
    found = shares.shares(records)
    assert found == {(7, 0): (3, 10 - 2 + 10, 30), (8, 1): (2, 2, 4)}
    assert sum(share.time for share in found.values()) == 10 + 10  # when any ran


def test_random_times_add_up(rng):
    starts = np.sort(rng.integers(0, 10_000, (3, 200, 2)).reshape(3, -1), axis=1).reshape(3, 200, 2)
    records = np.array([(w, k % 5, 0, *starts[w, k]) for w in range(3) for k in range(200)])
    covered = np.zeros(10_000, bool)
    for _, _, _, start, end in records:
        covered[start:end] = True
    found = shares.shares(records)
    assert math.isclose(sum(share.time for share in found.values()), covered.sum())
    assert sum(share.busy for share in found.values()) == (records[:, 4] - records[:, 3]).sum()
    assert all(share.busy / 3 <= share.time * (1 + 1e-9) and share.time <= share.busy for share in found.values())


# ---- what is clocked -----------------------------------------------------------------------------------------------


def test_every_kernel_of_a_phase_is_clocked_whoever_calls_it():
    assert {name for phase, name in clocked.KERNELS if phase == "backward"} >= {
        "transpose_rows", "linear_backward_params", "linear_backward_input", "bias_backward", "DERIVE",
    }  # fmt: skip
    assert {name for phase, name in clocked.KERNELS if phase == "forward"} >= {"linear_forward", "ACTIVATE", "LOSS"}
    assert {"GATHER", "UPDATE_ALL", "NORM"} <= {name for phase, name in clocked.KERNELS if phase == "train"}


MADE_UP = """
LOSS, done = 0, []

class Workspace:
    now, words = "now", ["loss"]

def kernel(name):
    done.append(name)

def call(address, ws):
    done.append(address)

def _helper(ws, l):
    kernel("inner")

_helper.py_func = _helper

def phase(ws, l, task, worker):
    kernel("first")
    _helper(ws, l + 1)
    if task:
        call(ws.words[LOSS], ws)
"""


def test_clocks_are_set_in_the_source_and_in_what_a_module_keeps_to_itself(monkeypatch, tmp_path):
    (tmp_path / "made_up.py").write_text(MADE_UP)
    monkeypatch.syspath_prepend(tmp_path)
    made_up, notes = importlib.import_module("made_up"), []
    monkeypatch.setattr(clocked, "KERNELS", [])
    monkeypatch.setattr(clocked, "ticks", lambda: len(made_up.done))
    monkeypatch.setattr(clocked, "note", lambda *record: notes.append(record))
    clocked._with_clocks(made_up.phase, "phase")(made_up.Workspace, 3, True, 7)
    assert made_up.done == ["first", "inner", "loss"]
    assert clocked.KERNELS == [("phase", "kernel"), ("phase", "LOSS")]
    assert notes == [("now", 7, 0, 3, 0), ("now", 7, 0, 4, 1), ("now", 7, 1, 3, 2)]
