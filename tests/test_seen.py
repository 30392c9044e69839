"""The parameters that callbacks see: up to date whenever they look, and not copied where they do not."""

import threading

import numpy as np
import pytest

import fastbp
from fastbp.execution.packed import Packed
from fastbp.tabular.recipe import BestEpoch

X = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)
y = (X[:, 0] > 0).astype(int)


class Watch(fastbp.callbacks.Callback):
    """Calls a function at the end of each epoch."""

    def __init__(self, look):
        self.look, self.found = look, []

    def on_epoch_end(self, model, logs):
        self.found.append(self.look(model))


def made(kernels="fast", **settings):
    return fastbp.Model([5, 7, 2], optimizer="adam", seed=1, kernels=kernels, **settings)


def fit(model, epochs, **settings):
    return model.fit(X, y, epochs=epochs, batch_size=16, shuffle=False, verbose=0, **settings)


def reached(epochs, **settings):
    """Return the parameters after so many epochs without callbacks."""
    model = made(**settings)
    fit(model, epochs)
    return model._flat.tobytes()


@pytest.fixture
def copies(monkeypatch):
    """Count how often parameters are packed and unpacked."""
    counts, pack = {"pack_parameters": 0, "unpack_parameters": 0}, Packed._pack

    def counted(self, name, *arguments):
        counts[name] += 1
        pack(self, name, *arguments)

    monkeypatch.setattr(Packed, "_pack", counted)
    return counts


def test_nothing_is_copied_for_callbacks_that_look_at_nothing(copies):
    model = made()
    fit(model, 9, callbacks=[Watch(lambda model: model.learning_rate), fastbp.callbacks.ReduceLearningRate()])
    assert copies == {"pack_parameters": 1, "unpack_parameters": 1}  # before the first epoch, after the last
    assert model._flat.tobytes() == reached(9)


def test_copies_of_the_best_epoch_are_taken_without_giving_them_back(copies):
    model, best = made(), BestEpoch("val_loss")
    history = fit(model, 9, callbacks=best, validation_data=(X, y))
    assert best.epoch == 9 and (np.diff(history.val_loss) < 0).all()
    assert copies == {"pack_parameters": 2, "unpack_parameters": 9 + 1}  # what it restores is packed
    assert model._flat.tobytes() == reached(9)


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
@pytest.mark.parametrize(
    "look",
    [
        lambda model: np.concatenate([part.ravel() for layer in model.parameters for part in layer]).tobytes(),
        lambda model: model.get_state()["parameters"].tobytes(),
        lambda model: model._shown.copied().tobytes(),
    ],
    ids=["parameters", "state", "copy"],
)
def test_whoever_looks_sees_the_parameters_of_this_epoch(look, kernels):
    watch = Watch(look)
    fit(made(kernels), 3, callbacks=watch)
    assert watch.found == [reached(epochs, kernels=kernels) for epochs in (1, 2, 3)]


def test_predictions_in_callbacks_are_those_of_this_epoch():
    watch = Watch(lambda model: (model.predict_proba(X[:1]).tobytes(), model.evaluate(X, y)["loss"]))
    history = fit(made(), 3, callbacks=watch, validation_data=(X, y))
    assert [loss for _, loss in watch.found] == history.val_loss
    alone = made()
    for proba, _ in watch.found:
        fit(alone, 1)
        assert alone.predict_proba(X[:1]).tobytes() == proba


def test_views_from_before_are_up_to_date_and_may_be_written():
    model = made()
    W = model.parameters[0][0]
    watch = Watch(lambda _: W.copy())
    fit(model, 2, callbacks=watch)
    alone = made()
    for found in watch.found:
        fit(alone, 1)
        np.testing.assert_array_equal(found, alone.parameters[0][0])

    def change(_):
        W[:] = 0

    fit(model, 1, callbacks=Watch(change))
    assert not W.any() and not model.parameters[0][0].any()


def test_a_view_that_a_callback_keeps_is_up_to_date_later():
    kept = []
    watch = Watch(lambda model: kept[0].tobytes() if kept else kept.append(model.parameters[0][0]))
    fit(made(), 3, callbacks=watch)
    for epochs, found in ((2, watch.found[1]), (3, watch.found[2])):
        model = made()
        fit(model, epochs)
        assert model.parameters[0][0].tobytes() == found


def test_changes_are_trained_on():
    def change(model):
        model.parameters[1][1][:] = [3, -3]

    changed = made()
    fit(changed, 2, callbacks=Watch(change))
    by_hand = made()
    for _ in range(2):
        fit(by_hand, 1)
        change(by_hand)
    assert changed._flat.tobytes() == by_hand._flat.tobytes()


def test_another_thread_sees_them_while_callbacks_run():
    def look(model):
        found = []
        thread = threading.Thread(target=lambda: found.append(model.get_state()["parameters"].tobytes()))
        thread.start()
        thread.join()
        return found[0]

    watch = Watch(look)
    fit(made(), 2, callbacks=watch)
    assert watch.found == [reached(1), reached(2)]


@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_a_training_that_diverges_goes_back_to_the_last_epoch_though_nobody_looked(kernels):
    def spoil(model):
        if len(watch.found) == 1:
            model._plan.parameters[:] = np.nan  # as a step may leave them

    model, watch = made(kernels), Watch(spoil)
    with pytest.raises(fastbp.DivergenceError, match="from the end of this call's epoch 2 are kept"):
        fit(model, 5, callbacks=watch)
    right = made(kernels)
    fit(right, 2)
    assert model._flat.tobytes() == right._flat.tobytes() and model.get_state()["steps"] == 8


def test_the_recipe_goes_back_to_before_the_call():
    class Spoiling(BestEpoch):
        def on_epoch_end(self, model, logs):
            super().on_epoch_end(model, logs)
            if logs["epoch"] == 1:
                model._plan.parameters[:] = np.nan

    model = made()
    fit(model, 1)
    before = model._flat.tobytes()
    with pytest.raises(fastbp.DivergenceError, match="from before this call are kept"):
        fit(model, 5, callbacks=Spoiling("val_loss"), validation_data=(X, y))
    assert model._flat.tobytes() == before and model.get_state()["steps"] == 4
