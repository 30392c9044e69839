"""Instructions of compiled kernels: which loop is hot, and what in it computes whole vectors or single numbers.

The names are those of x86-64 (AVX-512, AVX, SSE) and of aarch64 (NEON, SVE), as LLVM prints them. For Apple's
assembler the type of NEON's vectors follows the instruction's name, as in ``fmla.4s v0, v1, v2``.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from .loops import Loop, loops


@dataclass(frozen=True)
class Counts:
    """Instructions of a piece of assembly.

    Parameters
    ----------
    width_bits : int
        Of the widest vector register in it, 0 where there is none.
    fma : int
        Fused multiplications and additions of whole vectors, those of pairs of bfloat16 included.
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
    re.compile(r"v(?:fn?m(?:add|sub|addsub|subadd)\d+p[sd]|dpbf16ps)\s"),
    re.compile(r"vdpbf16ps\s|v?(?:add|sub|addsub|mul|div|sqrt|min|max|fn?m(?:add|sub|addsub|subadd)\d+)p[sd]\s"),
    re.compile(r"(?!v?p|v?mov|vbroadcast)\w+(?:s[sd]|s[sd]2u?si|2s[sd][lq]?)\s"),
    re.compile(r"vp?gather\w+\s"),
    re.compile(r"v?(?:mov(?:s[sd]|d|q)|p?broadcast\w+|p?(?:insert|extract)p?s|p(?:insr|extr)[bwdq])\s"),
)
_ARM = _Architecture(
    {128: re.compile(r"\.(?:16b|8h|4s|2d)\b|\bq\d|\bz\d+\."), 64: re.compile(r"\.(?:8b|4h|2s)\b")},
    re.compile(r"(?:fml[as]|fn?m(?:la|ls|ad|sb))(?:\.\d\w)?\s+[vz]"),
    re.compile(
        r"f(?:n?m(?:la|ls|ad|sb|ul)|ml[as]|add|sub|mul|mulx|div|sqrt|(?:min|max)(?:nm)?|abd)p?(?:\.\d\w)?\s+[vz]\d"
    ),
    re.compile(r"(?:f(?!mov|csel)\w+|[su]cvtf)(?:\.\d?\w)?\s+[sdh]\d"),
    re.compile(r"ld(?:ff)?1\w+\s.*\[\w+,\s*z\d|ld(?:ff)?1\w+\s.*\[z\d"),
    re.compile(r"(?:dup|ld1r|ins|umov|fmov|mov)(?:\.\d*\w)?\s"),
)
_ARCHITECTURES = {"x86_64": _INTEL, "AMD64": _INTEL, "aarch64": _ARM, "arm64": _ARM}
_NONE = Loop([], True)
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

    What a branch may pass over counts for as often as if all ways of a branch were alike. An FMA counts twice, so that
    a product's loop comes before the one that LLVM may make for a sum of no terms. Of loops that compute alike it is
    the one with most FMAs, then one of vectors, and of these the one that moves least: a sum kept in registers.

    Where no innermost loop does either, others count, without the loops within: a short copy that has become a vector
    or two leaves no loop of its own.
    """
    found, known = list(loops(text)), _architecture(machine or platform.machine())

    def work(loop: Loop) -> tuple[float, float, float, float]:
        width, fma, of_vectors, scalar, packed = count(loop.lines, machine).width_bits, 0.0, 0.0, 0.0, 0.0
        for lines, often in loop.parts:
            counts = count(lines, machine)
            fma += often * counts.fma
            of_vectors += often * sum(bool(known.arithmetic.match(line.strip())) for line in lines)
            scalar += often * counts.scalar
            packed += often * counts.packed
        computed = width // 64 * (fma + of_vectors) + scalar
        return computed, fma, of_vectors, -packed if computed else packed

    best = max((loop for loop in found if loop.innermost), key=work, default=_NONE)
    return (best if any(work(best)) else max(found, key=work, default=_NONE)).lines
