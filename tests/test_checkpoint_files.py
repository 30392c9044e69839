"""Files of checkpoints: which stay, what becomes of damaged ones and full disks, and whose trainings are refused."""

import errno
import os

import numpy as np
import pytest
from test_checkpoint import X, bits, y

import fastbp
from fastbp import schedules
from fastbp.callbacks import Checkpoint, EarlyStopping, ReduceLearningRate
from fastbp.callbacks.checkpoint import Interval, interval
from fastbp.training.checkpoints import folder, settings


def make(**changed):
    return fastbp.Model(**{"layer_sizes": [12, 8, 3], "optimizer": "adam", "seed": 1} | changed)


def train(where, model=None, rows=X, labels=y, checkpoint=None, **changed):
    """Train a model with checkpoints in a folder, also the one from which it goes on."""
    model = make() if model is None else model
    given = {"epochs": 2, "batch_size": 64, "verbose": 0, "callbacks": checkpoint or Checkpoint(where, "1 epoch")}
    model.fit(rows, labels, resume=where, **given | changed)
    return model


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("10 min", Interval(seconds=600)), ("30 s", Interval(seconds=30)), ("1.5 hours", Interval(seconds=5400)),
        ("2h", Interval(seconds=7200)), ("1 second", Interval(seconds=1)), ("90 Minutes", Interval(seconds=5400)),
        ("500 steps", Interval(steps=500)), ("1 step", Interval(steps=1)), (" 3 epochs ", Interval(epochs=3)),
    ],
)  # fmt: skip
def test_intervals(every, expected):
    assert interval(every) == expected


@pytest.mark.parametrize(
    "every", ["", "10", "min", "0 steps", "1.5 epochs", "-1 min", "0 s", "10 minutess", "3 days", "1 epoch 2", "nan s"]
)
def test_other_intervals_are_refused(every):
    with pytest.raises(ValueError, match="every must be a number and a unit, such as '10 min'.*got"):
        Checkpoint("folder", every)


def test_arguments_of_other_types_are_refused(tmp_path):
    with pytest.raises(TypeError, match="every must be text, .*got 10"):
        Checkpoint(tmp_path, 10)
    with pytest.raises(ValueError, match="keep must be at least 1, got 0"):
        Checkpoint(tmp_path, keep=0)
    for name, call in ("folder", Checkpoint), ("resume", lambda where: make().fit(X, y, verbose=0, resume=where)):
        for wrong in 3, b"bytes", True:
            with pytest.raises(TypeError, match=f"{name} must be the path of a folder, got"):
                call(wrong)
        with pytest.raises(ValueError, match=f"{name} must be the path of a folder, got ''"):
            call("")
        (tmp_path / "file").touch()
        with pytest.raises(NotADirectoryError, match=f"{name} must be a folder"):
            call(tmp_path / "file")


def test_only_checkpoints_of_the_same_training_are_removed(tmp_path):
    others = {"checkpoint-00000007-0123abcd.safetensors", "checkpoint.safetensors", "notes.txt", ".hidden"}
    for name in others:
        (tmp_path / name).write_text("mine")
    make().fit(X, y, epochs=6, batch_size=64, verbose=0, callbacks=Checkpoint(tmp_path, "1 epoch", keep=2))
    own = [file for file in folder.files(str(tmp_path)) if file.training != "0123abcd"]
    assert [file.number for file in own] == [12, 13] and len({file.training for file in own}) == 1
    assert {path.name for path in tmp_path.iterdir()} == others | {os.path.basename(file.path) for file in own}
    train(tmp_path, epochs=9)  # the same training, which keeps three
    assert [file.number for file in folder.files(str(tmp_path))] == [7, 14, 15, 16]
    train(tmp_path, epochs=9, checkpoint=Checkpoint(tmp_path, keep=2))  # goes on at the end, and removes one
    assert [file.number for file in folder.files(str(tmp_path))] == [7, 15, 16]
    make().fit(
        X, y, epochs=1, batch_size=64, verbose=0, callbacks=Checkpoint(tmp_path, keep=1)
    )  # a training of its own
    assert [file.number for file in folder.files(str(tmp_path))] == [7, 15, 16, 17]


