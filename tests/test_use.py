"""One call at a time changes a model: others are refused, and the first goes on as if they had not been made."""

import copy
import pickle
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastbp
from fastbp.callbacks import Callback

X = np.random.default_rng(0).standard_normal((200, 5)).astype(np.float32)
y = (X.sum(axis=1) > 0).astype(np.int64)


class Meanwhile:
    """A schedule of constant rates that does something in the midst of `fit`, once."""

    def __init__(self, do):
        self.do, self.done = do, False

    def factors(self, steps, steps_per_epoch, total):
        if not self.done:
            self.done = True
            self.do()
        return np.ones(len(steps))


class Told(Callback):
    """Calls a function in one of the methods, once."""

    def __init__(self, when, do):
        self.do, self.done = do, False
        setattr(self, when, self.once)

    def once(self, model, *_):
        if not self.done:
            self.done = True
            self.do(model)


def make(**settings):
    return fastbp.Model([5, 16, 2], optimizer="adam", seed=1, **settings)


def fit(model, epochs=2, **more):
    return model.fit(X, y, epochs=epochs, batch_size=32, verbose=0, **more)


def bits(model):
    state = model.get_state()
    return [
        state["steps"],
        str(state["random"]),
        *(a.tobytes() for a in (state["parameters"], *state["optimizer"].values())),
    ]


def trained(epochs=2, **settings):
    model = make(**settings)
    fit(model, epochs)
    return bits(model)


def refused(call, *arguments):
    with pytest.raises(RuntimeError, match="another call"):
        call(*arguments)


def refused_all(model, path):
    """Try everything that changes the model or reads its state."""
    state = make().get_state()
    refused(fit, model)
    refused(model.set_state, state)
    refused(model.get_state)
    refused(model.save, path)
    refused(copy.copy, model)
    refused(copy.deepcopy, model)
    refused(pickle.dumps, model)
    refused(fastbp.find_learning_rate, model, X, y)
    refused(model.diagnose, X, y)


def others_are_right(model):
    """Predictions of the model and all calls on another one."""
    assert model.predict(X[:1]).shape == (1,) and model.predict_proba(X).shape == (200, 2)
    model.evaluate(X, y)
    other = make(kernels=model.kernels)
    fit(other)
    assert bits(other) == trained(kernels=model.kernels)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_in_the_midst_of_fit_the_same_thread_is_refused(tmp_path, kernels):
    model = make(kernels=kernels)

    def meanwhile():
        refused_all(model, tmp_path / "model")
        others_are_right(model)

    schedule = Meanwhile(meanwhile)
    fit(model, schedule=schedule)
    assert schedule.done and bits(model) == trained(kernels=kernels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_in_the_midst_of_fit_other_threads_are_refused(tmp_path, kernels):
    model = make(kernels=kernels)

    def meanwhile():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(refused_all, model, tmp_path / "model").result()
            pool.submit(others_are_right, model).result()

    fit(model, schedule=Meanwhile(meanwhile))
    assert bits(model) == trained(kernels=kernels)


def test_a_signal_handler_is_refused(tmp_path):
    model, heard = make(), []

    def handle(*_):
        refused_all(model, tmp_path / "model")
        heard.append(model.predict(X[:3]))

    before = signal.signal(signal.SIGTERM, handle)
    try:
        fit(model, schedule=Meanwhile(lambda: signal.raise_signal(signal.SIGTERM)))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(heard) == 1 and bits(model) == trained()


@pytest.mark.parametrize("when", ["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"])
def test_a_callback_may_read_the_model_and_not_train_it(tmp_path, when):
    model = make()

    def told(model):
        refused(fit, model)
        others_are_right(model)
        model.diagnose(X, y)
        model.save(tmp_path / "model")
        kept = copy.deepcopy(model)
        assert bits(fastbp.load(tmp_path / "model")) == bits(kept) == bits(model)
        fit(kept)

    fit(model, callbacks=Told(when, told))
    assert bits(model) == trained()


def test_beside_a_callback_other_threads_may_read_and_not_change():
    model, state = make(), make().get_state()

    def told(model):
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(bits, model).result() == bits(model) == trained(1)
            pool.submit(refused, model.set_state, state).result()
            pool.submit(refused, fit, model).result()

    fit(model, callbacks=Told("on_epoch_end", told))
    assert bits(model) == trained()


def test_a_callback_may_set_the_state_back():
    """Of random numbers, too: the epoch that follows is the first once more."""
    model = make()
    first = model.get_state()
    fit(model, 3, callbacks=Told("on_epoch_end", lambda model: model.set_state(first)))
    assert bits(model) == trained(2)


def test_what_fails_or_is_interrupted_leaves_the_model_free():
    model = make()

    def fail(error):
        raise error

    with pytest.raises(ZeroDivisionError):
        fit(model, schedule=Meanwhile(lambda: fail(ZeroDivisionError())))
    with pytest.raises(ZeroDivisionError):
        fit(model, callbacks=Told("on_epoch_end", lambda model: fail(ZeroDivisionError())))
    with pytest.raises(ValueError, match="epochs"):
        fit(model, -1)
    with pytest.raises(ValueError, match="parameters of shape"):
        model.set_state(fastbp.Model([2, 2]).get_state())
    assert fit(model, callbacks=Told("on_epoch_begin", lambda model: fail(KeyboardInterrupt()))).interrupted
    fit(model)
    assert bits(model) == trained()


@pytest.mark.parametrize("change", ["fit", "set_state"])
def test_a_state_that_changes_while_it_is_copied_is_refused(monkeypatch, change):
    model, state = make(), make().get_state()
    slots = model._plan.get_slots

    def changing():
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(fit, model) if change == "fit" else pool.submit(model.set_state, state)
        return slots()

    def growing():
        changing()
        raise RuntimeError("dictionary changed size during iteration")

    for broken in changing, growing:
        monkeypatch.setattr(model._plan, "get_slots", broken)
        refused(model.get_state)
        model.get_state()


def test_of_many_threads_one_trains_at_a_time():
    model, barrier, steps = make(), threading.Barrier(4), []

    def trains():
        barrier.wait()
        for _ in range(5):
            try:
                fit(model, 3)
                steps.append(3 * 7)
            except RuntimeError as error:
                assert "another call" in str(error)

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(trains) for _ in range(4)]:
            each.result()
    assert steps and model.get_state()["steps"] == sum(steps)
    assert all(np.isfinite(array).all() for layer in model.parameters for array in layer)
