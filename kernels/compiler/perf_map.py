"""Names of compiled kernels for Linux perf, which reads them from /tmp/perf-<process>.map.

https://github.com/torvalds/linux/blob/master/tools/perf/Documentation/jit-interface.txt
"""

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WANTED = "FASTBP_PERF"  # the variable that asks for it
SYMBOLS, FUNCTION = 2, 2  # kind of an ELF section, and of a symbol
FOLDER = Path("/tmp")  # where perf looks


def write(library: Any, elf: bytes) -> None:
    """Append the functions of a compiled library to the map of this process, if FASTBP_PERF is set."""
    if WANTED not in os.environ:
        return
    with open(FOLDER / f"perf-{os.getpid()}.map", "a") as file:
        for name, size in functions(elf):
            if name.startswith("_ZN"):
                file.write(f"{library.get_pointer_to_function(name):x} {size:x} {plain(name)}\n")


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
