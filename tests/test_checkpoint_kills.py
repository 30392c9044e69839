"""Trainings that are killed at random moments and resumed, and trainings that SIGTERM ends."""

import itertools
import os
import random
import signal
import threading
import time
import warnings

import pytest
from processes import start
from test_checkpoint import X, bits, y

import fastbp
from fastbp import schedules
from fastbp.callbacks import Callback, Checkpoint, EarlyStopping, ReduceLearningRate
from fastbp.training.checkpoints import folder

KILLS = int(os.environ.get("FASTBP_KILLS", 20))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 and forks of POSIX")

TRAININGS = {
    "small": ({"optimizer": "sgd"}, {"batch_size": 64, "epochs": 25}),
    "dropout": ({"optimizer": "adam", "dropout": 0.2, "dtype": "float64"}, {"schedule": schedules.Cosine()}),
    "norm": ({"optimizer": "nadam", "layer_norm": True, "activation": "prelu"}, {"drop_last": True, "epochs": 12}),
    "replicas": ({"layer_sizes": [12, 64, 64, 3], "n_threads": 2}, {"batch_size": 128, "epochs": 20}),
}


def train(name, where):
    """Return a model trained by one of TRAININGS, with checkpoints in a folder if there is one."""
    settings, options = TRAININGS[name]
    model = fastbp.Model(**{"layer_sizes": [12, 24, 3], "seed": 3} | settings)
    watching = [EarlyStopping(patience=9), ReduceLearningRate(patience=1, min_delta=0.05)]
    if where is not None:
        watching.append(Checkpoint(where, every="3 steps", keep=2))
    options = {"epochs": 15, "batch_size": 32, "validation_split": 0.2, "verbose": 0} | options
    model.fit(X, y, callbacks=watching, resume=where, **options)
    return model


def in_child(function, seconds=None):
    """Call a function in a forked child, which is killed after so long; return its exit status, or minus the signal."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            status = 0
        except SystemExit as end:
            status = end.code
        finally:
            os._exit(status)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_killed_at_random_moments_ends_with_the_bits_of_one_that_was_not(name, tmp_path):
    chance, expected = random.Random(name), bits(train(name, None))
    begin = time.perf_counter()
    train(name, tmp_path / "timed")
    seconds, kills, left = time.perf_counter() - begin, 0, 0
    for run in itertools.count():
        where = tmp_path / str(run)
        while in_child(lambda: train(name, where), chance.uniform(0, 0.7) * seconds):  # noqa: B023
            kills += 1
            left += any(".tmp" in each for each in os.listdir(where)) if where.exists() else 0
            folder.newest(str(where))  # a damaged one would warn
        found = train(name, where)
        assert bits(found) == expected
        assert len(os.listdir(where)) <= 2
        if kills >= KILLS / len(TRAININGS):
            break
    print(f"{kills} kills of {run + 1} trainings, {left} of which left a temporary file")


class Sends(Callback):
    """Sends a signal to this process in the middle of an epoch, or what `when` says."""

    def __init__(self, number, when="on_epoch_begin", epoch=1):
        self.number, self.when, self.epoch, self.epochs = number, when, epoch, 0

    def _send(self, when, epoch):
        if when == self.when and epoch == self.epoch:
            os.kill(os.getpid(), self.number)

    def on_train_end(self, model):
        self._send("on_train_end", self.epoch)

    def on_epoch_begin(self, model, epoch):
        self.epochs += 1
        self._send("on_epoch_begin", epoch)

    def on_epoch_end(self, model, logs):
        self._send("on_epoch_end", logs["epoch"])


def fit(where, *watching, every="1 h", model=None):
    model = fastbp.Model([12, 24, 3], optimizer="adam", seed=3) if model is None else model
    each = [*watching, Checkpoint(where, every)]
    return model, model.fit(X, y, batch_size=32, epochs=4, verbose=0, callbacks=each, resume=where)


@pytest.mark.parametrize("when", ["on_epoch_begin", "on_epoch_end", "on_train_end"])
def test_sigterm_writes_a_checkpoint_and_ends_with_143(when, tmp_path):
    plain, _ = fit(tmp_path / "whole", Callback())
    where = tmp_path / "ended"
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        fit(where, Sends(signal.SIGTERM, when))
    assert ended.value.code == 143 and signal.getsignal(signal.SIGTERM) is handler
    assert in_child(lambda: fit(tmp_path / "child", Sends(signal.SIGTERM, when))) == 143
    _, config, _ = folder.newest(str(where))
    assert config["epoch"] == {"on_epoch_begin": 2 if config["sums"][0] == 0 else 1, "on_epoch_end": 2}.get(when, 4)
    again = fastbp.Model([12, 24, 3], optimizer="adam", seed=3)
    silent = Sends(signal.SIGTERM, "never")
    again.fit(X, y, batch_size=32, epochs=4, verbose=0, callbacks=[silent, Checkpoint(where)], resume=where)
    assert bits(again) == bits(plain)


TERMINATED = """
from fastbp.callbacks import Checkpoint

