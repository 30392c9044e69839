"""The sum of the blocks' gradients, in one order whatever the number of ranks: each rank gets its share of it."""

from __future__ import annotations

import numpy as np

from ..kernels.entries.records import aligned
from . import blocks
from .ranks import Ranks

Node = tuple[int, int]


class OrderedSum:
    """Adds gradients in the tree of `blocks.nodes`: what lies within a rank before, the rest after they were sent.

    Parameters
    ----------
    ranks : Ranks
    starts : list of int
        Where the share of each rank begins in a gradient, and where the last ends.
    dtype : numpy.dtype
    """

    ranks: Ranks
    dtype: np.dtype
    n: int
    share: slice

    def __init__(self, ranks: Ranks, starts: list[int], dtype: np.dtype) -> None:
        self.ranks, self.dtype, self.n = ranks, dtype, starts[-1]
        self._starts, self._counts = starts[:-1], [end - start for start, end in zip(starts, starts[1:], strict=False)]
        self.share = slice(starts[ranks.rank], starts[ranks.rank + 1])
        self._free: list[np.ndarray] = []
        self._sums: list[tuple[Node, np.ndarray]] = []  # of the blocks so far, as `blocks.nodes` has them
        self._received: dict[int, np.ndarray] = {}

    def room(self) -> np.ndarray:
        """Return an array for the next block's gradient."""
        return self._free.pop() if self._free else aligned(self.n, self.dtype)

    def add(self, block: int, gradient: np.ndarray) -> None:
        """Add the gradient of the block of this number, the next of this rank, in an array that `room` gave."""
        level, number = 0, block
        while number % 2 and self._sums and self._sums[-1][0] == (level, number - 1):
            before = self._sums.pop()[1]
            np.add(before, gradient, out=before)
            self._free.append(gradient)
            gradient, level, number = before, level + 1, number // 2
        self._sums.append(((level, number), gradient))

    def total(self, count: int) -> np.ndarray:
        """Return an array whose share holds the sum over all blocks, `count` of them; valid until the next block."""
        if self.ranks.size == 1:
            ((_, whole),) = self._sums
            return self._kept(whole)
        parts, each = dict[Node, np.ndarray](), self._nodes(count)
        for turn in range(max(map(len, each))):
            parts |= self._exchanged(turn, each)
        whole = self._sums[0][1] if self._sums else self.room()
        for _, other in self._sums[1:]:
            self._free.append(other)
        whole[self.share] = _added((count.bit_length() - 1, 0), parts)
        return self._kept(whole)

    def _nodes(self, count: int) -> list[tuple[Node, ...]]:
        size = self.ranks.size
        return [blocks.nodes(blocks.share(count, rank, size)) for rank in range(size)]

    def _kept(self, whole: np.ndarray) -> np.ndarray:
        """Make an array free once more: it is not taken before the next block."""
        self._sums = []
        self._free.append(whole)
        return whole

    def _exchanged(self, turn: int, each: list[tuple[Node, ...]]) -> dict[Node, np.ndarray]:
        """Send the shares of this rank's sum of this number to their ranks; return the shares of the others' sums."""
        size = self._counts[self.ranks.rank]
        has = [turn < len(nodes) for nodes in each]
        room = self._received.get(turn)
        if room is None or room.size < sum(has) * size:
            room = self._received[turn] = aligned(sum(has) * size, self.dtype)
        sends = turn < len(self._sums)
        source = self._sums[turn][1] if sends else room[:0]
        counts = [size * one for one in has]
        places = np.concatenate([[0], np.cumsum(counts)[:-1]]).tolist()
        self.ranks.comm.Alltoallv(
            [source, self._counts if sends else [0] * len(each), self._starts if sends else [0] * len(each),
             self.dtype.char],
            [room, counts, places, self.dtype.char],
        )  # fmt: skip
        return {
            nodes[turn]: room[at : at + size] for nodes, at, one in zip(each, places, has, strict=True) if one
        }  # fmt: skip


def _added(node: Node, parts: dict[Node, np.ndarray]) -> np.ndarray:
    """Return the sum of a subtree, in the place of its first part."""
    if node in parts:
        return parts[node]
    level, number = node
    first, second = _added((level - 1, 2 * number), parts), _added((level - 1, 2 * number + 1), parts)
    return np.add(first, second, out=first)
