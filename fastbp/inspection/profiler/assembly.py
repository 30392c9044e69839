"""Instructions of compiled kernels: which loop is hot, and what in it computes whole vectors or single numbers.

The names are those of x86-64 (AVX-512, AVX, SSE) and of aarch64 (NEON, SVE), as LLVM prints them.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import NamedTuple

_LABEL = re.compile(r"([\w.$]+):")
_LOCAL = re.compile(r"\.?L")
_JUMP = re.compile(r"(?:j\w+|b(?:\.\w+)?|cbn?z|tbn?z)\s.*?(\.?LBB\w+)$")


@dataclass(frozen=True)
class Counts:
    """Instructions of a piece of assembly.

    Parameters
    ----------
    width_bits : int
        Of the widest vector register in it, 0 where there is none.
    fma : int
        Fused multiplications and additions of whole vectors.
    packed : int
        Whatever is done to whole vectors, `fma` included: arithmetic, shuffles, loads and stores.
    scalar : int
        Floating-point arithmetic on one number. Loading one, or spreading it over a vector, is neither.
    gathers : int
        Loads of a vector from as many addresses.
    """

    width_bits: int
    fma: int
    packed: int
    scalar: int
    gathers: int

    def __str__(self) -> str:
        width = f"{self.width_bits}-bit vectors" if self.width_bits else "no vectors"
        return f"{self.packed} packed ({self.fma} FMA) and {self.scalar} scalar instructions, {width}" + (
            f", {self.gathers} gathers" if self.gathers else ""
        )


class _Architecture(NamedTuple):
    """Patterns of a line: an instruction's name and its operands, a tab or blanks between."""

    registers: dict[int, re.Pattern[str]]  # width in bits: a vector register's name, widest first
    fma: re.Pattern[str]
    arithmetic: re.Pattern[str]  # FMAs included
    scalar: re.Pattern[str]
    gather: re.Pattern[str]
    neither: re.Pattern[str]  # of what would look packed


_INTEL = _Architecture(
    {512: re.compile(r"%zmm"), 256: re.compile(r"%ymm"), 128: re.compile(r"%xmm")},
    re.compile(r"vfn?m(?:add|sub|addsub|subadd)\d+p[sd]\s"),
    re.compile(r"v?(?:add|sub|addsub|mul|div|sqrt|min|max|fn?m(?:add|sub|addsub|subadd)\d+)p[sd]\s"),
    re.compile(r"(?!v?p|v?mov|vbroadcast)\w+(?:s[sd]|s[sd]2u?si|2s[sd][lq]?)\s"),
    re.compile(r"vp?gather\w+\s"),
    re.compile(r"v?(?:mov(?:s[sd]|d|q)|p?broadcast\w+|p?(?:insert|extract)p?s|p(?:insr|extr)[bwdq])\s"),
)
_ARM = _Architecture(
    {128: re.compile(r"\bv\d+\.(?:16b|8h|4s|2d)|\bq\d|\bz\d+\."), 64: re.compile(r"\bv\d+\.(?:8b|4h|2s)")},
    re.compile(r"(?:fml[as]|fn?m(?:la|ls|ad|sb))\s+[vz]"),
    re.compile(r"f(?!mov|cm)\w+\s+[vz]\d"),
    re.compile(r"f(?!mov|csel)\w+\s+[sdh]\d|[su]cvtf\s+[sdh]\d"),
    re.compile(r"ld(?:ff)?1\w+\s.*\[\w+,\s*z\d|ld(?:ff)?1\w+\s.*\[z\d"),
    re.compile(r"(?:dup|ld1r|ins|umov|fmov|mov)\s"),
)
_ARCHITECTURES = {"x86_64": _INTEL, "AMD64": _INTEL, "aarch64": _ARM, "arm64": _ARM}
KNOWN = platform.machine() in _ARCHITECTURES


@cache
def _architecture(machine: str) -> _Architecture:
    if machine not in _ARCHITECTURES:
        raise ValueError(f"only instructions of x86-64 and aarch64 are known, not those of {machine!r}")
    return _ARCHITECTURES[machine]


def count(lines: list[str], machine: str = "") -> Counts:
    """Count the instructions in lines of assembly, by default of this machine; ValueError where it is unknown."""
    known = _architecture(machine or platform.machine())
    found = [(line, _width(line, known)) for line in map(str.strip, lines)]
    packed = [
        (line, width)
        for line, width in found
        if width and not known.scalar.match(line) and not known.neither.match(line)
    ]
    return Counts(
        max((width for _, width in packed), default=0),
        sum(bool(known.fma.match(line)) for line, _ in packed),
        len(packed),
        sum(bool(known.scalar.match(line)) for line, _ in found),
        sum(bool(known.gather.match(line)) for line, _ in found),
    )


def _width(line: str, known: _Architecture) -> int:
    return next((bits for bits, name in known.registers.items() if name.search(line)), 0)


def hot_loop(text: str, machine: str = "") -> list[str]:
    """Return the lines of the innermost loop that computes most in a turn, or where none computes, moves most vectors.

    An FMA counts twice, so that a product's loop comes before the one that LLVM may make for a sum of no terms.
    Of loops that compute alike it is one of vectors, and of these the one that moves least: a sum kept in registers.

    Where no innermost loop does either, others count, without the loops within: a short copy that has become a vector
    or two leaves no loop of its own.
    """
    loops = [loop for lines in _functions(text) for loop in _loops(lines)]
    innermost = [lines for lines, inner in loops if not inner]

    def work(lines: list[str]) -> tuple[int, int, int]:
        known, counts = _architecture(machine or platform.machine()), count(lines, machine)
        of_vectors = counts.fma + sum(bool(known.arithmetic.match(line.strip())) for line in lines)
        computed = counts.width_bits // 64 * of_vectors + counts.scalar
        return computed, of_vectors, -counts.packed if computed else counts.packed

    best = max(innermost, key=work, default=[])
    return best if any(work(best)) else max((lines for lines, _ in loops), key=work, default=[])


def _functions(text: str) -> Iterator[list[str]]:
    """Yield the instructions and labels of each function but those that only hand a call on from Python."""
    name, lines = "", text.splitlines()

    def owner(line: str) -> str:
        nonlocal name
        label = _LABEL.match(line)
        name = label.group(1) if label and not _LOCAL.match(line) else name
        return name

    for function, body in groupby(lines, owner):
        if "cpython" not in function and not function.startswith(("cfunc", "_cfunc")):
            yield [line for line in body if _is_code(line)]


def _is_code(line: str) -> bool:
    line = line.strip()
    return bool(line) and not line.startswith(("#", "//", ";")) and (bool(_LABEL.match(line)) or line[0] != ".")


def _loops(lines: list[str]) -> Iterator[tuple[list[str], bool]]:
    """Yield the lines of each loop but those of loops within, and whether there are any."""
    labels: dict[str, int] = {}
    spans = []
    for number, line in enumerate(lines):
        label, jump = _LABEL.match(line), _JUMP.match(line.strip())
        if label:
            labels[label.group(1)] = number
        if jump and jump.group(1) in labels:
            spans.append((labels[jump.group(1)], number))
    for first, last in spans:
        inner = [(a, b) for a, b in spans if first <= a and b <= last and (a, b) != (first, last)]
        within = {number for a, b in inner for number in range(a, b + 1)}
        yield [lines[number] for number in range(first, last + 1) if number not in within], bool(inner)
