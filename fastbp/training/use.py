"""Who changes a model: one call at a time, while others read its state whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

TRAINED = (
    "the model is in use: another call, of fit or set_state, is changing it. Wait until that has returned, "
    "or train a copy (copy.deepcopy)"
)
READ = (
    "the model's state can't be read while another call is changing it: wait until that has returned, "
    "or read it in a callback of fit"
)


class Call:
    """One call that changes a model, in the thread that makes it; it rests while callbacks run."""

    __slots__ = ("resting", "thread")

    def __init__(self) -> None:
        self.resting, self.thread = False, threading.get_ident()


class Use:
    """What calls a model is changed by. Nobody waits: what can't be done is refused.

    A call must be ended with `end`, in a `finally` that begins before `begin`: so Ctrl-C leaves no model in use.
    """

    __slots__ = ("_by", "_changes")

    def __init__(self) -> None:
        self._by: dict[str, Call] = {}  # under "call" the one there is, if any
        self._changes = 0  # how often the state began or ceased to change

    def begin(self, call: Call) -> None:
        """Let a call change the model; raise RuntimeError while another does."""
        if self._by.setdefault("call", call) is not call:  # atomic
            raise RuntimeError(TRAINED)
        self._changes += 1

    def end(self, call: Call) -> None:
        """End a call, if it has begun."""
        if "call" in self._by and self._by["call"] is call:  # no function is called, so that no signal comes between
            self._changes += 1
            del self._by["call"]

    @contextmanager
    def resting(self, call: Call) -> Iterator[None]:
        """Let callbacks read and change the model, in the thread of the call."""
        try:
            call.resting = True
            self._changes += 1
            yield
        finally:
            call.resting = False
            self._changes += 1

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change the state at once: no call must be changing it, but one whose callback this is."""
        outer, call = self._by.get("call"), Call()
        try:
            if outer is not None and outer.resting and outer.thread == call.thread:
                outer.resting = False
                self._changes += 1
            else:
                outer = None
                self.begin(call)
            yield
        finally:
            if outer is not None:
                outer.resting = True
                self._changes += 1
            self.end(call)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read the state; raise RuntimeError if it changes meanwhile."""
        before, call = self._changes, self._by.get("call")
        if call is not None and not call.resting:
            raise RuntimeError(READ)
        try:
            yield
        except Exception:
            if self._changes == before:
                raise
        if self._changes != before:
            raise RuntimeError(READ)
