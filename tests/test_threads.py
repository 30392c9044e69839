"""Threads change no bit, leave a program its own threads, and are as many as asked for."""

import re
import threading
import time
import warnings

import numba
import numpy as np
import pytest
from llvmlite import binding
from processes import run

import fastbp
import fastbp.sklearn
from fastbp.execution import fast_plan, threads
from fastbp.kernels.machine import atomic

# ---- the same bits

SAME_BITS = """
from fastbp.optimizers import SGD
bytes_ = random.integers(0, 256, (700, 784), dtype=np.uint8)
CASES = [
    (SIZES, X, 333, {}),
    (SIZES, X, 2000, {"optimizer": "adam"}),
    (SIZES, X.astype("float64"), 97, {"dtype": "float64", "optimizer": SGD(momentum=0.9, nesterov=True)}),
    ((784, 307, 2), bytes_, 89, {"optimizer": "adam", "input_scale": 1 / 255}),
    ((784, 521, 10), bytes_, 128, {"optimizer": SGD(momentum=0.5), "input_scale": 1 / 255}),
    ((131, 3001), X, 64, {}),
    (SIZES, X, 333, {"kernels": "elementwise"}),
]
for sizes, X, batch_size, settings in CASES:
    labels = y[: len(X)] % sizes[-1]
    told = set()
    for n_threads in 1, 2, 3:
        used.clear()
        model = fastbp.Model(sizes, seed=1, n_threads=n_threads, **settings)
        bits = outputs(model, X, labels)
        history = model.fit(X, labels, epochs=2, batch_size=batch_size, validation_data=(X, labels), verbose=0)
        state = model.get_state()
        bits += digest(state["parameters"], *state["optimizer"].values(), history.loss, history.val_loss)
        told.add(bits + outputs(model, X, labels))
        assert max(used) == n_threads, (sizes, settings, used)
    assert len(told) == 1, (sizes, batch_size, settings)
    print(*told)
"""


def test_any_number_of_threads_gives_the_same_bits_in_every_run_and_layer():
    bits = run(SAME_BITS, kernels="elementwise")
    assert len(set(bits.split())) == 7
    assert run(SAME_BITS, layer="workqueue", n_threads=3, kernels="elementwise") == bits


def test_one_row_has_the_same_bits_on_any_number_of_threads():
    bits = run("""
rows = np.abs(random.standard_normal((5, 784)))
for dtype in "float32", "float64":
    models = [fastbp.Model([784, 1031, 521, 3], seed=1, dtype=dtype, n_threads=n) for n in (1, 2, 3)]
    for X in rows, rows.astype("float32"):
        told = {digest(*(model.predict_proba(x[None]) for x in X)) for model in models}
        told |= {digest(model.predict_proba(X)) for model in models}
        assert len(told) == 1
assert used == {1, 2, 3}
print("done")
""")
    assert bits == "done\n"


# ---- n_threads


@pytest.mark.parametrize("n_threads", [0, -1, -(10**30)])
def test_numbers_of_threads_that_there_are_not(n_threads):
    with pytest.raises(ValueError, match=f"n_threads must be at least 1, got {n_threads}"):
        fastbp.Model([2, 2], n_threads=n_threads)


