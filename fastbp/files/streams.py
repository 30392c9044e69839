"""Opening what is read: plain or gzipped, bytes or text."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file as a stream of bytes with a `peek`, decompressed if its content is gzipped.

    Raises
    ------
    OSError
        Where the file can't be read.
    ValueError
        Where the compressed data, while it is read, turns out damaged or cut short.
    """
    with open(path, "rb") as raw:
        stream = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
        try:
            yield stream
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: damaged or cut short: {error}") from error


def text(stream: Any) -> io.TextIOWrapper:
    """Return a stream of bytes as text in UTF-8, a byte order mark skipped, line ends as they are.

    Other bytes become lone surrogates, so that a file can be read but for its cells in another encoding.
    """
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


def whole(path: Path) -> bytes:
    """Return a file's content, decompressed if it is gzipped; errors as for `opened`."""
    with opened(path) as stream:
        return stream.read()
