"""Rows of which each rank holds some: they count as joined in the ranks' order, and travel to where they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.samples import Labelled, Samples
from ..data.sparse import SparseRows
from ..kernels.program.state import READ_IN_PLACE
from .ranks import Ranks

_FLOAT64 = np.dtype(np.float64)


class BadRowError(Exception):
    """Says which row of those that arrived is not finite."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


class _Arrived(Samples):
    """Rows in the order of their arrival."""

    def reject(self, row: int, dtype: np.dtype) -> None:
        """Raise `BadRowError`: only the rank that holds the row knows its number."""
        raise BadRowError(row)


@dataclass(slots=True)
class Joined(Labelled):
    """The rows of all ranks.

    Parameters
    ----------
    samples, weights
        Those of this rank.
    y : ndarray
        Of no meaning but its length, the number of all rows.
    ranks : Ranks
    own : Labelled
        The rows of this rank.
    starts : ndarray
        The number of each rank's first row among all, and of all rows.
    dtype : numpy.dtype
        In which X travels.
    weighs : bool
        Whether rows have weights: then they have on every rank.
    """

    ranks: Any = None
    own: Any = None
    starts: Any = None
    dtype: Any = None
    weighs: bool = False

    def total(self) -> float:
        """Return the sum of the weights of all rows."""
        return float(len(self.y)) if not self.weighs else float(self.all_weights().sum(dtype=np.float64))

    def all_weights(self) -> np.ndarray:
        """Return the weights of all rows."""
        return gathered(self.ranks, self.own.weights, self.starts)

    def fetch(self, rows: np.ndarray, computing: np.ndarray) -> tuple[Labelled, np.ndarray]:
        """Send rows to the ranks that compute them; return those for this rank, and where each of `rows` is in them.

        Parameters
        ----------
        rows : ndarray of int64
            Numbers among all rows, the same on every rank.
        computing : ndarray of int64
            Which rank computes each.
        """
        own, samples, rank, size = self.own, self.own.samples, self.ranks.rank, self.ranks.size
        if size == 1 and samples.direct:
            arrived = _Arrived(samples.X, samples.shift, samples.scale, samples.name)
            return Labelled(arrived, own.y, own.weights), rows
        source = np.searchsorted(self.starts, rows, "right") - 1
        sent, counts = _by_rank(np.flatnonzero(source == rank), computing, size)
        wanted, room = _by_rank(np.flatnonzero(computing == rank), source, size)
        at = np.full(len(rows), -1, np.int64)
        at[wanted] = np.arange(len(wanted))
        picked = rows[sent] - self.starts[rank]

        def travel(values: np.ndarray) -> np.ndarray:
            return _exchanged(self.ranks, values, counts, room)

        X = travel(np.ascontiguousarray(samples.X[picked], self.dtype))
        weights = None if own.weights is None else travel(own.weights[picked])
        return Labelled(_Arrived(X, samples.shift, samples.scale, samples.name), travel(own.y[picked]), weights), at


def _by_rank(positions: np.ndarray, of: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions in the order of the rank that `of` gives them, and how many there are of each."""
    ranks = of[positions]
    return positions[np.argsort(ranks, kind="stable")], np.bincount(ranks, minlength=size)


def _exchanged(ranks: Ranks, values: np.ndarray, counts: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Send counts[r] of the values, in their order, to each rank r; return those that arrive, room[r] from each."""
    arrived = np.empty((int(room.sum()), *values.shape[1:]), values.dtype)
    if ranks.size == 1:
        return np.ascontiguousarray(values)
    each = values.dtype.itemsize * int(np.prod(values.shape[1:], dtype=np.int64))
    out, into = (np.asarray(one) * each for one in (counts, room))
    ranks.comm.Alltoallv(
        [np.ascontiguousarray(values).reshape(-1).view(np.uint8), out.tolist(), _places(out), "B"],
        [arrived.reshape(-1).view(np.uint8), into.tolist(), _places(into), "B"],
    )
    return arrived


def _places(counts: np.ndarray) -> list[int]:
    return [0, *np.cumsum(counts)[:-1].tolist()]


def gathered(ranks: Ranks, own: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the rows of all ranks, numbers of one dtype: small ones, such as errors and weights."""
    if ranks.size == 1:
        return own
    whole = np.empty((int(starts[-1]), *own.shape[1:]), own.dtype)
    whole[starts[ranks.rank] : starts[ranks.rank + 1]] = own
    each = int(np.prod(own.shape[1:], dtype=np.int64))
    fill_up(ranks, whole.reshape(-1), (np.asarray(starts) * each).tolist())
    return whole


def fill_up(ranks: Ranks, whole: np.ndarray, starts: list[int]) -> None:
    """Fill a vector of which each rank has the part that begins at its place of `starts`.

    Each rank sends its part to each other at once: `Allgatherv` passes parts on in as many rounds as there are ranks,
    each of which waits for the slowest.
    """
    if ranks.size == 1:
        return
    counts = [end - start for start, end in zip(starts, starts[1:], strict=False)]
    rank, size, kind = ranks.rank, ranks.size, whole.dtype.char
    mine = [0 if other == rank else counts[rank] for other in range(size)]
    others = [0 if other == rank else count for other, count in enumerate(counts)]
    ranks.comm.Alltoallv([whole, mine, [starts[rank]] * size, kind], [whole, others, starts[:-1], kind])


def joined(ranks: Ranks, own: Labelled, kind: np.dtype) -> Joined:
    """Return the rows of all ranks; each hands its own. Raise an error on every rank if there are none.

    `kind` is the dtype of weights, which are 1 where a rank has none and others do.
    """
    samples = own.samples
    with ranks.together():
        if isinstance(samples.X, SparseRows):
            raise TypeError(f"{samples.name} must be dense with comm, got a sparse array; X.toarray() makes it so")
    found = ranks.comm.allgather((len(own.y), _travels(samples.X), own.weights is not None))
    counts = [rows for rows, _, _ in found]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    with ranks.together():
        if not starts[-1]:
            raise ValueError(f"{samples.name} has no rows on any rank")
    dtype = np.result_type(*(each for rows, each, _ in found if rows))
    weighs = any(rows and one for rows, _, one in found)
    weights = own.weights
    if weighs and weights is None:
        weights = np.ones(len(own.y), kind)
    own = Labelled(samples, own.y, weights if weighs else None)
    y = np.broadcast_to(np.int64(0), int(starts[-1]))
    return Joined(samples, y, own.weights, ranks, own, starts, dtype if dtype in READ_IN_PLACE else _FLOAT64, weighs)


def _travels(X: Any) -> np.dtype:
    """Return the dtype in which these rows alone would travel: kernels read it, and it holds all of X's numbers."""
    return X.dtype.newbyteorder("=") if X.dtype.newbyteorder("=") in READ_IN_PLACE else _FLOAT64
