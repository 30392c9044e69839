"""What `fit(comm=)` does besides steps: rows of any shares and dtypes, callbacks, reports, checkpoints."""

import json

import mpi
import numpy as np
import pytest

import fastbp


def test_rows_of_any_shares_and_dtypes_give_the_same_bits():
    code = """
def came_to(rows=mine, X=X, y=y, **more):
    model = fastbp.Model((5, 8, 3), seed=0, optimizer="adam")
    X, y = (X[rows], y[rows]) if not isinstance(X, list) else (X[rows], y[rows].tolist())
    history = model.fit(X, y, **{"epochs": 3, "batch_size": 60, "verbose": 0, "comm": comm} | more)
    curves = {name: curve for name, curve in history.history.items() if name != "seconds"}
    return model.get_state()["parameters"].tobytes(), repr(curves)

usual = came_to()
assert usual == came_to([slice(0, 100), slice(100, 100), slice(100, 240)][rank])
assert usual == came_to([slice(0, 0), slice(0, 240), slice(240, 240)][rank])
assert usual == came_to(X=X.astype("float64") if rank == 1 else X)
assert usual == came_to(X=X.tolist() if rank == 0 else np.asfortranarray(X))
def weighed(**weights):
    model = fastbp.Model((5, 1), seed=0, loss="binary_cross_entropy")
    return model.fit(X[mine], y[mine] > 0, epochs=2, verbose=0, comm=comm, **weights).loss

counts, yes = np.bincount(y > 0), np.minimum(y[mine], 1)
assert weighed(class_weight="balanced") == weighed(sample_weight=(120 / counts)[yes])
assert weighed(class_weight={0: 1, 1: 5}) == weighed(sample_weight=np.array([1.0, 5.0])[yes])
rounded = np.round(X * 4)
assert came_to(X=rounded) == came_to(X=rounded.astype([np.float16, np.int8, np.float32][rank]))
small = np.clip(rounded + 20, 0, 40)
assert came_to(X=small) == came_to(X=small.astype(np.uint8))
ones = np.ones(len(y[mine]))
assert came_to(sample_weight=ones) == came_to(sample_weight=ones if rank == 1 else None)
held = (X[mine][:9], y[mine][:9])
assert came_to(validation_data=held) == came_to(validation_data=held, epochs=3, verbose=2 if rank else 0)
if rank == 0:
    print("all alike")
"""
    assert mpi.run(3, code) == "all alike\n"


def test_names_of_columns_are_those_of_rank_0_and_else_the_first_that_a_rank_hands():
    pytest.importorskip("pandas")
    code = """
import pandas

def framed(names):
    return pandas.DataFrame(X[mine], columns=list(names))

def names(rows, known=None, **more):
    model = fastbp.Model((5, 8, 3), seed=0)
    model.feature_names = known
    try:
        model.fit(rows, y[mine], epochs=1, verbose=0, comm=comm, **more)
    except ValueError as error:
        assert model.feature_names == known
        return str(error)
    return "".join(model.feature_names or "")

assert names(X[mine], list("abcde") if rank == 0 else None) == "abcde"
assert names(X[mine], list("abcde") if rank == 1 else None) == ""  # the model is rank 0's
assert names(framed("abcde") if rank == 1 else X[mine]) == "abcde"
assert names(X[mine]) == ""
other = names(framed("abcde" if rank == 0 else "bacde"))
assert other.startswith("rank 1 of 2: X must have the columns") and "in another order" in other
held = names(X[mine], list("abcde") if rank == 0 else None, validation_data=(framed("abcdf"), y[mine]))
assert "validation X must have the columns" in held
"""
    mpi.run(2, code)


def test_metrics_are_of_all_rows_and_rank_0_reports():
    code = """
model = fastbp.Model([5, 8, 3], seed=0)
weights = np.arange(240.0)
held = slice(80 * rank, 80 * rank + 40)
validation = X[held], y[held], weights[held]
history = model.fit(X[mine], y[mine], epochs=1, batch_size=240, verbose=2, comm=comm, validation_data=validation)
rows = np.r_[0:40, 80:120, 160:200]
scores = model.evaluate(X[rows], y[rows], weights[rows])
assert (history.val_loss[0], history.val_accuracy[0]) == tuple(scores.values())
first = fastbp.Model([5, 8, 3], seed=0).evaluate(X, y)
assert abs(history.loss[0] - first["loss"]) < 1e-6 and history.accuracy[0] == first["accuracy"]
"""
    assert len(mpi.run(3, code).splitlines()) == 1  # a line an epoch, of one rank


