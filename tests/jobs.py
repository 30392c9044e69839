"""What the processes of processes.py import: a training, its bits, and a record of how many threads computed."""

import contextlib
import hashlib
import os
import warnings

import numpy as np

import fastbp
from fastbp.execution import fast_plan, helpers, threads

fast_plan.CALL_FLOP = 1  # several workers for little work, too
helpers.PATIENCE = 300  # there are more threads than cores
random = np.random.default_rng(7)
SIZES = 131, 257, 61, 10
X, y = random.standard_normal((1009, 131)).astype("float32"), random.integers(0, 10, 1009)
used = set()  # sizes of the teams there were


class Team(threads.team):
    def __enter__(self):
        n = super().__enter__()
        used.add(n)
        return n


threads.team = Team
KERNELS = os.environ.get("JOBS_KERNELS", "fast")

if KERNELS == "elementwise":  # the fast kernels do without Numba
    from fastbp.execution import plain_loops

    run_loop = plain_loops.launch

    def launch(loop, *arguments, n_threads=None):
        used.add(threads.limit(n_threads))
        return run_loop(loop, *arguments, n_threads=n_threads)

    plain_loops.launch = launch


def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def outputs(model, X, y):
    """Bits of all that a model tells of a few rows."""
    E, gradients = model.gradients(X, y)
    scores = model.evaluate(X, y)
    arrays = [model.predict_proba(X), model.predict_proba(X[:1]), E, scores["loss"], scores["accuracy"]]
    return digest(*arrays, *(array for layer in gradients for array in layer))


def work(n_threads, seed=0):
    """Bits of a model that was trained from one seed."""
    model = fastbp.Model(SIZES, seed=seed, n_threads=n_threads, kernels=KERNELS)
    history = model.fit(X, y, epochs=2, batch_size=333, validation_data=(X[:400], y[:400]), verbose=0)
    return digest(model._flat, history.loss, history.val_loss) + outputs(model, X, y)


def work_on_all(seed):
    return work(None, seed)


def work_on_two(seed):
    return work(2, seed)


def forked(function):
    """Bits that a function returns in a forked child."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.write(writer, function().encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0, "the child was killed"
    return told