@pytest.mark.parametrize("n_threads", [threads.most() + 1, 64 * threads.most(), 10**30])
def test_more_threads_than_there_are_become_all(n_threads):
    X, y = np.random.default_rng(0).standard_normal((40, 3)), np.arange(40) % 2
    model, plain = fastbp.Model([3, 5, 2], n_threads=n_threads, seed=0), fastbp.Model([3, 5, 2], seed=0)
    assert model.n_threads == model._plan.n_threads == threads.most()
    model.n_threads = n_threads
    config = model.get_config() | {"n_threads": n_threads}  # of a larger machine
    assert model.n_threads == fastbp.Model(**config).n_threads == threads.most()
    for one in model, plain:
        one.fit(X, y, epochs=2, verbose=0)
    assert model.predict_proba(X).tobytes() == plain.predict_proba(X).tobytes()
    for kind in (fastbp.sklearn.MLPClassifier, fastbp.sklearn.TabularClassifier):
        small = {"max_iter": 3} if kind is fastbp.sklearn.MLPClassifier else {"n_epochs": 2}
        made = [kind(hidden_layer_sizes=(4,), random_state=0, n_threads=n, **small) for n in (n_threads, None)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few epochs do not converge
            told = {estimator.fit(X, y).predict_proba(X).tobytes() for estimator in made}
        assert len(told) == 1 and made[0].n_threads == n_threads


@pytest.mark.parametrize("n_threads", [1.0, 1.5, True, np.True_, "2", [1]])
def test_numbers_of_threads_that_are_no_whole_numbers(n_threads):
    with pytest.raises(TypeError, match="n_threads must be a whole number"):
        fastbp.Model([2, 2], n_threads=n_threads)


def test_numbers_of_threads_that_there_are():
    for n_threads in None, 1, np.int8(1), threads.most():
        assert fastbp.Model([2, 2], n_threads=n_threads).n_threads == n_threads


def test_a_model_goes_to_a_machine_of_fewer_threads(tmp_path):
    run(
        """
model = fastbp.Model(SIZES, seed=1, n_threads=3)
model.save("model")
with open("pickle", "wb") as file:
    pickle.dump(model, file)
""",
        cwd=tmp_path,
    )
    told = run(
        """
with open("pickle", "rb") as file:
    for model in pickle.load(file), fastbp.load("model"), fastbp.Model(SIZES, seed=1):
        print(outputs(model, X, y))
""",
        n_threads=2,
        cwd=tmp_path,
    )
    assert len(told.split()) == 3 and len(set(told.split())) == 1


# ---- the rest of a program


def test_a_mask_is_heeded_and_left_as_it_was():
    told = run("""
import numba

for mask in 1, 2:
    numba.set_num_threads(mask)
    used.clear()
    work(None)
    assert max(used) == mask == numba.get_num_threads(), used
    work(3)
    assert max(used) == 3 and numba.get_num_threads() == mask
    bad = X.copy()
    bad[-1, -1] = np.nan
    with contextlib.suppress(ValueError):
        fastbp.Model(SIZES, n_threads=3).fit(bad, y, batch_size=333, verbose=0)
        raise AssertionError
    assert numba.get_num_threads() == mask
print("done")
""")
    assert told == "done\n"


@pytest.mark.parametrize("n_threads", [1, threads.most()])
def test_other_python_threads_run_while_kernels_do(monkeypatch, n_threads):
    ticks, calls, over, run = [], [], [], fast_plan.helpers.launch

    def tick():
        while not over:
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    def watched(*arguments):
        start = time.perf_counter()
        run(*arguments)
        calls.append((start, time.perf_counter()))

    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (8000, 784), dtype=np.uint8), rng.integers(0, 10, 8000)
    model = fastbp.Model([784, 512, 512, 10], input_scale=1 / 255, n_threads=n_threads)
    model.gradients(X[:500], y[:500])
    monkeypatch.setattr(fast_plan.helpers, "launch", watched)
    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        model.gradients(X, y)
    finally:
        over.append(True)
        ticker.join()
    [(start, end)] = calls
    during = np.array([start, *(at for at in ticks if start < at < end), end])
    assert np.diff(during).max() < (end - start) / 2


def test_an_import_in_a_thread_leaves_the_main_thread_the_main_one():
    told = run("""
import importlib

thread = threading.Thread(target=importlib.reload, args=(threads,))
thread.start()
thread.join()
print(threads.limit(None))
""")
    assert told == "3\n"


@pytest.mark.parametrize("system_has_it", [True, False])
def test_a_core_is_offered_where_the_system_takes_one(monkeypatch, system_has_it):
    known = binding.address_of_symbol
    monkeypatch.setattr(binding, "address_of_symbol", lambda name: known(name) if system_has_it else None)

    @numba.njit
    def wait():
        atomic.yield_core()

    wait()
    [code] = wait.inspect_llvm().values()
    assert ("sched_yield" in code) == (system_has_it and known("sched_yield") is not None)


SPINNING = """
import os, sys
for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
    os.environ.pop(name, None)
os.environ |= {"OMP_DISPLAY_ENV": "VERBOSE"} | dict(argument.split("=") for argument in sys.argv[1:])
before = dict(os.environ)
import fastbp.execution.plain_loops
print(fastbp.execution.plain_loops.describe()["layer"])
assert dict(os.environ) == before
"""


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ([], "20000"),
        (["GOMP_SPINCOUNT=77"], "77"),
        (["OMP_WAIT_POLICY=passive"], "0"),
        (["OMP_WAIT_POLICY=active"], None),
    ],
)
def test_threads_spin_for_a_while_unless_told_otherwise(run_python, variables, count):
    done = run_python("-c", SPINNING, *variables)
    told = dict(re.findall(r"(\w+) *= *'([^']*)'", done.stderr))
    if done.stdout.strip() != "omp" or "GOMP_SPINCOUNT" not in told:
        pytest.skip("no GNU OpenMP here")
    assert told["GOMP_SPINCOUNT"] == count or (count is None and int(told["GOMP_SPINCOUNT"]) > 1e9)


def test_no_second_worker_is_woken_for_a_short_call(monkeypatch):
    monkeypatch.setattr(fast_plan, "CALL_FLOP", 20_000_000)
    monkeypatch.setattr(threads, "limit", lambda n_threads: 2)
    plan = fastbp.Model([20, 100, 2])._plan  # 2,302 parameters, 6 FLOP each a row
    assert [plan._workers(200, rows) for rows in (200, 2800, 3000, 10**6)] == [1, 1, 2, 2]
    assert plan._workers(50, 10**6) == 1  # a step is too short
