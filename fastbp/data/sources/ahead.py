"""Reading ahead: a thread fills blocks of rows while those before are used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

Buffer = TypeVar("Buffer")
Filled = TypeVar("Filled")

AT_ONCE = 2  # buffers: one is used while the other is filled
PATIENCE = 5.0  # seconds that the end waits for code of the user's that is reading


class _Ended(Exception):
    """Raised in the thread when nothing more is wanted."""


class Ahead(Generic[Buffer, Filled]):
    """Runs a generator in a thread of its own, at most one buffer ahead of its user.

    Parameters
    ----------
    fill : function
        Takes a function that returns a free buffer, made by `make` or used before, and returns an iterator of pairs: a
        buffer that is filled now, and what is made of it.
    make : function
        Returns a new buffer.
    """

    def __init__(
        self, fill: Callable[[Callable[[], Buffer]], Iterator[tuple[Buffer, Filled]]], make: Callable[[], Buffer]
    ) -> None:
        self._fill, self._make, self._made, self._ended = fill, make, 0, False
        self._thread: threading.Thread | None = None
        self._free: queue.SimpleQueue[Buffer | None] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[tuple[Buffer, Filled] | BaseException | None] = queue.SimpleQueue()

    def __iter__(self) -> Generator[Filled, None, None]:
        self._thread = thread = threading.Thread(target=self._run, name="fastbp reads ahead", daemon=True)
        thread.start()
        try:
            while (item := self._ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item[1]
                self._free.put(item[0])
        finally:
            self._ended = True
            self._free.put(None)
            thread.join(PATIENCE)
            del self._fill, self._make  # which may hold whoever holds this object

    @property
    def reads(self) -> bool:
        """Whether the thread has not ended yet, in code of the user's, and may write to a buffer."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        filled = self._fill(self._buffer)
        try:
            for item in filled:
                self._ready.put(item)
            self._ready.put(None)
        except _Ended:
            pass
        except BaseException as error:
            self._ready.put(error)
        finally:
            del filled

    def _buffer(self) -> Buffer:
        """Return a buffer that is free, as soon as there is one."""
        if self._ended:
            raise _Ended
        if self._made < AT_ONCE:
            self._made += 1
            return self._make()
        buffer = self._free.get()
        if buffer is None or self._ended:
            raise _Ended
        return buffer
