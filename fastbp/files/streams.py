"""Opening what is read: plain or gzipped, bytes or text, and how much may come out of compressed files."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GIB = 1 << 30  # bytes that any compressed file may unpack to
RATIO = 20  # and how many times its size, where that is more
STDIN = "standard input"


def room(path: object, max_bytes: int | None) -> int:
    """Return how many bytes a compressed file may unpack to: `max_bytes`, or GIB, or more where the file is large."""
    if max_bytes is not None:
        return max_bytes
    return max(GIB, RATIO * os.path.getsize(path)) if isinstance(path, Path) else GIB


def too_large(path: object, limit: int) -> ValueError:
    """Return the error to raise about a file that unpacks to more than it may."""
    return ValueError(f"{path}: unpacks to more than {limit:,} bytes; max_bytes (--max-bytes) allows more")


@contextmanager
def opened(source: Any, max_bytes: int | None = None) -> Iterator[Any]:
    """Open a file as a stream of bytes with a `peek`, decompressed if its content is gzipped.

    Parameters
    ----------
    source : Path or binary stream
        A stream can be sought and has a `peek`.
    max_bytes : int, optional
        What a gzipped file may unpack to; see `room`.

    Raises
    ------
    OSError
        Where the file can't be read.
    ValueError
        Where the compressed data, while it is read, turns out damaged, cut short or too large.
    """
    if not isinstance(source, Path):
        with _unpacked(source, STDIN, room(STDIN, max_bytes)) as stream:
            yield stream
        return
    with open(source, "rb") as raw, _unpacked(raw, source, room(source, max_bytes)) as stream:
        yield stream


def text(stream: Any) -> io.TextIOWrapper:
    """Return a stream of bytes as text in UTF-8, a byte order mark skipped, line ends as they are.

    Other bytes become lone surrogates, so that a file can be read but for its cells in another encoding.
    """
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


def whole(path: Path, max_bytes: int | None = None) -> bytes:
    """Return a file's content, decompressed if it is gzipped; errors as for `opened`."""
    with opened(path, max_bytes) as stream:
        return stream.read()


@contextmanager
def _unpacked(raw: Any, name: object, limit: int) -> Iterator[Any]:
    try:
        yield io.BufferedReader(_Unpacked(raw, name, limit)) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{name}: damaged or cut short: {error}") from error


class _Unpacked(io.RawIOBase):
    """A gzipped stream that is too large from the byte after the limit."""

    def __init__(self, raw: Any, name: object, limit: int) -> None:
        self.stream, self.name, self.limit = gzip.GzipFile(fileobj=raw), name, limit

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.stream.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        place = self.stream.seek(offset, whence) if whence != os.SEEK_END else self._end(offset)
        return self._checked(place)

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read1(len(buffer))
        self._checked(self.stream.tell())
        buffer[: len(data)] = data
        return len(data)

    def _end(self, offset: int) -> int:
        while self.stream.read1(1 << 16):
            self._checked(self.stream.tell())
        return self.stream.seek(offset, os.SEEK_CUR)

    def _checked(self, place: int) -> int:
        if place > self.limit:
            raise too_large(self.name, self.limit)
        return place
