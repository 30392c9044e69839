"""Output of the command: escaped and encoded text, and errors of one line."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator

WRONG_INPUT, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # exit statuses; the last two are those of shells


def plain(text: str) -> str:
    """Return text with backslashes and control characters escaped as in Python's literals."""
    return printable(text.replace("\\", "\\\\"))


def printable(text: str) -> str:
    """Return text with all characters escaped that the output cannot show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


@contextlib.contextmanager
def escaped() -> Iterator[None]:
    """Have stdout escape what its encoding cannot show, as stderr does, instead of raising UnicodeEncodeError."""
    strict = sys.stdout if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict" else None
    if strict:
        strict.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        if strict:
            with contextlib.suppress(OSError, ValueError):  # whoever read it has gone, or it was closed
                strict.reconfigure(errors="strict")


@contextlib.contextmanager
def plain_warnings() -> Iterator[None]:
    """Print warnings as errors are, one line each, without the line of code that gave them."""
    before = warnings.showwarning
    warnings.showwarning = lambda message, *_, **__: print_line(str(message))
    try:
        yield
    finally:
        warnings.showwarning = before


def print_line(message: str) -> None:
    """Print one line of the command's on stderr."""
    print(f"fastbp: {printable(' '.join(message.split()))}", file=sys.stderr)


def complain(message: str, status: int = WRONG_INPUT) -> int:
    """Print an error, or what is worth a second look, as one line on stderr; return the exit status."""
    print_line(message)
    return status


def r2_line(r2: float | None, error: float) -> str:
    """Return the line on how well numbers are predicted: R2, None where it is undefined, and the error."""
    told = "undefined, as all test rows have one target" if r2 is None else f"{r2:.4f}"
    return f"test R2: {told}; root mean square error: {error:.6g}"


def drop_output() -> None:
    """Redirect stdout to nowhere, so that flushing it at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
