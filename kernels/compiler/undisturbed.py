"""The compiler at work where no exception reaches it from outside.

Packages that limit time raise exceptions in a thread from another one, at any instruction. In the midst of compiling,
these leave the compiler's tables half written, so that nothing can be compiled in this process any more; or they are
lost in a callback from LLVM. So a thread of its own compiles, which nobody else knows, and the one that asked waits:
an exception for it comes when the kernel at hand is done.
"""

import _thread  # threading's Thread and Event take locks in Python, which an exception from outside would leave taken
import contextvars
import threading
from collections.abc import Callable
from typing import Any

from numba.core.compiler_lock import global_compiler_lock

from .signals import T, held


class _Here(threading.local):
    compiling = False  # whether this thread is one of those below


_here = _Here()


def undisturbed(function: Callable[..., T], *arguments: Any) -> T:
    """Return what a function returns that compiles, or loads what is compiled; nothing interrupts it.

    Where this thread has begun to compile already, as where Numba compiles a caller of ours, it goes on.
    """
    if _here.compiling or global_compiler_lock.is_locked():
        return held(function, *arguments)
    return held(_apart, function, arguments)


def _apart(function, arguments):
    """Return what a function returns, or raise what it raises, computed in another thread."""
    work = _Work(function, arguments)
    try:
        try:
            _thread.start_new_thread(work.do, ())
        except RuntimeError as error:
            if not str(error).startswith("can't"):  # raised by another thread, that is
                raise
            work.do()  # no thread can be started, as when the interpreter ends
        work.wait()
    finally:
        work.wait()  # if the first wait was interrupted
    return work.result()


class _Work:
    """A call, and what it returned or raised."""

    def __init__(self, function, arguments):
        self.call = contextvars.copy_context().run, function, *arguments
        self.value = self.error = None
        self.done, self.end = False, _thread.allocate_lock()
        self.end.acquire()
        self.do = self._steps().__next__
        self.do()

    def _steps(self):
        """Get ready in the first call, and do the work in the second.

        Until a new thread runs, Python 3.11 and older take it for the one that starts it, and give it exceptions meant
        for that one. They come at the first instruction, which so is one of a `try`.
        """
        interruption = None
        try:
            yield
        except GeneratorExit:
            return
        except BaseException as error:  # of whatever kind
            interruption = error
        before, _here.compiling = _here.compiling, True
        try:
            run, *arguments = self.call
            self.value = run(*arguments)
        except BaseException as error:
            self.error = error
        finally:
            self.error = interruption or self.error
            self.call, _here.compiling, self.done = None, before, True
            self.end.release()
        yield

    def wait(self):
        """Wait for the end; again, if an exception from outside came meanwhile."""
        if not self.done:
            self.end.acquire()

    def result(self):
        """Return the value, or raise the error."""
        if self.error is None:
            return self.value
        try:
            raise self.error
        finally:
            self.error = None  # which refers to this frame