def test_two_checkpoints_of_one_training(tmp_path):
    each = [Checkpoint(tmp_path / "a", "1 epoch", keep=9), Checkpoint(tmp_path / "b", "2 steps", keep=99)]
    train(tmp_path / "a", checkpoint=each)
    assert [len(folder.files(str(tmp_path / name))) for name in "ab"] == [2, 6]  # 6 steps an epoch


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model": {"layer_sizes": [12, 9, 3]}}, r"layer_sizes is \[12, 9, 3\], there it is \[12, 8, 3\]"),
        ({"model": {"activation": "tanh"}}, "activation is 'tanh', there it is 'relu'"),
        ({"model": {"learning_rate": 0.01}}, "learning_rate is 0.01, there it is 0.001"),
        ({"model": {"optimizer": "nadam"}}, "optimizer is .*'nadam'.*there it is .*'adam'"),
        ({"model": {"seed": 2}}, "seed is 2, there it is 1"),
        ({"model": {"dtype": "float64"}}, "dtype is 'float64', there it is 'float32'"),
        ({"model": {"dropout": 0.5}}, "dropout is 0.5, there it is 0.0"),
        ({"model": {"input_shift": np.ones(12)}}, r"input_shift is \[1.0, .*there it is None"),
        ({"batch_size": 65}, "batch_size is 65, there it is 64"),
        ({"shuffle": False}, "shuffle is False, there it is True"),
        ({"drop_last": True}, "drop_last is True, there it is False"),
        ({"schedule": schedules.Cosine()}, r"schedule is 'Cosine\(.*', there it is None"),
        ({"rows": X[1:], "labels": y[1:]}, r"X is float32 of shape \(329, 12\), there it is .* \(330, 12\)"),
        ({"rows": X.astype("float64")}, "X is float64 of shape"),
        ({"rows": X[::-1]}, "X has other numbers$"),
        ({"labels": (y + 1) % 3}, "y has other numbers$"),
        ({"sample_weight": np.full(330, 0.5)}, "weights of rows is given, there it is None"),
        ({"validation_data": (X, y)}, "validation X is given, there it is None"),
        ({"batch_size": 32, "shuffle": False}, "batch_size is 32, .*; shuffle is False"),
    ],
)  # fmt: skip
def test_other_trainings_are_refused_with_what_differs(tmp_path, changed, named):
    train(tmp_path)
    model = make(**changed.pop("model", {}))
    before = bits(model)
    with pytest.raises(ValueError, match=f"resume: .*checkpoint-.* is of another training: .*{named}"):
        train(tmp_path, model, **changed)
    assert bits(model) == before


def test_other_callbacks_and_their_settings_are_refused(tmp_path):
    checkpoint, stop = Checkpoint(tmp_path, "1 epoch"), EarlyStopping("loss", patience=3)
    train(tmp_path, checkpoint=[checkpoint, stop], schedule=schedules.StepDecay())
    for each, named in (
        ([checkpoint], r"callbacks is \[\], there it is \[.EarlyStopping"),
        ([EarlyStopping("loss", patience=4), checkpoint], "patience=4, .*patience=3"),
        ([stop, ReduceLearningRate()], "ReduceLearningRate"),
    ):
        with pytest.raises(ValueError, match=named):
            train(tmp_path, checkpoint=each, schedule=schedules.StepDecay())
    with pytest.raises(ValueError, match="factor=0.1.*factor=0.1"):
        train(tmp_path, checkpoint=[checkpoint, stop], schedule=schedules.StepDecay(epochs=2))
    with pytest.raises(ValueError, match="epochs is 5, there it is 2"):  # the schedule would have been another
        train(tmp_path, checkpoint=[stop], schedule=schedules.StepDecay(), epochs=5)
    train(tmp_path, checkpoint=[Checkpoint(tmp_path, "1 h"), stop], schedule=schedules.StepDecay())


def test_the_rate_of_the_model_may_be_the_one_that_training_has_reached(tmp_path):
    each = [ReduceLearningRate(patience=1, factor=0.5, min_delta=10.0), Checkpoint(tmp_path, "1 epoch")]
    model = train(tmp_path, checkpoint=each, epochs=4)
    assert model.learning_rate < 0.001
    other = train(tmp_path, make(learning_rate=model.learning_rate), checkpoint=each, epochs=6)
    assert bits(other) == bits(train(tmp_path, checkpoint=each, epochs=6))


def test_a_model_without_a_seed_goes_on_with_any_and_one_with_a_seed_with_its_own(tmp_path):
    expected = bits(train(tmp_path / "seeded", epochs=3))
    assert bits(train(tmp_path / "seeded", make(seed=None), epochs=3)) == expected
    train(tmp_path / "any", make(seed=None))
    with pytest.raises(ValueError, match="seed is 1, there it is None"):
        train(tmp_path / "any")
    _, config, tensors = folder.newest(str(tmp_path / "seeded"))
    del config["settings"]["seed"]  # as an earlier version has written it
    folder.write(str(tmp_path / "seeded"), config["training"], 1, config, tensors)
    assert bits(train(tmp_path / "seeded", make(seed=5), epochs=3)) == expected


def test_of_large_rows_a_sample_is_compared(monkeypatch):
    monkeypatch.setattr(settings, "WHOLE_BYTES", 8 * 12 * 4)
    monkeypatch.setattr(settings, "PART_BYTES", 100)
    first, other, last = settings._digest(X), X.copy(), X.copy()
    other[1], last[-1] = 0, 0
    assert settings._digest(other) == first != settings._digest(last)
    assert settings._digest(np.asfortranarray(X)) == first
    assert settings._digest(X.astype(">f4"))["digest"] == first["digest"]


