"""The lists of a History: equally long after Ctrl-C at any place, with what callbacks add to `logs`."""

import math

import numpy as np
import pytest

import fastbp
from fastbp.callbacks import Callback, Checkpoint
from fastbp.training.history import History
from fastbp.training.loop import Training

X, y = np.random.default_rng(0).standard_normal((30, 4)), np.arange(30) % 3
MEASURED = ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]


class Adds(Callback):
    """Adds to `logs` what a function gives of the epoch; nothing where that is None."""

    def __init__(self, of, name="f1"):
        self.of, self.name = of, name

    def on_epoch_end(self, model, logs):
        assert self.name not in logs  # not even that of the epoch before
        if (value := self.of(logs["epoch"])) is not None:
            logs[self.name] = value


def fit(*each, epochs=3, **more):
    more = {"validation_data": (X, y), "verbose": 0} | more
    return fastbp.Model([4, 5, 3], seed=0).fit(X, y, epochs=epochs, callbacks=each, **more)


@pytest.mark.parametrize("name", [*MEASURED, "f1", "precision"])
def test_lists_are_equally_long_wherever_ctrl_c_comes(monkeypatch, name):
    lists = History._list

    def interrupted(self, wanted):
        if wanted == name and len(self.loss) >= 2 and len(self.val_loss) >= 1:
            raise KeyboardInterrupt
        return lists(self, wanted)

    monkeypatch.setattr(History, "_list", interrupted)
    history = fit(Adds(float), Adds(float, "precision"), epochs=5)
    assert history.interrupted
    epochs = len(history.loss)
    assert 1 <= epochs <= 2 and {len(values) for values in history.history.values()} == {epochs}
    assert len(history._repr_html_()) > 0 and history.latest()["loss"] == history.loss[-1]


def test_ctrl_c_after_the_epoch_is_listed_keeps_it(monkeypatch):
    add = Training._added

    def interrupted(self, logs, measured):
        if logs["epoch"] == 1:
            raise KeyboardInterrupt
        return add(self, logs, measured)

    monkeypatch.setattr(Training, "_added", interrupted)
    history = fit(Adds(float))
    assert history.interrupted and len(history.loss) == 2
    assert history.metrics["f1"][0] == 0.0 and math.isnan(history.metrics["f1"][1])


def test_the_dict_of_lists_becomes_a_frame_without_validation_and_without_accuracy():
    pandas = pytest.importorskip("pandas")
    assert list(fit(validation_data=None).history) == ["loss", "accuracy", "seconds"]
    history = fastbp.Model([4, 1], loss="squared_error", seed=0).fit(X, y, epochs=2, verbose=0)
    assert pandas.DataFrame(history.history).shape == (2, 2)
    history.history["loss"].clear()  # a copy
    assert len(history.loss) == 2


def test_metrics_of_callbacks_are_listed_with_nan_for_epochs_without_one():
    history = fit(Adds(lambda epoch: np.float32(epoch / 2) if epoch in (1, 2) else None), epochs=4)
    np.testing.assert_array_equal(history.metrics["f1"], [math.nan, 0.5, 1.0, math.nan])
    assert list(history.history) == [*MEASURED, "f1"] and history.history["f1"] == history.metrics["f1"]
    assert math.isnan(history.latest()["f1"]) and "f1" in history._repr_html_()


def test_metrics_are_columns_of_the_frame():
    pytest.importorskip("pandas")
    frame = fit(Adds(lambda epoch: 2 * epoch)).to_frame()
    assert list(frame) == [*MEASURED, "f1"] and frame["f1"].tolist() == [0, 2, 4]


def test_a_callback_may_validate_by_itself():
    history = fit(Adds(lambda epoch: 7 - epoch, "val_loss"), validation_data=None)
    assert history.val_loss == [7, 6, 5] == history.history["val_loss"] and not history.metrics


@pytest.mark.parametrize("value", ["high", [1.0], np.ones(2), {"a": 1}, 1j])
def test_a_metric_that_is_no_number_is_refused_and_the_model_stays(value):
    model = fastbp.Model([4, 5, 3], seed=0)
    before = model.get_state()["parameters"].copy()
    with pytest.raises(TypeError, match=r"logs\['f1'\], which a callback has added, must be a number under a name"):
        model.fit(X, y, epochs=2, verbose=0, callbacks=Adds(lambda epoch: value))
    np.testing.assert_array_equal(model.get_state()["parameters"], before)


def test_metrics_go_on_with_a_checkpoint(tmp_path):
    def of(epoch):
        return None if epoch == 2 else epoch / 4

    whole = fit(Adds(of), epochs=6)
    for epochs in 3, 6:
        resumed = fit(Adds(of), Checkpoint(tmp_path, "1 epoch"), epochs=epochs, resume=tmp_path)
    for name in ("loss", "val_accuracy"):
        assert getattr(whole, name) == getattr(resumed, name)
    np.testing.assert_array_equal(resumed.metrics["f1"], whole.metrics["f1"])
    assert len(whole.metrics["f1"]) == 6 and whole.metrics["f1"][5] == 1.25
