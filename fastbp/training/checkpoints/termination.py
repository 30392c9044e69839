"""SIGTERM and Ctrl-C while a training writes checkpoints: noted, and acted on between two steps."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

STATUS = 143  # of a process that SIGTERM has ended, as shells have it


class Termination:
    """A context manager in which SIGTERM is noted, and Ctrl-C while `holds_interrupts`. At its end all is as before.

    Parameters
    ----------
    wanted : bool
        Whether to do so; otherwise, and outside the main thread, nothing is changed. A signal that is ignored stays
        ignored, and a handler of the user's for Ctrl-C in its place.
    """

    came: bool
    interrupted: bool

    def __init__(self, wanted: bool) -> None:
        self.came = self.interrupted = self.holds_interrupts = False
        self._wanted, self._process = wanted, os.getpid()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Termination:
        if self._wanted and threading.current_thread() is threading.main_thread():
            if (before := signal.getsignal(signal.SIGTERM)) not in (None, signal.SIG_IGN):
                self._before[signal.SIGTERM] = before
                signal.signal(signal.SIGTERM, self._note)
            if (before := signal.getsignal(signal.SIGINT)) is signal.default_int_handler:
                self._before[signal.SIGINT] = before
                signal.signal(signal.SIGINT, self._note_interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        if self.came:
            self._act()

    def _note(self, number: int, frame: Any) -> None:
        if os.getpid() == self._process:
            self.came = True
        else:  # a child that a callback has forked
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def _note_interrupt(self, number: int, frame: Any) -> None:
        if self.interrupted or not self.holds_interrupts or os.getpid() != self._process:
            raise KeyboardInterrupt  # also at the second time
        self.interrupted = True

    @property
    def noted(self) -> bool:
        """Whether a signal came that was not acted on."""
        return self.came or self.interrupted

    def act(self) -> None:
        """Do what the signal asks for: end the process with status 143, call the user's handler, or end training."""
        if self.came:
            self._act()
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt

    def _act(self) -> None:
        self.came, before = False, self._before[signal.SIGTERM]
        if callable(before):
            before(signal.SIGTERM, None)
        else:
            raise SystemExit(STATUS)