class Told(fastbp.callbacks.Callback):
    def on_epoch_begin(self, model, epoch):
        if epoch == 2:
            print("ready", flush=True)

model = fastbp.Model(SIZES, seed=0, n_threads=2)
model.fit(X, y, epochs=10**6, batch_size=10, verbose=0, callbacks=[Told(), Checkpoint("run", "1 h")])
"""


def test_sigterm_from_another_process_ends_this_one_with_status_143(tmp_path):
    process = start(TERMINATED, cwd=tmp_path)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "") and "Traceback" not in err
    _, config, _ = folder.newest(str(tmp_path / "run"))
    assert config["epoch"] >= 2


@pytest.mark.parametrize("when", ["on_epoch_begin", "on_epoch_end"])
def test_ctrl_c_writes_a_checkpoint_and_ends_fit_with_its_history(when, tmp_path):
    plain, _ = fit(tmp_path / "whole", Callback())
    handler = signal.getsignal(signal.SIGINT)
    model, history = fit(tmp_path / "run", Sends(signal.SIGINT, when))
    assert history.interrupted and signal.getsignal(signal.SIGINT) is handler
    _, config, tensors = folder.newest(str(tmp_path / "run"))
    assert config["steps"] == model.get_state()["steps"] < plain.get_state()["steps"]
    assert (tensors["parameters"] == model.get_state()["parameters"]).all()
    again, history = fit(tmp_path / "run", Sends(signal.SIGINT, "never"))
    assert bits(again) == bits(plain) and not history.interrupted


def test_ctrl_c_pressed_twice_ends_at_once_and_at_the_end_as_before(tmp_path):
    class Twice(Sends):
        def _send(self, when, epoch):
            super()._send(when, epoch)
            super()._send(when, epoch)

    model, history = fit(tmp_path / "twice", Twice(signal.SIGINT))
    assert history.interrupted and len(history.loss) == 1 and not folder.files(str(tmp_path / "twice"))
    model, history = fit(tmp_path / "end", Sends(signal.SIGINT, "on_train_end"))
    assert history.interrupted and len(history.loss) == 4 and len(folder.files(str(tmp_path / "end"))) == 1


def test_a_handler_of_ones_own_is_called_after_the_checkpoint_is_written(tmp_path, monkeypatch):
    plain, _ = fit(tmp_path / "whole", Callback())
    came = []

    def handle(number, frame):
        came.append((number, len(folder.files(str(tmp_path / "run")))))

    before = signal.signal(signal.SIGTERM, handle)
    try:
        model, history = fit(tmp_path / "run", Sends(signal.SIGTERM))
        assert signal.getsignal(signal.SIGTERM) is handle
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == [(signal.SIGTERM, 1)] and len(history.loss) == 4 and bits(model) == bits(plain)


def test_sigterm_that_is_ignored_stays_ignored_and_other_threads_train_as_before(tmp_path):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        fit(tmp_path / "ignored", Sends(signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    found = []
    thread = threading.Thread(target=lambda: found.append(fit(tmp_path / "thread", Callback())[0]))
    thread.start()
    thread.join()
    assert bits(found[0]) == bits(fit(tmp_path / "main", Callback())[0])


def test_a_child_that_a_callback_forks_is_ended_by_sigterm(tmp_path):
    ended = []

    class Forks(Callback):
        def on_epoch_begin(self, model, epoch):
            reader, writer = os.pipe()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
                pid = os.fork()
            if pid == 0:
                try:
                    os.write(writer, b"x")
                    time.sleep(10)
                finally:
                    os._exit(1)
            os.read(reader, 1)
            os.kill(pid, signal.SIGTERM)
            ended.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            os.close(reader)
            os.close(writer)

    fit(tmp_path, Forks())
    assert ended == [-signal.SIGTERM] * 4


def test_without_a_checkpoint_sigterm_is_left_alone():
    handler, seen = signal.getsignal(signal.SIGTERM), []

    class Looks(Callback):
        def on_epoch_begin(self, model, epoch):
            seen.append(signal.getsignal(signal.SIGTERM))

    fastbp.Model([12, 3], seed=0).fit(X, y, epochs=1, verbose=0, callbacks=Looks())
    assert seen == [handler]
