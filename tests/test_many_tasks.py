"""Phases of more tasks than the team's counter holds, and indices beyond 32 bits: at the edge, without the memory."""

import threading

import numpy as np
import pytest
from numba import njit, types

from fastbp.kernels.engine import code, compilation
from fastbp.kernels.engine.team import MOST
from fastbp.kernels.entries.records import Record
from fastbp.kernels.fast import dropout as dropping
from fastbp.kernels.fast.panels import Panels
from fastbp.kernels.library.calls import entry_point
from fastbp.kernels.machine.atomic import atomic_add
from fastbp.kernels.machine.memory import as_vector
from fastbp.kernels.machine.records import record_type
from fastbp.kernels.program import phases
from fastbp.kernels.program.state import CHUNK, NO_ROW, PHASE, STATE
from fastbp.kernels.specification import regularization
from fastbp.kernels.tasks.splitting import UPDATE_SHARES

F32 = np.dtype(np.float32)


def counting(s, number, task, worker):
    """Stand for a task: count it, and add up numbers of tasks and their squares modulo 2^64."""
    atomic_add(s, "version", 1)
    atomic_add(s, "minibatch", task)
    atomic_add(s, "draw", task * task)


def state(tasks):
    """A state whose first phase is an update of so many tasks, with no numbers behind it."""
    address_of_task, keeper = compilation._compiled(
        counting, types.void(record_type(STATE, types.float32), *[types.intp] * 3), kept=False
    )
    phase = PHASE.new(1)
    phase["kind"] = phases.UPDATE
    s, few = Record(STATE), np.zeros(1, F32)
    s.fill({
        "phases": phase, "run_task": address_of_task, "run_phase": code.address("run_phase", F32), "bad_row": NO_ROW,
        "workers": -(-tasks // UPDATE_SHARES), "parameters": few,
    })  # fmt: skip
    at = STATE.places["parameters"][0]
    s._words[at + 1] = tasks * CHUNK  # the size that is claimed
    return s, (keeper, phase, few)


@pytest.mark.parametrize("helps", [False, True])
@pytest.mark.parametrize("tasks", [1000, MOST - 1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 5])
def test_each_task_of_a_long_phase_is_done_once(helps, tasks):
    s, kept = state(tasks)
    run_phase = entry_point(code.address("run_phase", F32), 0)
    helper = threading.Thread(target=code.entry("train", F32), args=(s,), daemon=True)
    if helps:
        s["arrived"] = 1  # it is not the first, so it helps
        helper.start()
    leader = threading.Thread(target=run_phase, args=(s,), daemon=True)  # one that never ends fails the test
    leader.start()
    leader.join(60)
    assert not leader.is_alive()
    s["tasks"] = -1  # finished
    if helps:
        helper.join(60)
        assert not helper.is_alive()
    numbers = range(tasks)
    assert s["version"] == tasks
    assert s["minibatch"] == sum(numbers)
    assert s["draw"] % 2**64 == sum(k * k for k in numbers) % 2**64
    assert kept


# ---- dropout's counter of rows and columns, which has 32 bits


def mixed(x):
    """Lowbias32 in whole numbers."""
    x &= 0xFFFFFFFF
    x = (x ^ x >> 16) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ x >> 15) * 0x846CA68B & 0xFFFFFFFF
    return x ^ x >> 16


@njit
def drop(h, p, columns, key, above):
    dropping.dropout(Panels(as_vector(h), 4), p, columns, key, above, 0, 0, 4)


EDGES = [0, 2**31 - 2, 2**31 // 4096 - 2, 2**32 // 4096 - 2, 2**32 - 1, 2**40 + 3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("above", EDGES)
def test_dropout_beyond_32_bits_drops_what_the_counter_modulo_2_to_the_32_says(dtype, above):
    lanes, key, p = 64 // np.dtype(dtype).itemsize, 0x9E3779B9, 0.5
    h = np.ones(4 * lanes, dtype)
    drop(h, p, 4096, key, above)
    wanted = [
        0.0 if mixed(((above + row) * 4096 + lane) ^ key) >> 8 < p * 2**24 else 2.0
        for row in range(4)
        for lane in range(lanes)
    ]
    assert h.tolist() == wanted


@pytest.mark.parametrize("above", EDGES)
def test_the_plain_loop_mixes_alike(above):
    assert regularization._mix(above * 4096 ^ 12345) == mixed(above * 4096 ^ 12345)
