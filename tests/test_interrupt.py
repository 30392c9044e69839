"""Ctrl-C: heard while kernels run, and what it leaves."""

import os
import signal
import time

import pytest
from processes import finish, start

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a signal to another process as POSIX has it")

INTERRUPTED = """
X, y = random.integers(0, 256, (8000, 784), dtype=np.uint8), random.integers(0, 10, 8000)

def make():
    return fastbp.Model([784, 512, 512, 10], seed=1, optimizer="adam", input_scale=1 / 255, n_threads=N)

def fit(model, rows, epochs):
    return model.fit(X[:rows], y[:rows], epochs=epochs, shuffle=False, verbose=0)

model = make()
fit(make(), 128, 1)
print("ready", flush=True)
history = fit(model, len(X), 10**6)
print(time.time(), history.interrupted, len(history.loss))
steps, an_epoch, again = model.get_state()["steps"], -(-len(X) // 128), make()
fit(again, len(X), steps // an_epoch)
if steps % an_epoch:
    fit(again, min(len(X), steps % an_epoch * 128), 1)
assert again.get_state()["steps"] == steps >= len(history.loss) * an_epoch
assert digest(again._flat, *again.get_state()["optimizer"].values()) == digest(
    model._flat, *model.get_state()["optimizer"].values()
), "not the model after that many steps"
"""

INTERRUPTED_PREDICTION = """
model = fastbp.Model([784, 1024, 1024, 10], seed=1)
X = np.zeros((1_000_000, 784), np.uint8)  # pages of zeros take no memory
model.predict(X[:100])
print("ready", flush=True)
try:
    model.predict(X)
except KeyboardInterrupt:
    print(time.time(), True)
"""


def interrupt(process):
    """Press Ctrl-C once a process is at work; return what it prints, the seconds till it heard in place of a time."""
    ready = process.stdout.readline() == "ready\n"
    time.sleep(1)
    pressed = time.time()
    if ready:
        process.send_signal(signal.SIGINT)
    heard, *rest = finish(process).split()
    return float(heard) - pressed, *rest


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_ends_a_long_fit_at_once_and_leaves_the_model_after_a_whole_number_of_steps(n_threads):
    seconds, interrupted, epochs = interrupt(start(f"N = {n_threads}\n{INTERRUPTED}"))
    assert interrupted == "True" and int(epochs) < 10**6
    assert seconds < 5


def test_ctrl_c_ends_a_long_prediction_at_once():
    seconds, interrupted = interrupt(start(INTERRUPTED_PREDICTION))
    assert interrupted == "True" and seconds < 5
