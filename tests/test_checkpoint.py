"""Trainings that end at a checkpoint and go on from it: the same bits as one that did not end."""

import itertools

import numpy as np
import pytest

import fastbp
from fastbp import callbacks, schedules
from fastbp.callbacks import Callback, Checkpoint, EarlyStopping, ReduceLearningRate
from fastbp.training.checkpoints import folder

random = np.random.default_rng(19)
X = random.standard_normal((330, 12)).astype("float32")
y = (X @ random.standard_normal((12, 3))).argmax(axis=1)
HISTORY = "loss", "accuracy", "val_loss", "val_accuracy"


class Ended(BaseException):
    """What ends a training in place of a kill."""


def bits(model):
    """All that training changes, to the bit."""
    state = model.get_state()
    slots = {name: slot.tobytes() for name, slot in state["optimizer"].items()}
    return state["parameters"].tobytes(), slots, state["steps"], state["random"], model.learning_rate


def in_pieces(train, monkeypatch, each):
    """Call `train` until it ends, with an error after every so many checkpoints; return its result and their number."""
    write, written = folder.write, itertools.count(1)

    def ending(*arguments):
        write(*arguments)
        if next(written) % each == 0:
            raise Ended

    monkeypatch.setattr(folder, "write", ending)
    for ended in itertools.count():
        try:
            result = train()
        except Ended:
            continue
        monkeypatch.setattr(folder, "write", write)
        return result, ended


def everything(where, every, make, **settings):
    """Train a new model with all that has a state; return it, its history and the callbacks."""
    model = make()
    watching = [
        EarlyStopping(patience=3, min_delta=1e-3),
        ReduceLearningRate(patience=1, min_delta=0.1),
        *([] if where is None else [Checkpoint(where, every, keep=2)]),
    ]
    settings = {"epochs": 7, "batch_size": 32, "validation_split": 0.2, "verbose": 0} | settings
    return model, model.fit(X, y, callbacks=watching, resume=where, **settings), watching


def check_pieces(tmp_path, monkeypatch, every, make, each=2, **settings):
    """Raise AssertionError if a training in pieces is not the training in one piece."""
    model, history, watching = everything(None, every, make, **settings)
    (again, found, others), ended = in_pieces(
        lambda: everything(tmp_path / "run", every, make, **settings), monkeypatch, each
    )
    assert ended > 1
    assert bits(model) == bits(again)
    for name in HISTORY:
        assert getattr(history, name) == getattr(found, name)
    for one, other in zip(watching, others, strict=False):
        for name in ("best", "waited", "best_epoch", "stopped_epoch"):
            assert getattr(one, name, None) == getattr(other, name, None)
    assert len(found.seconds) == len(found.loss)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam"])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_pieces_have_the_bits_of_the_whole(tmp_path, monkeypatch, dtype, optimizer, dropout):
    def make():
        return fastbp.Model([12, 20, 3], optimizer=optimizer, dropout=dropout, dtype=dtype, seed=5)

    check_pieces(tmp_path, monkeypatch, "4 steps", make)


@pytest.mark.parametrize(
    ("every", "settings"),
    [
        ("1 epoch", {}),
        ("2 epochs", {"schedule": schedules.Cosine(warm_up=0.1)}),
        ("3 steps", {"schedule": schedules.OneCycle()}),
        ("1 step", {"shuffle": False, "epochs": 2}),
        ("5 steps", {"drop_last": True, "sample_weight": np.linspace(0.5, 2, 330)}),
        ("7 steps", {"batch_size": 1000}),
        ("2 steps", {"batch_size": 128, "class_weight": "balanced"}),
    ],
)
def test_pieces_of_every_kind_of_training(tmp_path, monkeypatch, every, settings):
    def make():
        optimizer = fastbp.optimizers.SGD(0.05, momentum=0.9)
        return fastbp.Model([12, 16, 8, 3], ["prelu", "tanh"], optimizer, layer_norm=True, scaling_layer=True, seed=1)

    settings = {"epochs": 9} | settings
    check_pieces(tmp_path, monkeypatch, every, make, 1, **settings)


def test_pieces_of_a_small_network_whose_minibatches_are_split_among_threads(tmp_path, monkeypatch):
    def make():
        return fastbp.Model([12, 64, 64, 3], optimizer="adam", seed=1, n_threads=2)

    check_pieces(tmp_path, monkeypatch, "1 step", make, batch_size=128, epochs=4)
    check_pieces(tmp_path / "last", monkeypatch, "2 steps", make, 1, batch_size=200, epochs=4)


def test_pieces_of_the_equations_as_printed(tmp_path, monkeypatch):
    pytest.importorskip("numba")

    def make():
        return fastbp.Model([12, 8, 3], optimizer="nadam", dropout=0.1, seed=1, kernels="elementwise")

    check_pieces(tmp_path, monkeypatch, "5 steps", make, epochs=4)


def test_time_is_an_interval_too(tmp_path, monkeypatch):
    check_pieces(tmp_path, monkeypatch, "0.000001 s", lambda: fastbp.Model([12, 8, 3], seed=1), epochs=4)


