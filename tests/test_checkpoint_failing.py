"""Checkpoints that can't be packed or written: training goes on, in the folder that was given."""

import os

import pytest
from test_checkpoint import X, bits, y

import fastbp
from fastbp.callbacks import Callback, Checkpoint
from fastbp.training.checkpoints import folder


class Failing(Callback):
    """Its state can't be kept from one epoch to another."""

    def __init__(self, first, last, error):
        self.failing, self.error, self.epochs = range(first, last), error, 0

    def on_epoch_end(self, model, logs):
        self.epochs = logs["epoch"] + 1

    def get_state(self):
        if self.epochs not in self.failing:
            return {}
        if self.error is None:
            return {"when": object()}
        raise self.error


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (None, "TypeError: get_state of callbacks.0., a Failing must return a dict"),
        (MemoryError("no room"), "MemoryError: no room"),
        (ValueError("lost"), "ValueError: lost"),
    ],
)
def test_what_a_checkpoint_cant_keep_later_is_told_once_and_training_goes_on(tmp_path, error, named):
    def train(where, *watching):
        model = fastbp.Model([12, 8, 3], seed=1)
        each = [*watching, Checkpoint(where, "1 epoch", keep=9)]
        model.fit(X, y, epochs=6, verbose=0, callbacks=each)
        return bits(model), [file.number for file in folder.files(str(where))]

    expected, numbers = train(tmp_path / "well")
    with pytest.warns(RuntimeWarning, match=f"no checkpoint could be written to .*some: {named}") as told:
        found, some = train(tmp_path / "some", Failing(3, 5, error))
    assert found == expected and len(told) == 1 and told[0].filename == __file__
    assert (numbers, some) == ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4])


def test_a_last_checkpoint_that_failed_is_tried_once_more_at_the_end(tmp_path, monkeypatch):
    write, calls = folder.write, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise OSError(5, "the disk fails")
        write(*arguments)

    monkeypatch.setattr(folder, "write", failing)
    model = fastbp.Model([12, 8, 3], seed=1)
    with pytest.warns(RuntimeWarning, match="no checkpoint could be written to .*: .Errno 5. the disk fails"):
        model.fit(X, y, epochs=3, verbose=0, callbacks=Checkpoint(tmp_path, "1 epoch"))
    assert len(calls) == 4 and calls[3][3]["epoch"] == 3
    assert len(folder.files(str(tmp_path))) == 3


def test_checkpoints_stay_in_one_folder_where_a_callback_changes_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()

    class Moving(Callback):
        def on_epoch_end(self, model, logs):
            os.chdir(tmp_path / "other")

    monkeypatch.chdir(tmp_path)
    model = fastbp.Model([12, 8, 3], seed=1)
    model.fit(X, y, epochs=3, verbose=0, callbacks=[Moving(), Checkpoint("run", "1 epoch", keep=2)], resume="run")
    assert not list((tmp_path / "other").iterdir())
    assert [file.number for file in folder.files(str(tmp_path / "run"))] == [2, 3]
