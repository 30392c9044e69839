"""Ctrl-C at any place of a call, and several threads at once, leave a model's numbers whole and right."""

import copy
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import fastbp
from fastbp.execution import buffers, fast_plan, helpers
from fastbp.kernels.entries.records import Record
from fastbp.kernels.program.entry_records import LAUNCH
from fastbp.kernels.program.state import STATE

rng = np.random.default_rng(7)
X = rng.standard_normal((96, 5))
y = (X[:, 0] > 0).astype(int)
VALIDATION = {"validation_data": (X[:31], y[:31])}


def model(optimizer="adam", **settings):
    return fastbp.Model([5, 7, 2], optimizer=optimizer, seed=0, **settings)


def fit(a_model, epochs, **settings):
    return a_model.fit(X, y, epochs=epochs, batch_size=32, verbose=0, shuffle=False, **settings)


def at_call(monkeypatch, owner, name, number, error=KeyboardInterrupt):
    """Let the call of this number raise; return how many there were."""
    real, calls = getattr(owner, name), []

    def raising(*arguments, **settings):
        calls.append(name)
        if len(calls) == number:
            raise error
        return real(*arguments, **settings)

    monkeypatch.setattr(owner, name, raising)
    return calls


def same(one, other):
    state, right = one.get_state(), other.get_state()
    assert state["steps"] == right["steps"]
    assert np.array_equal(state["parameters"], right["parameters"])
    assert all(np.array_equal(state["optimizer"][name], slot) for name, slot in right["optimizer"].items())


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("what", ["point_to_rows", "reset"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam"])
def test_steps_are_those_taken_wherever_ctrl_c_comes(monkeypatch, optimizer, what, number):
    interrupted, undisturbed = model(optimizer), model(optimizer)
    with monkeypatch.context() as patched:
        at_call(patched, buffers.Buffers, what, number)
        done = len(fit(interrupted, 9, **VALIDATION).loss)
    assert done < 9
    steps = interrupted.get_state()["steps"]
    fit(undisturbed, steps // 3)
    same(interrupted, undisturbed)
    for each in (interrupted, undisturbed):
        fit(each, 2)
    same(interrupted, undisturbed)


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("what", ["fill", "keep", "reset"])
def test_a_record_that_was_being_written_is_written_anew(monkeypatch, what, number):
    interrupted, undisturbed = model(), model()
    real, calls = getattr(Record, what), []

    def raising(record, *arguments):
        calls.append(what) if record._places is STATE.places else None
        if len(calls) == number:
            calls.append("raised")
            if what == "keep":
                real(record)
            raise KeyboardInterrupt
        return real(record, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Record, what, raising)
        try:
            fit(interrupted, 3, **VALIDATION)
        except KeyboardInterrupt:
            pass
    fit(undisturbed, interrupted.get_state()["steps"] // 3)
    found, right = fit(interrupted, 2, **VALIDATION), fit(undisturbed, 2, **VALIDATION)
    same(interrupted, undisturbed)
    assert found.val_loss == right.val_loss and found.val_loss[0] > 0


def test_an_optimizers_numbers_that_were_being_replayed_are_replayed_anew(monkeypatch):
    interrupted, undisturbed = model("nadam"), model("nadam")
    for each in (interrupted, undisturbed):
        fit(each, 2)
        each.set_state(each.get_state())
        each._plan._running = 0, each._plan._running[1]  # as after loading: they are not known for this step
    with monkeypatch.context() as patched:
        at_call(patched, fast_plan.FastPlan, "_replay", 1)
        fit(interrupted, 2)
    for each in (interrupted, undisturbed):
        fit(each, 2)
    same(interrupted, undisturbed)


@pytest.mark.parametrize("validated", [False, True])
def test_steps_before_rows_of_a_source_that_can_not_be_read_are_kept(monkeypatch, validated):
    monkeypatch.setattr(buffers, "SPARE_BYTES", 0)  # as if the network were large
    begun = []

    def pieces():
        begun.append(len(begun))
        for first in range(0, 96, 32):
            rows = X[first : first + 32].astype(np.float16)
            if len(begun) > 2 and first == 0:
                rows[3, 1] = np.nan
            yield rows, y[first : first + 32]

    a_model = model()
    with pytest.raises(ValueError, match="The model keeps the 6 steps before it"):
        a_model.fit(
            pieces, epochs=5, batch_size=32, verbose=0, shuffle=False, **(VALIDATION if validated else {}),
        )  # fmt: skip
    undisturbed = model()
    undisturbed.fit(X.astype(np.float16), y, epochs=2, batch_size=32, verbose=0, shuffle=False)
    same(a_model, undisturbed)


def test_threads_read_the_state_of_a_model_at_once():
    a_model, wrong = fastbp.Model([61, 67, 33, 2], optimizer="adam", seed=0), []
    rows = rng.standard_normal((64, 61))
    a_model.fit(rows, y[:64], epochs=1, verbose=0)
    right = a_model.get_state()["optimizer"]

    def read():
        for number in range(60):
            state = copy.deepcopy(a_model).get_state() if number % 4 == 0 else a_model.get_state()
            if not all(np.array_equal(state["optimizer"][name], slot) for name, slot in right.items()):
                wrong.append(number)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_rounded_weights_of_a_running_training_are_not_kept():
    a_model, found = model(), []

    class Predicts(fastbp.callbacks.Callback):
        def on_epoch_end(self, model, logs):
            thread = threading.Thread(target=lambda: found.append(model.predict_proba(X, precision="bfloat16")))
            thread.start()
            thread.join()

    a_model.predict_proba(X, precision="bfloat16")
    mark = a_model._use.mark(a_model._shown.mark())
    fit(a_model, 2, callbacks=[Predicts()])
    assert mark != a_model._use.mark(a_model._shown.mark())
    begun = object()
    a_model._use.begin(begun)
    assert a_model._use.mark(1) is None
    a_model.predict_proba(X, precision="bfloat16")  # as in another thread, with the parameters before the training
    a_model._shown._flat *= 2
    a_model._use.end(begun)
    z = a_model.predict_proba(X, precision="bfloat16")
    assert len(found) == 2 and np.array_equal(z, copy.deepcopy(a_model).predict_proba(X, precision="bfloat16"))


def test_a_team_that_could_not_grow_works_with_those_it_knows(monkeypatch):
    monkeypatch.setattr(helpers, "_idle", [])
    team, record = helpers.Team(), Record(STATE)
    sizes, (place, _) = [], LAUNCH.places["helpers"]

    def launched(mine):
        sizes.append(mine["n_helpers"])
        assert mine["n_helpers"] <= mine._words[place + 1]  # addresses that the record has

    monkeypatch.setattr(team, "_launch", launched)
    for error in (RuntimeError, KeyboardInterrupt):
        with monkeypatch.context() as patched:
            at_call(patched, threading.Thread, "start", 2, error)
            try:
                team.run("train", np.dtype("f4"), record, 4)
            except KeyboardInterrupt:
                sizes.append("Ctrl-C")
    for workers in (2, 3, 4):
        team.run("train", np.dtype("f4"), record, workers)
    for helper in team.helpers:
        helper.end()
    assert sizes == [1, "Ctrl-C", 1, 2, 3]


def test_locks_of_threads_that_can_not_start_are_freed(monkeypatch):
    made, freed, taken = [], [], helpers._taken_lock
    python = SimpleNamespace(PyThread_free_lock=lambda lock: freed.append(lock.value))
    for name in helpers.ACTIONS:
        setattr(python, f"PyThread_{name}_lock", getattr(helpers.ctypes.pythonapi, f"PyThread_{name}_lock"))
    at_call(monkeypatch, threading.Thread, "start", 1, RuntimeError)
    team = helpers.Team()
    with monkeypatch.context() as patch:
        patch.setattr(helpers, "_taken_lock", lambda: made.append(taken()) or patched(patch, python) or made[-1])
        team._grow(1)
    assert freed == made and len(made) == 1


def patched(patch, python):
    """Let what is called from here on be these functions of Python's."""
    patch.setattr(helpers.ctypes, "pythonapi", python)
