"""Each worker of a small network trains a copy of it: whoever comes late, or never, the bits are one worker's."""

import threading
import time

import numpy as np
import pytest
from trainings import OPTIMIZERS, data

import fastbp
from fastbp.execution import threads
from fastbp.execution.fast_plan import FastPlan
from fastbp.kernels.compiler.jit import BOUNDSCHECK
from fastbp.kernels.engine import code

pytestmark = pytest.mark.skipif(BOUNDSCHECK or threads.most() < 2, reason="there is one worker")

SIZES, BATCH_SIZE, ROWS = (37, 61, 10), 300, 24_100  # four blocks; a last minibatch of fewer rows
SETTINGS = {**OPTIMIZERS, "l1 and l2": {"l1": 1e-3, "l2": 1e-2}, "dropout": {"dropout": 0.3}}


def trained(n_threads, X, y, dtype, settings, **asked):
    model = fastbp.Model(SIZES, seed=3, dtype=dtype, n_threads=n_threads, **settings)
    history = model.fit(X, y, epochs=2, batch_size=BATCH_SIZE, verbose=0, **asked)
    states = model.get_state()["optimizer"]
    return model._flat.tobytes(), {name: state.tobytes() for name, state in states.items()}, history.loss, model


def workers_coming(monkeypatch, *pauses):
    """Have each next worker come so many seconds after the one before; return what ran, with how many workers."""
    ran = []

    def start(plan, function, record, workers):
        state, enter = plan.buffers.state, code.entry(function, plan.dtype)
        state["workers"] = 1 + len(pauses)
        ran.append((function, state["blocks"]))
        team = [threading.Thread(target=enter, args=(record,)) for _ in range(1 + len(pauses))]
        team[0].start()
        for pause, worker in zip(pauses, team[1:], strict=True):
            time.sleep(pause)
            worker.start()
        for worker in team:
            worker.join()

    monkeypatch.setattr(FastPlan, "_start", start)
    return ran


@pytest.mark.parametrize("pauses", [(), (0.0,), (0.002,)], ids=["no other", "at once", "late"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_worker_may_come_at_any_time_or_never(settings, pauses, dtype, rng, monkeypatch):
    X, y = data(rng, ROWS, SIZES)
    alone = trained(1, X, y, dtype, settings)
    ran = workers_coming(monkeypatch, *pauses)
    beside = trained(2, X, y, dtype, settings)
    assert ran and set(ran) == {("train_replicas", 4)}
    assert beside[:3] == alone[:3]


def test_learning_rates_and_weights_of_rows_are_every_workers(dtype, rng):
    X, y = data(rng, ROWS, SIZES)
    asked = {"sample_weight": rng.uniform(0, 2, ROWS), "schedule": fastbp.schedules.Cosine()}
    alone, beside = (trained(n, X, y, dtype, {}, **asked) for n in (1, 2))
    assert beside[:3] == alone[:3]


def test_a_limit_of_the_gradients_length_takes_one_network(rng):
    X, y = data(rng, 3 * BATCH_SIZE, SIZES)
    alone, beside = (trained(n, X, y, np.dtype("f4"), {"clip_norm": 0.1}) for n in (1, 2))
    assert beside[:3] == alone[:3]
    assert not beside[3]._plan.buffers.shape.replicas and beside[3]._plan.buffers.shape.workers == 2


def test_an_error_that_is_not_finite_leaves_the_last_finite_parameters(rng):
    X, y = data(rng, 6 * BATCH_SIZE, SIZES)
    found = []
    for n_threads in 1, 2:
        model = fastbp.Model(SIZES, seed=3, n_threads=n_threads, learning_rate=1e18)
        with pytest.raises(ArithmeticError, match="step") as raised:
            model.fit(X, y, epochs=1, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
        found.append((str(raised.value), model._flat.tobytes()))
    assert found[0] == found[1]
