"""The kinds of CPU that a library is compiled for, and which of them this CPU is.

The levels of x86-64 are those of its psABI (System V Application Binary Interface, AMD64, version 1.0, table 3.1).
"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..entries.records import Record
from ..program.entry_records import IDENTITY

PART = 1 << 32  # added to a leaf for its next part
XCR0 = -1  # asked for in the place of a leaf
XSAVE, AVX_STATE, AVX512_STATE = 1 << 27, 0x6, 0xE6  # the system keeps these registers when it switches threads


@dataclass(frozen=True)
class Level:
    """A kind of CPU.

    Parameters
    ----------
    name : str
        What files are named by, and LLVM calls the CPU if `cpu` does not say otherwise.
    features : str
        What LLVM may use beyond the level below.
    bits : dict
        (leaf, register) of the instruction CPUID to the bits that are set where the CPU has what this level adds to
        the one below. Of a leaf with subleaves, the subleaf is in the upper 32 bits.
    simd_bits : int
        Width of the vectors that code computes on.
    state : int
        Bits of the register XCR0 that the operating system must set.
    cpu : str
        What LLVM calls the CPU, where it has no such level.
    """

    name: str
    features: str
    bits: dict[tuple[int, str], int]
    simd_bits: int
    state: int = 0
    cpu: str = ""


def _bits(*numbers):
    return sum(1 << number for number in numbers)


X86_64 = (
    Level(
        "x86-64-v2", "+cx16,+sahf,+popcnt,+sse3,+sse4.1,+sse4.2,+ssse3,+fxsr,+mmx",
        {(1, "c"): _bits(0, 9, 13, 19, 20, 23), (0x80000001, "c"): _bits(0)}, 128,
    ),
    Level(
        "x86-64-v3", "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+xsave",
        {(1, "c"): XSAVE | _bits(12, 22, 28, 29), (7, "b"): _bits(3, 5, 8), (0x80000001, "c"): _bits(5)},
        256, AVX_STATE,
    ),
    Level(
        "x86-64-v4", "+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl",
        {(7, "b"): _bits(16, 17, 28, 30, 31)}, 512, AVX512_STATE,
    ),
    Level(  # no level of the psABI: those of v4 that multiply pairs of bfloat16
        "x86-64-v4-bf16", "+avx512bf16", {(7 | PART, "a"): _bits(5)}, 512, AVX512_STATE, "x86-64-v4",
    ),
)  # fmt: skip
AARCH64 = (Level("aarch64", "+neon", {}, 128, cpu="generic"),)
MACHINES: dict[str, tuple[Level, ...]] = {"x86_64": X86_64, "AMD64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}


def levels(machine: str | None = None) -> tuple[Level, ...]:
    """Return the levels of a machine's architecture, the least first; none of those that are not known."""
    return MACHINES.get(machine or platform.machine(), ())


def features(level: Level) -> str:
    """Return all that LLVM may use at a level, the levels below included."""
    known = next(known for known in MACHINES.values() if level in known)
    return ",".join(one.features for one in known[: known.index(level) + 1])


def present(ordered: Sequence[Level], identify: Callable[[Record], None]) -> list[Level]:
    """Return those of some levels, the least first, that this CPU has.

    Parameters
    ----------
    ordered : sequence of Level
    identify : callable
        identify(record), the entry point of machine/cpuid.py, which fills an `IDENTITY`.
    """
    record, known = Record(IDENTITY), {}

    def read(leaf, register):
        if leaf not in known:
            record["leaf"] = leaf
            identify(record)
            known[leaf] = {name: record[name] for name in "abcd"}
        return known[leaf][register]

    found = []
    for level in ordered:
        if any(read(leaf, register) & bits != bits for (leaf, register), bits in level.bits.items()):
            break
        if level.state and read(XCR0, "a") & level.state != level.state:
            break
        found.append(level)
    return found
