"""float32 rounded to bfloat16, and where rounded numbers stand.

`Halves` are a matrix rounded: twice, in two forms, each with the panels of `Panels` of float32.

    rows   a row of a panel is 8 pairs of neighbouring columns   (i, j) at (j // 16) R 8 + i 8 + j % 16 // 2
           or 16 numbers, the bits of float32, if `wide`         (i, j) at (j // 16) R 16 + i 16 + j % 16
    pairs  two rows of a panel are 16 pairs, a column each       (i, j) at (j // 16) R 8 + i // 2 16 + j % 16

A product's right operand is read in `pairs`, which run along what is summed over. The left one is read in `pairs` where
rows are summed over, and in `rows` otherwise; a wide one always in `rows`. Behind the last row of an odd number stand
zeros. What stands at k in float32 stands at k / 2 in pairs. A vector of parameters is rounded in the second form, two
cache lines at a time. Where W begins at an even line of the vector, its part of the result is W's `pairs`.
"""

from typing import NamedTuple

from ..compiler.jit import ZERO, inline
from ..entries.functions import where
from ..fast.panels import get
from ..machine.arithmetic import bits
from ..machine.memory import Vector
from ..machine.tiles import lanes, load, store, zeros
from .pairs import store_upper

HIGH = -65536  # the bits of the upper half
QUIET = 0x400000  # the bit that tells a NaN that raises nothing


class Halves(NamedTuple):
    """A matrix rounded to bfloat16 in both forms, how many rows are allocated, and whether `by_row` is wide."""

    by_row: Vector
    paired: Vector
    rows: int
    wide: int


@inline
def rounded_bits(t):
    """Return the bits of t rounded to bfloat16, ties to even, in the upper halves of integers; NaN stays NaN."""
    u = bits(t)
    nearest = u + (((u >> 16) & 1) + 0x7FFF)
    return where(t == t, nearest, (u & (HIGH - QUIET)) + QUIET) & HIGH


@inline
def joined(even, odd):
    """Return pairs of the upper halves of two rows of integers."""
    return ((even >> 16) & 0xFFFF) ^ odd


@inline
def round_panel(halves, M, j, first, last, batch):
    """The panel at column j of a matrix rounded, rows first:last; `first` is even.

    halves  out (B, O)
    M       in  (B, O)  of which `batch` rows are in use
    """
    by_row, paired, L, like = halves.by_row, halves.paired, lanes(M.data), zeros(M.data, 1, 1)
    start, half = j * M.rows // 2, L // 2
    for i in range(first, last, 2):
        even, odd = rounded_bits(get(M, i, j, like)), rounded_bits(get(M, i + 1, j, like))
        if i + 1 >= batch:
            odd = odd & 0
        at = start + i * half
        if halves.wide:
            store(by_row, 2 * at, 0, 0, even)
            store(by_row, 2 * at + L, 0, 0, odd)
        else:
            store_upper(by_row, at, even)
            store_upper(by_row, at + half, odd)
        if paired.size:
            store(paired, at, 0, 0, joined(even, odd))


@inline
def round_lines(paired, P, first, last):
    """paired <- the numbers first:last of a vector rounded, two lines a time; what is missing of the last is zero.

    paired  out (n / 2,)
    P       in  (n,)
    """
    L, like = lanes(P), zeros(P, 1, 1)
    for k in range(first, last - L, 2 * L):
        even, odd = rounded_bits(load(P, k, 0, 0, like)), rounded_bits(load(P, k + L, 0, 0, like))
        store(paired, k // 2, 0, 0, joined(even, odd))
    if (last - first) // L % 2:
        even = rounded_bits(load(P, last - L, 0, 0, like))
        store(paired, (last - L) // 2, 0, 0, joined(even, even & ZERO))