def test_sparse_rows_go_on(tmp_path, monkeypatch):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    rows = scipy_sparse.random_array((200, 12), density=0.2, rng=np.random.default_rng(0), format="csr")

    def train(where=None):
        model = fastbp.Model([12, 8, 3], optimizer="adam", seed=1)
        checkpoint = () if where is None else Checkpoint(where, "3 steps")
        return model, model.fit(rows, y[:200], batch_size=32, epochs=3, verbose=0, callbacks=checkpoint, resume=where)

    (again, _), ended = in_pieces(lambda: train(tmp_path), monkeypatch, 1)
    assert ended and bits(again) == bits(train()[0])
    rows.data[3] += 1
    with pytest.raises(ValueError, match="X has other numbers"):
        train(tmp_path)


def test_a_training_that_ended_is_returned_and_more_epochs_go_on(tmp_path):
    def train(epochs, where=tmp_path):
        model = fastbp.Model([12, 8, 3], seed=1)
        checkpoint = Checkpoint(where, "1 h") if where else ()
        return model, model.fit(X, y, epochs=epochs, verbose=0, callbacks=checkpoint, resume=where)

    first, history = train(4)
    (path,) = tmp_path.iterdir()
    again, same = train(4)
    assert bits(first) == bits(again) and history.history == same.history
    longer, more = train(6)
    assert bits(longer) == bits(train(6, None)[0])
    assert more.loss[:4] == history.loss and len(more.loss) == len(more.seconds) == 6
    with pytest.raises(ValueError, match=r"epochs must be at least 6, as .*safetensors is in epoch 6, got 3"):
        train(3)
    assert path in tmp_path.iterdir()


def test_one_that_early_stopping_ended_stays_ended_with_its_best_parameters(tmp_path):
    def train():
        model, stop = fastbp.Model([12, 8, 3], seed=1), EarlyStopping(patience=2, min_delta=10)
        watching = Checkpoint(tmp_path, "1 h"), stop
        history = model.fit(X, y, epochs=50, validation_split=0.2, verbose=0, callbacks=watching, resume=tmp_path)
        return model, history, stop

    (model, history, stop), (again, same, other) = train(), train()
    assert len(history.loss) == 3 == len(same.loss) and stop.stopped_epoch == other.stopped_epoch == 2
    assert stop.best_epoch == other.best_epoch and bits(model) == bits(again)


def test_a_folder_that_is_empty_or_missing_begins_from_the_beginning(tmp_path):
    plain = fastbp.Model([12, 8, 3], seed=1)
    plain.fit(X, y, epochs=2, verbose=0)
    for where in (tmp_path, tmp_path / "not" / "there"):
        model = fastbp.Model([12, 8, 3], seed=1)
        model.fit(X, y, epochs=2, verbose=0, resume=where)
        assert bits(model) == bits(plain)
    assert not list(tmp_path.iterdir())


class Counting(Callback):
    """Counts, and keeps arrays and what is nested."""

    def __init__(self):
        self.seen = {"begun": 0, "ended": [], "pair": (1, None), "array": np.zeros((2, 3), np.int16)}

    def on_epoch_begin(self, model, epoch):
        self.seen["begun"] += 1
        self.seen["array"][0, 0] += 1

    def on_epoch_end(self, model, logs):
        self.seen["ended"].append(np.float32(logs["loss"]))

    def get_state(self):
        return {"seen": self.seen, "flag": np.True_, "dict": {"array": 1, "dict": "text"}}

    def set_state(self, state):
        assert state["dict"] == {"array": 1, "dict": "text"} and state["flag"] is True
        self.seen = state["seen"]


def test_callbacks_of_ones_own_go_on_by_get_state_and_set_state(tmp_path, monkeypatch):
    def train(where):
        counting = Counting()
        each = [counting, *([Checkpoint(where, "2 steps")] if where else [])]
        fastbp.Model([12, 8, 3], seed=1).fit(X, y, epochs=3, verbose=0, callbacks=each, resume=where)
        return counting.seen

    (seen, ended), whole = in_pieces(lambda: train(tmp_path), monkeypatch, 1), train(None)
    assert ended > 2 and seen["begun"] == 3 and seen["ended"] == whole["ended"] and seen["pair"] == (1, None)
    assert seen["array"].dtype == np.int16 and (seen["array"] == whole["array"]).all()


def test_what_a_checkpoint_cant_keep_is_refused_before_training(tmp_path):
    class Odd(Callback):
        def get_state(self):
            return {"when": object()}

    model = fastbp.Model([12, 8, 3], seed=1)
    before = bits(model)
    with pytest.raises(TypeError, match=r"get_state of callbacks\[0\], a Odd must return a dict of None, numbers"):
        model.fit(X, y, verbose=0, callbacks=[Odd(), Checkpoint(tmp_path)])
    assert bits(model) == before


def test_parameters_that_callbacks_change_at_the_beginning_are_those_of_the_checkpoint(tmp_path, monkeypatch):
    class Zeroing(callbacks.Callback):
        def on_train_begin(self, model):
            model.parameters[0][1][:] = 1

    def train(where):
        model = fastbp.Model([12, 8, 3], seed=1)
        each = [Zeroing(), *([Checkpoint(where, "2 steps")] if where else [])]
        model.fit(X, y, epochs=2, verbose=0, callbacks=each, resume=where)
        return model

    model, ended = in_pieces(lambda: train(tmp_path), monkeypatch, 1)
    assert ended and bits(model) == bits(train(None))
