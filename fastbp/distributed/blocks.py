"""How a minibatch is cut into blocks of rows, which rank computes each, and the tree in which gradients are added.

None of it but the choice of ranks depends on how many there are, so neither do the bits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

ROWS, LEAST_ROWS = 128, 8  # of a block: from which there are more than FEW blocks, and the least
FEW, MOST = 4, 512  # blocks: those of a small minibatch, so that some ranks can share it, and the most
UNIT = 4  # rows: blocks but the last are whole units


def count(rows: int) -> int:
    """Return into how many blocks a minibatch of so many rows is cut: a power of two."""
    most = max(1, min(MOST, max(rows // ROWS, min(FEW, rows // LEAST_ROWS))))
    return 1 << most.bit_length() - 1


@lru_cache(64)
def bounds(rows: int) -> tuple[int, ...]:
    """Return where each block begins in a minibatch of so many rows, and where the last ends."""
    blocks, units = count(rows), -(-rows // UNIT)
    return tuple(min(rows, units * block // blocks * UNIT) for block in range(blocks + 1))


def share(blocks: int, rank: int, ranks: int) -> range:
    """Return the numbers of the blocks that a rank computes."""
    return range(blocks * rank // ranks, blocks * (rank + 1) // ranks)


@lru_cache(64)
def computing(rows: int, ranks: int) -> np.ndarray:
    """Return which rank computes each row of a minibatch."""
    ends = bounds(rows)
    found = np.empty(rows, np.int64)
    for rank in range(ranks):
        mine = share(len(ends) - 1, rank, ranks)
        if mine:
            found[ends[mine.start] : ends[mine.stop]] = rank
    found.setflags(write=False)
    return found


@lru_cache(256)
def nodes(blocks: range) -> tuple[tuple[int, int], ...]:
    """Return the largest subtrees that some blocks make up, as (level, number): leaves have level 0.

    Subtree (k, i) adds up the blocks from i 2^k to (i + 1) 2^k: the sum of its left half, then that of its right.
    """
    found: list[tuple[int, int]] = []
    for block in blocks:
        level, number = 0, block
        while number % 2 and found and found[-1] == (level, number - 1):
            found.pop()
            level, number = level + 1, number // 2
        found.append((level, number))
    return tuple(found)
