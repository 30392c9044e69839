"""SIGTERM while a training writes checkpoints: noted, and acted on between two steps."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

STATUS = 143  # of a process that SIGTERM has ended, as shells have it


class Termination:
    """A context manager in which SIGTERM is noted. At its end SIGTERM does what it did before.

    Parameters
    ----------
    wanted : bool
        Whether to do so; otherwise, outside the main thread, and where SIGTERM is ignored, nothing is changed.
    """

    def __init__(self, wanted: bool) -> None:
        self.came, self._wanted, self._process = False, wanted, os.getpid()
        self._before: Any = None

    def __enter__(self) -> Termination:
        if self._wanted and threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGTERM)
            if before not in (None, signal.SIG_IGN):
                self._before = before
                signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
        if self.came:
            self.act()

    def _note(self, number: int, frame: Any) -> None:
        if os.getpid() == self._process:
            self.came = True
        else:  # a child that a callback has forked
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def act(self) -> None:
        """Call the handler that there was before, or end the process with status 143 where there was none."""
        self.came = False
        if callable(self._before):
            self._before(signal.SIGTERM, None)
        else:
            raise SystemExit(STATUS)
