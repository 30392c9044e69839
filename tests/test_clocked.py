"""Steps with a clock around each kernel: the same bits as without, and times that add up."""

import math

import numpy as np
import pytest
from profiles import NETWORKS, rows

import fastbp
from fastbp.data.samples import Labelled, Samples
from fastbp.execution import threads
from fastbp.inspection.profiler import shares
from fastbp.inspection.profiler.clocked_plan import ClockedPlan
from fastbp.kernels.machine import clock


@pytest.fixture
def planned(rng):
    """Make a plan with clocks, and rows for it, as `train` wants them."""

    def make(sizes, batch_size, settings, n_rows, n_threads=None, dtype="float32"):
        model = fastbp.Model(sizes, seed=0, dtype=dtype, n_threads=n_threads, **settings)
        plan = ClockedPlan(model.network, model.dtype, model.optimizer, n_threads)
        X, y = rows(model, n_rows, rng)
        return plan, model._flat, Labelled(Samples(X), y), batch_size

    return make


def train(plan, flat, data, batch_size, clocks=True):
    """Take an epoch from the first step on; return the parameters' bits."""
    plan.load(flat)
    plan.set_slots({})
    plan.steps, plan.clocks = 0, clocks
    for _ in plan.train_epoch(data, np.arange(len(data.y)), batch_size):
        pass
    return plan.parameters.tobytes()


# ---- the clock, and steps with it ----------------------------------------------------------------------------------


def test_the_clock_goes_on():
    readings = [clock.read_clock() for _ in range(100)]
    assert clock.KNOWN and sorted(readings) == readings and readings[-1] > readings[0]


@pytest.mark.slow
@pytest.mark.parametrize("n_threads", [1, None])
@pytest.mark.parametrize("number", range(len(NETWORKS)))
def test_steps_with_clocks_leave_the_same_bits(number, n_threads, planned):
    sizes, batch_size, settings = NETWORKS[number]
    dtype = ("float32", "float64")[number % 2]
    plan, *given = planned(sizes, batch_size, settings, 3 * batch_size + 1, n_threads, dtype)
    results = [train(plan, *given, clocks) for clocks in (False, True, False)]
    assert results[0] == results[1] == results[2]
    assert plan.steps_done == {False: 8, True: 4} and plan.seconds[True] > 0


@pytest.mark.slow
@pytest.mark.parametrize("sizes, batch_size, settings", NETWORKS)
def test_records_lie_within_the_call_and_one_worker_does_one_thing_at_a_time(sizes, batch_size, settings, planned):
    plan, *given = planned(sizes, batch_size, settings, 2 * batch_size)
    train(plan, *given)
    records = plan.records
    assert records[:, 2].min() >= 0 and records[:, 3].max() <= plan.seconds[True] * (1 + 1e-12)
    assert set(records[:, 0]) <= set(range(threads.most()))
    for worker in set(records[:, 0]):
        own = records[records[:, 0] == worker]
        own = own[np.argsort(own[:, 2], kind="stable")]
        assert (own[:, 3] >= own[:, 2]).all() and (own[1:, 2] >= own[:-1, 3]).all()


@pytest.mark.slow
@pytest.mark.parametrize("n_threads", [1, None])
@pytest.mark.parametrize("sizes, batch_size, settings", NETWORKS)
def test_every_kernel_of_the_program_is_clocked(sizes, batch_size, settings, n_threads, planned):
    plan, *given = planned(sizes, batch_size, settings, 2 * batch_size, n_threads)
    train(plan, *given)
    assert set(plan.records[:, 1]) == set(range(len(plan.kernels)))
    assert plan.shares.keys() == set(plan.kernels)


@pytest.mark.slow
def test_one_worker_runs_the_kernels_in_the_programs_order(planned):
    plan, *given = planned((3, 4, 2), 5, {}, 20, 1)
    train(plan, *given)
    assert plan.records[:, 1].tolist() == list(range(len(plan.kernels))) * 4
    assert [(kernel.name, layer) for kernel, layer in plan.kernels] == [
        ("gather", 0), ("linear_forward", 0), ("linear_forward", 1), ("loss", 1),
        ("transpose_rows", 1), ("linear_backward_params", 1), ("linear_backward_input", 1), ("bias_backward", 1),
        ("linear_backward_params", 0), ("prefetch_rows", 0), ("bias_backward", 0),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("sizes, batch_size, blocks", [((300, 200, 10), 130, 1), ((20, 100, 2), 200, 2)])
def test_the_kernels_themselves_are_the_same_with_clocks(sizes, batch_size, blocks, planned):
    plan, *given = planned(sizes, batch_size, {}, 2 * batch_size)
    programs = []
    for clocks in False, True:
        train(plan, *given, clocks)
        program = plan.buffers._now.program
        programs.append((program.kernels, program.ranges["run_task"]))
    assert plan.buffers.shape.blocks == blocks
    (plain, run_task), (clocked, run_task_clocked) = programs
    own = int(blocks > 1)  # what walks a block of rows is another, but not what it calls
    assert plain[own:].tolist() == clocked[own:].tolist() and run_task != run_task_clocked


@pytest.mark.slow
def test_records_without_room_are_counted_and_the_next_call_has_room(planned):
    plan, *given = planned((3, 4, 2), 5, {}, 50, 1)
    plan._runs = 1  # of a step
    for found in 1, 11:  # a gather, two layers forward, the error, two dE/dW, two dE/db, W turned, dE/dx, the next rows
        train(plan, *given)
        assert plan._runs == 11 and len(plan.records) == 10 * found


# ---- times ---------------------------------------------------------------------------------------------------------


def test_a_moment_is_divided_among_the_kernels_that_run():
    records = np.array([
        (0, 7, 10, 20),  # alone until 14, with the next until 18, alone again
        (1, 8, 14, 18),
        (0, 7, 30, 40),  # beside itself
        (1, 7, 30, 40),
        (1, 8, 50, 50),  # nothing
    ])  # fmt: skip
    found = shares.shares(records)
    assert found == {7: (3, 10 - 2 + 10, 30), 8: (2, 2, 4)}
    assert sum(share.time for share in found.values()) == 10 + 10  # when any ran


def test_random_times_add_up(rng):
    starts = np.sort(rng.integers(0, 10_000, (3, 200, 2)).reshape(3, -1), axis=1).reshape(3, 200, 2)
    records = np.array([(w, k % 5, *starts[w, k]) for w in range(3) for k in range(200)])
    covered = np.zeros(10_000, bool)
    for _, _, start, end in records:
        covered[start:end] = True
    found = shares.shares(records)
    assert math.isclose(sum(share.time for share in found.values()), covered.sum())
    assert sum(share.busy for share in found.values()) == (records[:, 3] - records[:, 2]).sum()
    assert all(share.busy / 3 <= share.time * (1 + 1e-9) and share.time <= share.busy for share in found.values())
