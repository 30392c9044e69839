"""Errors on several ranks: all raise one, or all end within seconds."""

import json
import signal
import time

import mpi
import pytest

REFUSED = '''
def told(make):
    """What each rank is told."""
    try:
        make()
    except (ValueError, TypeError, ImportError, ArithmeticError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"

def fit(X=X[mine], y=y[mine], layers=(5, 8, 3), model={}, **more):
    m = fastbp.Model(layers, seed=0, **model)
    before = m.get_state()["parameters"].copy()
    try:
        m.fit(X, y, **({"epochs": 1, "batch_size": 60, "verbose": 0, "comm": comm} | more))
    except Exception:
        assert np.array_equal(m.get_state()["parameters"], before) or "learning_rate" in model
        raise

from fastbp.distributed.ranks import Ranks
made, first = [], Ranks.__init__

def noted(self, comm):
    first(self, comm)
    made.append(self)

Ranks.__init__ = noted
bad = X[mine].copy()
bad[7, 2] = np.nan
last = rank == size - 1
class Raises(fastbp.callbacks.Callback):
    def on_epoch_end(self, model, logs):
        raise ValueError("no more")
cases = {
    "nan": lambda: fit(bad if last else X[mine]),
    "nan in validation": lambda: fit(validation_data=(bad if last else X[mine], y[mine])),
    "labels": lambda: fit(y=y[mine] + 3 * last),
    "batch_size": lambda: fit(batch_size=60 + rank),
    "network": lambda: fit(layers=(5, 8 + rank, 3)),
    "columns": lambda: fit(X[mine][:, :4]) if last else fit(),
    "epochs": lambda: fit(epochs=-1),
    "no rows": lambda: fit(X[:0], y[:0]),
    "kernels": lambda: fit(model={"kernels": "elementwise"}),
    "members": lambda: fit(model={"scaling_layer": fastbp.Members(3)}),
    "callback": lambda: fit(callbacks=Raises()),
    "diverges": lambda: fit(X[mine] * 1e18, model={"learning_rate": 1e30}, epochs=5),
    "weights": lambda: fit(sample_weight=np.zeros(len(y[mine]))),
    "validation weights": lambda: fit(validation_data=(X, y, np.zeros(240))),
    "y without rows": lambda: fit(X[:0], y[:50]) if last else fit(),
    "weights without rows": lambda: fit(X[:0], y[:0], sample_weight=np.ones(7)) if last else fit(),
    "y without validation rows": lambda: fit(validation_data=(X[:0], y[:50]) if last else (X, y)),
    "validation on one": lambda: fit(validation_data=(X, y) if last else None),
    "both": lambda: fit(validation_data=(X, y), validation_split=0.5),
    "class_weight": lambda: fit(class_weight={7: 1}),
    "split": lambda: fit(X[:1] if last else X[:0], y[:1] if last else y[:0], validation_split=0.9),
    "comm": lambda: fit(comm="world"),
}
found = {name: told(make) for name, make in cases.items()}
fit()  # all is well after
assert len(made) == len(cases) and all(each.comm == MPI.COMM_NULL for each in made)  # all communicators are free again
each = comm.gather(found)
if rank == 0:
    import json
    print(json.dumps(each))
'''
EXPECTED = {
    "nan": "ValueError: rank 2 of 3: X must hold finite numbers within float32, got nan in row 7, column 2",
    "nan in validation": "ValueError: rank 2 of 3: validation X must hold finite numbers within float32, "
    "got nan in row 7, column 2",
    "labels": "ValueError: rank 2 of 3: y must hold class numbers, whole numbers from 0 to 2, got ",
    "batch_size": "ValueError: rank 1 of 3: ranks must train alike, but differ from rank 0: "
    "batch_size is 61, there it is 60",
    "network": "ValueError: rank 1 of 3: ranks must train alike, but differ from rank 0: layer_sizes is [5, 9, 3], "
    "there it is [5, 8, 3]",
    "columns": "ValueError: rank 2 of 3: X must have 5 columns, one for each input, got 4",
    "epochs": "ValueError: epochs must be at least 0, got -1",
    "no rows": "ValueError: X has no rows on any rank",
    "kernels": "ValueError: comm needs a model of kernels='fast', got 'elementwise'",
    "members": "ValueError: a training with comm has no members, the model has scaling_layer=Members(3)",
    "callback": "ValueError: rank 0 of 3: no more",
    "diverges": "DivergenceError: the error of step ",
    "weights": "ValueError: sample_weight must not be zero for all rows",
    "validation weights": "ValueError: validation sample_weight must not be zero for all rows",
    "y without rows": "ValueError: rank 2 of 3: y must have no rows, as X has none, got shape (50,)",
    "weights without rows": "ValueError: rank 2 of 3: sample_weight must have no rows, as X has none, got shape (7,)",
    "y without validation rows": "ValueError: rank 2 of 3: validation y must have no rows, as validation X has none, "
    "got shape (50,)",
    "validation on one": "ValueError: rank 0 of 3: validation_data must be given on every rank or on none",
    "both": "ValueError: validation_data and validation_split must not both be given",
    "class_weight": "ValueError: class_weight's classes must be below 3, got 7",
    "split": "ValueError: validation_split must leave at least one row to train on, got 0.9 of 1 rows",
    "comm": "TypeError: comm must be an mpi4py communicator such as MPI.COMM_WORLD, got 'world'",
}