def test_a_full_disk_is_told_once_and_training_goes_on(tmp_path, monkeypatch):
    expected = train(tmp_path / "other", epochs=5)
    train(tmp_path / "run", epochs=2)
    older = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(RuntimeWarning, match="no checkpoint could be written to .*run: .*No space left") as told:
        model = train(tmp_path / "run", epochs=5)
    assert len(told) == 1 and told[0].filename == __file__
    assert bits(model) == bits(expected)
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == older
    monkeypatch.undo()
    assert bits(train(tmp_path / "run", epochs=5)) == bits(expected)


def test_a_damaged_checkpoint_gives_way_to_an_older_one(tmp_path):
    expected = bits(train(tmp_path, epochs=4))
    *_, older, newest = folder.files(str(tmp_path))
    with open(newest.path, "r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"?")
    with pytest.warns(RuntimeWarning, match=f"{newest.path}: damaged.*; an older checkpoint is taken, {older.path}"):
        assert bits(train(tmp_path, epochs=4)) == expected
    for file in folder.files(str(tmp_path)):
        with open(file.path, "wb"):
            pass
    model = make()
    with pytest.raises(ValueError, match="cut short or damaged"):
        train(tmp_path, model)
    assert bits(model) == bits(make())


@pytest.mark.parametrize(
    "change",
    [
        {"sums": [7, 0.0, 0.0, 0.0, 0.0, 0.0]}, {"sums": [-64, 0.0, 0.0, 0.0, 0.0, 0.0]}, {"sums": "abc"},
        {"epoch": -3}, {"epoch": 1.5}, {"steps": None}, {"history": {"lost": [1.0]}}, {"history": 3},
        {"random": {"state": 1}}, {"settings": None}, {"callbacks": 1}, {"learning_rate": "fast"},
    ],
)  # fmt: skip
def test_settings_that_no_training_writes_are_refused(tmp_path, change):
    train(tmp_path)
    _, config, tensors = folder.newest(str(tmp_path))
    folder.write(str(tmp_path), config["training"], 3, config | change, tensors)
    model = make()
    with pytest.raises(ValueError, match="not a checkpoint that fastbp can use"):
        train(tmp_path, model, epochs=4)
    assert bits(model) == bits(make())


@pytest.mark.parametrize("name", ["parameters", "optimizer.m"])
@pytest.mark.parametrize("array", [np.zeros(1, "f4"), np.zeros(131, "f8"), np.full(131, np.nan, "f4"), None])
def test_arrays_of_another_model_are_refused(tmp_path, name, array):
    assert make().network.n_parameters == 131
    train(tmp_path)
    _, config, tensors = folder.newest(str(tmp_path))
    del tensors[name]
    folder.write(str(tmp_path), config["training"], 3, config, tensors if array is None else tensors | {name: array})
    model = make()
    with pytest.raises(ValueError, match=f"the checkpoint lacks {name} as .131,. finite numbers of float32"):
        train(tmp_path, model, epochs=4)
    assert bits(model) == bits(make())


def test_a_model_is_no_checkpoint(tmp_path):
    make().save(tmp_path / "checkpoint-00000001-deadbeef.safetensors")
    with pytest.raises(ValueError, match="holds 'fastbp-model', not a checkpoint"):
        train(tmp_path)


def test_a_checkpoint_is_no_model(tmp_path):
    train(tmp_path)
    path = folder.files(str(tmp_path))[-1].path
    with pytest.raises(ValueError, match=r"a checkpoint of a training, which Model\.fit\(resume=folder\) goes on with"):
        fastbp.load(path)


def test_a_folder_that_is_removed_meanwhile_is_made_again(tmp_path):
    class Removing(fastbp.callbacks.Callback):
        def on_epoch_begin(self, model, epoch):
            for path in (tmp_path / "run").glob("*"):
                path.unlink()
            if epoch:
                (tmp_path / "run").rmdir()

    train(tmp_path / "run", checkpoint=[Removing(), Checkpoint(tmp_path / "run", "1 epoch")])
    assert len(folder.files(str(tmp_path / "run"))) == 1


def test_parameters_that_are_not_finite_are_never_kept(tmp_path):
    def diverging():
        model = fastbp.Model([1, 1], loss="squared_error", learning_rate=0.01, seed=0)
        rows, numbers = np.arange(60.0)[:, None], np.arange(60.0)
        each = Checkpoint(tmp_path, "1 step")
        model.fit(rows, numbers, epochs=100, batch_size=4, verbose=0, callbacks=each, resume=tmp_path)

    for _ in range(2):
        with pytest.raises(fastbp.DivergenceError):
            diverging()
    _, config, tensors = folder.newest(str(tmp_path))
    assert config["steps"] > 0 and all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_a_step_to_infinity_is_never_kept(tmp_path):
    model = fastbp.Model([1, 1], loss="squared_error", learning_rate=1e38, seed=0)
    numbers = np.arange(8.0)
    with pytest.raises(fastbp.DivergenceError, match="step 2"):  # the first error is finite, the step is not
        model.fit(numbers[:, None], 9 * numbers, batch_size=4, verbose=0, callbacks=Checkpoint(tmp_path, "1 step"))
    assert not folder.files(str(tmp_path))
