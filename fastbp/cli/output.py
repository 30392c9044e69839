"""What the command prints: escaped, encoded, one line a complaint."""

from __future__ import annotations

import os
import sys

WRONG_INPUT, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # exit statuses; the last two are the shell's own


def plain(text: str) -> str:
    """Escape backslashes and whatever would break a line, a column or the terminal, as Python's literals do."""
    return printable(text.replace("\\", "\\\\"))


def printable(text: str) -> str:
    """Escape what the output cannot show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def complain(message: str, status: int = WRONG_INPUT) -> int:
    """Print one line on stderr; return the exit status."""
    print(f"fastbp: {printable(' '.join(message.split()))}", file=sys.stderr)
    return status


def drop_output() -> None:
    """Give what is still to be flushed at exit a place to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
