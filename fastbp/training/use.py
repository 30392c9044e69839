"""The guard of a model: one call at a time changes it, and others read its state whole or not at all."""

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


class Use:
    """Refuses calls that would change or read a model while another call changes it. No call waits for another.

    A call must be ended with `end`, in a `finally` whose `try` begins before `begin`, so that Ctrl-C leaves no model
    in use.
    """

    __slots__ = ("_by", "_changes", "_resting")

    def __init__(self) -> None:
        self._by: dict[str, object] = {}  # under "call" what stands for the one there is, if any
        self._resting: int | None = None  # the thread of that call while its callbacks run
        self._changes = 0  # how often the state began or ceased to change

    @property
    def busy(self) -> bool:
        """Whether a call is changing the model, a callback of it included."""
        return "call" in self._by

    def begin(self, call: object) -> None:
        """Let a call change the model; raise RuntimeError while another does."""
        if self._by.setdefault("call", call) is not call:  # atomic
            raise RuntimeError(TRAINED)
        self._changes += 1

    def end(self, call: object) -> None:
        """End a call, if it has begun."""
        if "call" in self._by and self._by["call"] is call:  # no function is called, so that no signal comes between
            self._changes += 1
            del self._by["call"]

    def mark(self, of: int | None) -> tuple[int, int] | None:
        """Return `of`, with a number that is another one after each call; None while one changes the model."""
        changes = self._changes
        return None if of is None or "call" in self._by else (of, changes)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let callbacks read and change the model, in this thread."""
        try:
            self._resting = threading.get_ident()
            self._changes += 1
            yield
        finally:
            self._resting = None
            self._changes += 1

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change the state at once: no call must be changing it, but one whose callback this is."""
        call, thread = object(), threading.get_ident()
        within = self._resting == thread
        try:
            if within:
                self._resting = None
                self._changes += 1
            else:
                self.begin(call)
            yield
        finally:
            if within:
                self._resting = thread
                self._changes += 1
            self.end(call)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read the state; raise RuntimeError if it changes meanwhile."""
        before = self._changes
        if "call" in self._by and self._resting is None:
            raise RuntimeError(READ)
        try:
            yield
        except Exception:
            if self._changes == before:
                raise
        if self._changes != before:
            raise RuntimeError(READ)