def test_weights_of_classes_are_those_of_rows_to_train_on_alone():
    """The last of three ranks holds none of these, and the classes of the others are not as frequent as in all rows."""
    code = """
order = np.concatenate([np.argsort(y[:200], kind="stable")[::-1], np.arange(200, 240)])
X, y, weights, first = X[order], y[order], np.linspace(0.5, 2, 240), 144
settings = {"epochs": 2, "verbose": 0, "comm": comm, "class_weight": "balanced"}
split, given = fastbp.Model([5, 16, 3], seed=0), fastbp.Model([5, 16, 3], seed=0)
found = split.fit(X[mine], y[mine], sample_weight=weights[mine], validation_split=0.4, **settings)
own, held_out = slice(mine.start, min(mine.stop, first)), slice(max(mine.start, first), mine.stop)
validation = X[held_out], y[held_out], weights[held_out] if held_out.start < held_out.stop else None
sample_weight = weights[own] if own.start < own.stop else None
right = given.fit(X[own], y[own], sample_weight=sample_weight, validation_data=validation, **settings)
assert found.val_loss == right.val_loss and found.loss == right.loss
assert split.get_state()["parameters"].tobytes() == given.get_state()["parameters"].tobytes()
"""
    assert mpi.run(3, code) == ""


def test_callbacks_run_on_rank_0_and_what_they_change_goes_to_all():
    code = """
class Changes(fastbp.callbacks.Callback):
    def __init__(self):
        self.calls = []
    def on_train_begin(self, model):
        model.parameters[0][1][:] = 0.25
    def on_epoch_end(self, model, logs):
        state = model.get_state()
        logs["seen"] = logs["epoch"] + 0.5
        self.calls.append((logs["epoch"], state["steps"], bool(np.any(state["optimizer"]["m"]))))
        if logs["epoch"] == 1:
            model.learning_rate = 0.5
            model.set_state(state | {"optimizer": {name: 0 * each for name, each in state["optimizer"].items()}})
            model.stop_training = True
    def on_train_end(self, model):
        model.parameters[1][1][0] = 7

changes = Changes()
model = fastbp.Model([5, 8, 3], seed=rank, optimizer="adam")
history = model.fit(X[mine], y[mine], epochs=9, batch_size=60, verbose=0, comm=comm, callbacks=changes)
assert history.metrics == {"seen": [0.5, 1.5]}  # on all ranks
assert len(history.loss) == 2 and model.learning_rate == 0.5 and model.parameters[1][1][0] == 7
state = model.get_state()
assert state["steps"] == 8 and not any(np.any(each) for each in state["optimizer"].values())
assert changes.calls == ([(0, 4, True), (1, 8, True)] if rank == 0 else [])
stop = fastbp.callbacks.EarlyStopping("loss", patience=2, min_delta=100.0)
history = model.fit(X[mine], y[mine], epochs=9, batch_size=60, verbose=0, comm=comm, callbacks=stop)
assert len(history.loss) == 3
every = comm.gather(model.get_state()["parameters"].tobytes())
if rank == 0:
    assert len(set(every)) == 1
    print("well")
"""
    assert mpi.run(2, code) == "well\n"


# ---- checkpoints -----------------------------------------------------------------------------------------------------

TRAINS = """
import json
folder, every, epochs = sys.argv[1:]
model = fastbp.Model([5, 8, 3], seed=0, optimizer="adam", dropout=0.2)
stop = fastbp.callbacks.EarlyStopping("loss", patience=50)
checkpoint = fastbp.callbacks.Checkpoint(folder, every=every, keep=2)
model.fit(X[mine], y[mine], epochs=int(epochs), batch_size=60, verbose=0, comm=comm, resume=folder,
          callbacks=(stop, checkpoint))
if rank == 0:
    state = model.get_state()
    print(json.dumps([state["parameters"].tobytes().hex(), state["optimizer"]["m"].tobytes().hex(), state["steps"]]))
"""


