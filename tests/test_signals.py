"""Signals while kernels are compiled or loaded: answered afterwards, and nothing is broken or swallowed."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from jobs import forked

import fastbp
from fastbp.kernels.compiler import cache, jit, signals
from fastbp.kernels.machine import points


class Stopped(Exception):
    """What a time limit of the user raises."""


@pytest.fixture
def stopping():
    """A handler of SIGTERM that raises, and how often it ran."""
    ran = []

    def handle(number, frame):
        ran.append(signals._holding)
        raise Stopped

    before = signal.signal(signal.SIGTERM, handle)
    yield ran
    assert signal.getsignal(signal.SIGTERM) is handle  # as it was
    signal.signal(signal.SIGTERM, before)


def stop(*_):
    signal.raise_signal(signal.SIGTERM)


# ---- holding back


def test_a_signal_is_answered_at_the_end_once(stopping):
    done = []

    def work():
        stop()
        signals.held(stop)
        done.append(True)

    with pytest.raises(Stopped):
        signals.held(work)
    assert done == [True] and stopping == [False]


def test_several_signals_are_all_answered(stopping):
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(signal.SIGINT))
    try:
        with pytest.raises(Stopped):
            signals.held(lambda: (stop(), signal.raise_signal(signal.SIGINT)))
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT] and len(stopping) == 1


def test_without_a_signal_and_after_an_error_handlers_are_as_they_were(stopping):
    before = signal.getsignal(signal.SIGINT)

    def work():
        assert signal.getsignal(signal.SIGINT) is not before
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        signals.held(work)
    assert signal.getsignal(signal.SIGINT) is before and stopping == []
    assert signals.held(divmod, 7, 3) == (2, 1)


def test_only_the_main_thread_holds_signals_back(stopping):
    before = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(signals.held, signal.getsignal, signal.SIGTERM).result() is before


def test_handlers_that_are_no_functions_stay(stopping):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert signals.held(signal.getsignal, signal.SIGINT) is signal.SIG_IGN
        signals.held(signal.raise_signal, signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_an_exception_in_the_midst_of_the_release_leaves_no_handler_replaced(stopping, monkeypatch, moment):
    """As one from another thread, which comes as a handler is set again."""
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    calls, set_handler = [], signal.signal

    def interrupted(number, handler):
        if handler is not signals._note:
            calls.append(number)
            if len(calls) == moment:
                raise TimeoutError
        return set_handler(number, handler)

    with monkeypatch.context() as patched:
        patched.setattr(signal, "signal", interrupted)
        try:
            signals.held(int)
        except TimeoutError:
            assert len(calls) > moment
        else:
            assert len(calls) < moment
    assert {number: signal.getsignal(number) for number in handlers} == handlers and not signals._holding


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_that_another_thread_forks_meanwhile_has_its_handlers(stopping):
    handler = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor(1) as pool:
        child = partial(forked, lambda: str(signal.getsignal(signal.SIGTERM) is handler and not signals._holding))
        assert signals.held(lambda: pool.submit(child).result()) == "True"


# ---- compiling and loading


def doubled(a):
    return 2 * a


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(jit, "cache_folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("method", "found"), [("load_overload", False), ("load_overload", True), ("save_overload", False)]
)
def test_a_signal_while_a_kernel_is_compiled_or_loaded_is_answered_and_leaves_the_kernel(
    folder, monkeypatch, stopping, method, found
):
    if found:
        jit.jit(doubled)(1.5)
    original = getattr(jit._KernelCache, method)

    def interrupted(self, *arguments):
        stop()
        return original(self, *arguments)

    monkeypatch.setattr(jit._KernelCache, method, interrupted)
    dispatcher = jit.jit(doubled)
    with pytest.raises(Stopped):
        dispatcher(1.5)
    assert stopping == [False]
    [signature] = dispatcher.signatures
    assert dispatcher(1.5) == 3.0 and dispatcher.signatures == [signature]


def test_a_signal_in_the_midst_of_unpickling_is_not_swallowed(folder, monkeypatch, stopping):
    jit.jit(doubled)(1.5)
    loads = jit.pickle.loads

    class Pickle:
        UnpicklingError = jit.pickle.UnpicklingError

        def loads(self, body):
            stop()
            return loads(body)

    monkeypatch.setattr(jit, "pickle", Pickle())
    with pytest.raises(Stopped):
        jit.jit(doubled)(1.5)


@pytest.mark.parametrize("error", [Stopped, TimeoutError, RuntimeError, MemoryError, KeyboardInterrupt])
def test_exceptions_that_no_bad_file_raises_end_the_loading(folder, monkeypatch, error):
    """As one from another thread, which comes at any instruction."""
    jit.jit(doubled)(1.5)

    def rebuild(*_):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(jit.compiler.CompileResult, "_rebuild", rebuild)
        with pytest.raises(error):
            jit.jit(doubled)(1.5)
    assert jit.jit(doubled)(1.5) == 3.0


@pytest.mark.parametrize("body", [b"cno_such_module\nname\n.", b"cpickle\nno_such_name\n.", b"", b"(K\x01K\x02t."])
def test_files_that_hold_something_else_are_compiled_anew(folder, body):
    jit.jit(doubled)(1.5)
    [file] = folder.iterdir()
    cache.write(file, body)
    assert jit.jit(doubled)(1.5) == 3.0 and len(file.read_bytes()) > 1000


@pytest.mark.parametrize("error", [Stopped, TimeoutError])
def test_exceptions_while_a_users_function_is_tried_are_not_taken_for_the_compilers(monkeypatch, error):
    own = fastbp.activations.Activation("own", lambda t: t * t / 2, lambda t: t)

    class Raising:
        def compile(self, *_):
            raise error

    monkeypatch.setattr(points, "point", lambda function: Raising())
    with pytest.raises(error):
        points.refusal(error(), own)


def test_a_signal_while_a_users_function_is_tried_is_answered(stopping, monkeypatch):
    own = fastbp.activations.Activation("own", lambda t: t * t / 2, lambda t: t)
    monkeypatch.setattr(points, "_reason", stop)
    with pytest.raises(Stopped):
        points.refusal(points.NumbaError("no"), own)
    assert stopping == [False]