@pytest.fixture(scope="module")
def told():
    """What each of three ranks is told, for each case."""
    return json.loads(mpi.run(3, REFUSED))


@pytest.mark.parametrize("name", EXPECTED)
def test_each_rank_raises_the_same_error(told, name):
    first, *others = (rank[name] for rank in told)
    assert first.startswith(EXPECTED[name])
    assert all(other.startswith(EXPECTED[name]) for other in others)


# ---- the end of all --------------------------------------------------------------------------------------------------

LONGEST = 10  # seconds from the error of a rank to the end of all
ENDS = """
import time
from fastbp.distributed.update import Update
step = Update.step

def late(update, *arguments):
    if rank == 1 and update.plan.steps == 7:
        with open({flag!r}, "w") as file:
            file.write(str(time.time()))
        {what}
    return step(update, *arguments)

Update.step = late
model = fastbp.Model([5, 8, 3], seed=0)
model.fit(X[mine], y[mine], epochs=10**6, batch_size=60, verbose=0, comm=comm)
"""


def ended(n, what, path):
    """Return the status and what was printed of ranks of which one ends while they train; all end in time."""
    status, out, err = mpi.ranks(n, "-c", mpi.CODE + ENDS.format(flag=str(path), what=what))
    assert time.time() - float(path.read_text()) < LONGEST
    return status, out + err


def test_a_rank_that_raises_ends_all_and_is_named(tmp_path):
    status, told = ended(3, "raise LookupError('lost')", tmp_path / "then")
    assert status != 0
    assert "fastbp: rank 1 of 3 raised LookupError: lost; all ranks end" in told


def test_a_rank_that_is_killed_ends_all(tmp_path):
    status, told = ended(2, f"os.kill(os.getpid(), {int(signal.SIGKILL)})", tmp_path / "then")
    assert status != 0
    assert f"EXIT CODE: {int(signal.SIGKILL)}" in told


def test_an_error_between_two_trainings_ends_all_and_names_the_rank():
    code = """
model = fastbp.Model([5, 8, 3], seed=0)
model.fit(X[mine], y[mine], epochs=1, verbose=0, comm=comm)
if rank == 1:
    raise KeyError("lost")
model.fit(X[mine], y[mine], epochs=1, verbose=0, comm=comm)
"""
    status, _, err = mpi.ranks(2, "-c", mpi.CODE + code)
    assert status != 0
    assert "fastbp: rank 1 of 2 raised KeyError: 'lost'; all ranks end" in err