def trains(n, folder, every="3 steps", epochs=6):
    status, out, err = mpi.ranks(n, "-c", mpi.CODE + TRAINS, str(folder), every, str(epochs))
    assert status == 0, err
    return json.loads(out)


def test_a_checkpoint_of_three_ranks_goes_on_on_two_and_one(tmp_path):
    undisturbed = trains(2, tmp_path / "whole")
    assert undisturbed[2] == 24
    trains(3, tmp_path / "parts", epochs=2)
    trains(2, tmp_path / "parts", epochs=4)
    assert trains(1, tmp_path / "parts") == undisturbed
    assert len(list((tmp_path / "parts").iterdir())) == 2
    X, y = np.zeros((240, 5), np.float32), np.zeros(240, int)
    with pytest.raises(
        ValueError, match="resume: .* is of another training: .*X has other numbers.*comm is None, there"
    ):
        model = fastbp.Model([5, 8, 3], seed=0, optimizer="adam", dropout=0.2)
        stop = fastbp.callbacks.EarlyStopping("loss", patience=50)
        model.fit(X, y, epochs=6, batch_size=60, resume=tmp_path / "parts", callbacks=stop)


def test_a_checkpoint_that_rank_0_cannot_pack_lets_all_go_on(tmp_path):
    code = f"""
import warnings

class Failing(fastbp.callbacks.Callback):
    epochs = 0
    def on_epoch_end(self, model, logs):
        self.epochs += 1
    def get_state(self):
        if self.epochs == 2:
            raise MemoryError("no room")
        return dict()

model = fastbp.Model([5, 8, 3], seed=0, optimizer="adam")
each = [Failing(), fastbp.callbacks.Checkpoint({str(tmp_path)!r}, "1 epoch", keep=9)]
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    history = model.fit(X[mine], y[mine], epochs=4, verbose=0, comm=comm, callbacks=each)
assert len(history.loss) == 4
assert ["MemoryError: no room" in str(one.message) for one in told] == [True] * (rank == 0)
"""
    mpi.run(2, code)
    assert len(list(tmp_path.iterdir())) == 3


def test_sigterm_writes_a_checkpoint_and_ends_all_ranks(tmp_path):
    code = """
import signal
from fastbp.distributed.update import Update
step = Update.step

def late(update, *arguments):
    if rank == 1 and update.plan.steps == 7:
        os.kill(os.getpid(), signal.SIGTERM)
    return step(update, *arguments)

Update.step = late
model = fastbp.Model([5, 8, 3], seed=0)
checkpoint = fastbp.callbacks.Checkpoint(sys.argv[1], every="2 h")
model.fit(X[mine], y[mine], epochs=10**6, batch_size=60, verbose=0, comm=comm, callbacks=checkpoint)
"""
    status, out, err = mpi.ranks(2, "-c", mpi.CODE + code, str(tmp_path))
    assert status == 143, out + err
    assert len(list(tmp_path.iterdir())) == 1


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_trains_on_all_ranks_and_rank_0_tells(tmp_path):
    np.savetxt(tmp_path / "rows.csv", np.column_stack([np.arange(60) % 7, np.arange(60) % 2]), "%d", delimiter=",")
    told = []
    for n in (1, 2):
        path = tmp_path / f"{n}.safetensors"
        options = ["--data", str(tmp_path / "rows.csv"), "--epochs", "2", "--save", str(path), "--quiet", "--mpi"]
        status, out, err = mpi.ranks(n, "-m", "fastbp", "train", *options)
        assert status == 0, err
        told.append((path.read_bytes(), out.splitlines()[0]))
        assert len(out.splitlines()) == 3
    assert told[0] == told[1]
    status, _, err = mpi.ranks(2, "-m", "fastbp", "train", "--data", str(tmp_path / "none.csv"), "--mpi")
    assert status == 2
    assert "none.csv" in err
