"""Names of compiled kernels for Linux perf, which reads them from /tmp/perf-<process>.map.

https://github.com/torvalds/linux/blob/master/tools/perf/Documentation/jit-interface.txt
"""

import errno
import os
import re
import stat
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WANTED = "FASTBP_PERF"  # the variable that asks for it
SYMBOLS, FUNCTION = 2, 2  # kind of an ELF section, and of a symbol
FOLDER = Path("/tmp")  # where perf looks
OWNERS = hasattr(os, "geteuid")


def write(library: Any, elf: bytes) -> None:
    """Append the functions of a compiled library to the map of this process, if FASTBP_PERF is set."""
    if WANTED not in os.environ:
        return
    path = FOLDER / f"perf-{os.getpid()}.map"
    try:
        with open(path, "a", opener=_opener) as file:
            for name, size in functions(elf):
                if name.startswith("_ZN"):
                    file.write(f"{library.get_pointer_to_function(name):x} {size:x} {plain(name)}\n")
    except OSError as error:
        warnings.warn(f"fastbp could not write names for perf into {path}: {error}", RuntimeWarning, stacklevel=2)


def _opener(path, flags):
    """Open a file of this user alone: anybody may put a link, or a file that they can write, into FOLDER."""
    others = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe is not waited for
    descriptor = os.open(path, flags | others, 0o600)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or (OWNERS and found.st_uid != os.geteuid()):
        os.close(descriptor)
        raise PermissionError(errno.EPERM, "it is not a file of this user's own", path)
    return descriptor


def functions(elf: bytes) -> Iterator[tuple[str, int]]:
    """Yield names and sizes of the functions in a 64-bit ELF object of this machine's byte order."""
    if elf[:5] != b"\x7fELF\x02":
        return
    (start,), (width, count) = struct.unpack_from("Q", elf, 0x28), struct.unpack_from("HH", elf, 0x3A)
    sections = [struct.unpack_from("IIQQQQI", elf, start + k * width) for k in range(count)]
    for _, kind, _, _, offset, length, link in sections:
        if kind == SYMBOLS:
            names = sections[link][4]
            for at in range(offset, offset + length, 24):
                name, what, _, _, _, size = struct.unpack_from("IBBHQQ", elf, at)
                if what & 15 == FUNCTION and size:
                    yield elf[names + name : elf.index(0, names + name)].decode(), size


def plain(name: str) -> str:
    """fastbp::kernels::linear::linear_forward of _ZN6fastbp7kernels6linear14linear_forwardB..."""
    parts, at = [], 3
    while length := re.match(r"\d+", name[at:]):
        at += len(length.group())
        parts.append(name[at : at + int(length.group())])
        at += int(length.group())
    return "::".join(parts)
