"""Compiling as users see it: how long it has taken in this process, and a line that says so while they wait."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

SILENT_SECONDS = 1.0  # of compiling, after which a line is shown
TEXT = "compiling kernels (once per machine)"


class Compiling:
    """What has been compiled so far, and is about to be.

    Attributes
    ----------
    seconds : float
        Spent on it.
    done, expected : int
        Functions that are compiled or loaded from the cache, and how many are known to be needed.
    times : list of (float, str)
        Seconds that each took, with its name, those included that it asked for.
    """

    seconds: float
    done: int
    expected: int
    times: list[tuple[float, str]]

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._depth, self._shown, self._open = clock, 0, False, False
        self.seconds, self.done, self.expected = 0.0, 0, 0
        self.times = []

    def now(self) -> float:
        """Return the time in seconds without that spent compiling, for figures of training."""
        return self._clock() - self.seconds

    def expect(self, n: int) -> None:
        """Note that so many more functions are needed."""
        self.expected = self.done + n

    @contextlib.contextmanager
    def one(self, name: str = "") -> Iterator[None]:
        """Count a function that is compiled, and the time that it takes; without a name, time alone."""
        self._depth += 1  # compiling one function asks for others, which are not counted
        began = self._clock()
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                took = self._clock() - began
                self.seconds += took
                if name:
                    self.times.append((took, name))
                    self.done += 1
                self._show()

    def _show(self):
        """Write the line: again and again over itself in a terminal, once into a file or a notebook."""
        ahead = self.done < self.expected
        if self.seconds < SILENT_SECONDS or not (ahead or self._open) and self._shown:
            return
        line = f"{TEXT}: {self.done}/{self.expected}" if self.expected >= max(1, self.done) else TEXT
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):  # closed, missing or odd
            if sys.stderr.isatty():
                self._open = ahead
                sys.stderr.write(f"\r{line}" + ("" if ahead else "\n"))
            elif not self._shown:
                sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        self._shown = True


compiling: Compiling = Compiling()
