"""Exceptions from other threads, and signals, while kernels are compiled: they come afterwards and break nothing."""

import contextvars
import ctypes
import json
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import interrupting
import numpy as np
import pytest
from interrupting import SIGNALS, Stopped
from numba import float64
from numba.core.compiler_lock import global_compiler_lock

from fastbp.kernels.compiler import jit, undisturbed
from fastbp.kernels.library.once import once

MORE = int(os.environ.get("FASTBP_SIGNALS", 2))  # signals in all, and as many exceptions from another thread
A_PROCESS = 6  # of each


def throw(thread):
    """Raise an exception in a thread, as packages that limit time do."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))


def some_instructions():
    return sum(number for number in range(1000))


@pytest.fixture
def disturbed():
    """A function that is interrupted while it works, and what it did."""
    caller, did = threading.get_ident(), []

    def work(*arguments):
        throw(caller)
        some_instructions()
        did.append(arguments)
        return "done"

    return work, did


def test_an_exception_from_another_thread_comes_when_the_work_is_done(disturbed):
    work, did = disturbed
    with pytest.raises(Stopped):
        undisturbed.undisturbed(work, 1, 2)
        some_instructions()
    assert did == [(1, 2)]


def test_in_any_thread():
    def attempt():
        caller, did = threading.get_ident(), []

        def work():
            throw(caller)
            some_instructions()
            did.append(True)

        with pytest.raises(Stopped):
            undisturbed.undisturbed(work)
            some_instructions()
        return did

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(attempt).result() == [True]


def test_what_is_computed_once_can_be_asked_for_again_where_the_one_who_asked_was_interrupted():
    caller, asked = threading.get_ident(), []

    @once
    def kept(name):
        asked.append(name)
        if len(asked) == 1:
            throw(caller)
            some_instructions()
        return "done"

    with pytest.raises(Stopped):
        kept("same")
        some_instructions()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(kept, "same").result(10) == "done"


def takes_the_lock():
    lock = global_compiler_lock._lock
    taken = lock.acquire(timeout=10)
    if taken:
        lock.release()
    return taken


def doubled(a):
    return 2 * a


@pytest.mark.parametrize(("method", "found"), [("load_overload", 0), ("load_overload", 1), ("save_overload", 0)])
@pytest.mark.parametrize("asked", ["call", "compile"])
def test_an_exception_while_a_kernel_is_compiled_or_loaded_leaves_the_kernel(
    tmp_path, monkeypatch, method, found, asked
):
    monkeypatch.setattr(jit, "cache_folder", lambda: tmp_path)
    if found:
        jit.jit(doubled)(1.5)
    original, caller = getattr(jit._KernelCache, method), threading.get_ident()

    def interrupted(self, *arguments):
        throw(caller)
        some_instructions()
        return original(self, *arguments)

    monkeypatch.setattr(jit._KernelCache, method, interrupted)
    dispatcher = jit.jit(doubled)
    with pytest.raises(Stopped):
        dispatcher(1.5) if asked == "call" else dispatcher.compile((float64,))
        some_instructions()
    [signature] = dispatcher.signatures
    assert dispatcher(1.5) == 3.0 and dispatcher.signatures == [signature]
    assert len(list(tmp_path.iterdir())) == 1


def test_an_exception_that_meets_the_new_thread_in_its_stead_comes_when_the_work_is_done(monkeypatch):
    """Python 3.11 takes a thread that does not run yet for the one that starts it."""
    did = []
    monkeypatch.setattr(undisturbed._thread, "start_new_thread", lambda do, _: do.__self__.throw(Stopped()))
    with pytest.raises(Stopped):
        undisturbed.undisturbed(did.append, True)
    assert did == [True] and not undisturbed._here.compiling


# ---- what else holds of work that another thread does


def test_results_errors_and_warnings_arrive():
    assert undisturbed.undisturbed(divmod, 7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        undisturbed.undisturbed(divmod, 7, 0)
    with pytest.raises(KeyboardInterrupt):
        undisturbed.undisturbed(exec, "raise KeyboardInterrupt")
    with pytest.warns(RuntimeWarning, match="said"):
        undisturbed.undisturbed(warnings.warn, "said", RuntimeWarning)
    with pytest.raises(RuntimeWarning, match="said"):  # as this suite asks
        undisturbed.undisturbed(warnings.warn, "said", RuntimeWarning)


def test_the_context_of_the_one_who_asked_is_seen():
    variable = contextvars.ContextVar("variable")
    variable.set(3)
    assert undisturbed.undisturbed(variable.get) == 3
    with np.errstate(over="raise"):
        assert undisturbed.undisturbed(np.geterr)["over"] == "raise"


def test_work_within_work_goes_on_in_the_same_thread():
    outer, inner = undisturbed.undisturbed(
        lambda: (threading.get_ident(), undisturbed.undisturbed(threading.get_ident))
    )
    assert outer == inner != threading.get_ident()
    with global_compiler_lock:  # as where Numba compiles a caller: another thread would wait for it forever
        assert undisturbed.undisturbed(threading.get_ident) == threading.get_ident()


def test_where_no_thread_can_be_started_the_one_who_asks_works(monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(undisturbed._thread, "start_new_thread", refuse)
    assert undisturbed.undisturbed(threading.get_ident) == threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        undisturbed.undisturbed(divmod, 7, 0)
    assert not undisturbed._here.compiling


def test_a_time_limit_that_comes_as_a_thread_starts_is_not_taken_for_that(monkeypatch):
    start, did = undisturbed._thread.start_new_thread, []

    def interrupt(*arguments):
        start(*arguments)
        raise RuntimeError("time is up")

    monkeypatch.setattr(undisturbed._thread, "start_new_thread", interrupt)
    with pytest.raises(RuntimeError, match="time is up"):
        undisturbed.undisturbed(did.append, True)
    assert did == [True]


# ---- random moments


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a signal to a process as POSIX has it")
def test_a_process_that_is_interrupted_while_it_compiles_trains_afterwards_with_the_right_bits(tmp_path):
    came, lost = dict.fromkeys(SIGNALS + ("thread",), 0), {}
    for seed in range(-(-MORE // A_PROCESS)):
        (tmp_path / str(seed)).mkdir()
        tries = 2 * min(A_PROCESS, MORE - seed * A_PROCESS)
        arguments = [sys.executable, "-W", "error", interrupting.__file__, tmp_path / str(seed), str(seed), str(tries)]
        run = subprocess.run(arguments, capture_output=True, text=True, timeout=1200)
        assert run.returncode == 0, run.stderr
        told = json.loads(run.stdout)
        for kind in came:
            came[kind] += told["came"][kind]
            lost[kind] = lost.get(kind, 0) + told["lost"][kind]
        assert told["files"] > 10
        for name, bits in told["bits"].items():
            assert bits == [getattr(interrupting, name)()]
    print("came", came, "lost", lost)
    assert not any(lost[kind] for kind in SIGNALS)
