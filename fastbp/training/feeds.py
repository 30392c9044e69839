"""What an epoch goes over: rows in memory or those of a source, in their order, and how they are evaluated."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..data.samples import Labelled, Samples
from ..data.sources.given import Rows
from ..execution.plan import Plan
from .shuffling import shuffle

if TYPE_CHECKING:
    from ..data.sources.streamed import Streamed

IN_ORDER_BYTES = 2**25  # of a block whose rows are not shuffled, or not trained on


class Window(NamedTuple):
    """Successive rows of an epoch.

    Parameters
    ----------
    data : Labelled
        Valid until the next window is asked for.
    order : ndarray of int64
        The numbers of the window's rows in `data`, in the order in which they are taken.
    first : int
        How many rows of the epoch come before, whole minibatches.
    last : bool
        Whether no more come.
    """

    data: Labelled
    order: np.ndarray
    first: int
    last: bool


def windows(data: Rows, key: int | None, batch_size: int, drop_last: bool, done: int) -> Generator[Window, None, None]:
    """Yield the rows of an epoch, in windows.

    Parameters
    ----------
    data : Labelled or Streamed
    key : int or None
        From which the order is drawn; None takes the rows in order.
    batch_size : int
    drop_last : bool
        Whether rows at the end that fill no minibatch are left out, unless there are no others.
    done : int
        Rows that are done already. Windows that hold no others may be left out.
    """
    if isinstance(data, Labelled):
        order = _order(len(data.y), key)
        yield Window(data, order[: _kept(len(order), 0, batch_size, drop_last)], 0, True)
        return
    pieces = None if key is None else _order(len(data.source), key)
    most = IN_ORDER_BYTES if key is None else None
    with closing(data.blocks(pieces, batch_size, most, done)) as blocks:
        for block in blocks:
            n = len(block.data.y)
            order = _order(n, None if key is None else _key_of_block(key, block.first))
            if block.last:
                order = order[: _kept(n, block.first, batch_size, drop_last)]
            yield Window(block.data, order, block.first, block.last)


def rows_of_epoch(data: Rows, batch_size: int, drop_last: bool) -> int | None:
    """Return how many rows an epoch has, or None if that is not known."""
    n = len(data.y) if isinstance(data, Labelled) else data.rows
    return None if n is None else _kept(n, 0, batch_size, drop_last)


def _kept(n: int, before: int, batch_size: int, drop_last: bool) -> int:
    """Return how many of the last n rows of an epoch, which has others before, are taken."""
    return n // batch_size * batch_size if drop_last and before + n > batch_size else n


def _order(n: int, key: int | None) -> np.ndarray:
    if key is None:
        return np.arange(n)
    order = np.empty(n, np.int64)
    shuffle(order, key)
    return order


def _key_of_block(key: int, first: int) -> int:
    """Return the key of the block that begins at a row of the epoch."""
    return int(np.random.SeedSequence([key, first]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def evaluate(plan: Plan, data: Rows, classifies: bool, scales: np.ndarray | None = None) -> dict[str, float]:
    """Return "loss", the mean error without the penalties, and for losses with classes "accuracy".

    Raises ValueError where trained scales, if given, take an input of a source beyond its dtype.
    """
    loss, accuracy = plan.evaluate(data) if isinstance(data, Labelled) else _of_source(plan, data, scales)
    return {"loss": loss} | ({"accuracy": accuracy} if classifies else {})


def _of_source(plan: Plan, data: Streamed, scales: np.ndarray | None) -> tuple[float, float]:
    """Return the mean error and the accuracy over the rows of a source."""
    sums, total = np.zeros(2), 0.0
    with closing(data.blocks(None, 1, IN_ORDER_BYTES)) as blocks:
        for block in blocks:
            if not (weight := block.data.total()):
                continue
            if scales is not None:
                block.data.samples.require_scaled(scales)
            means = plan.evaluate(block.data)
            if block.last and not block.first:
                return means
            sums, total = sums + weight * np.array(means), total + weight
    if not total:
        raise ValueError(f"{data.name}: weights must not be zero for all rows")
    loss, accuracy = sums / total
    return float(loss), float(accuracy)


def outputs(data: Streamed, fill: Callable[[Samples, np.ndarray], None]) -> np.ndarray:
    """Return z of each row of a source, shape (rows, outputs), which a function fills in for some rows."""
    found, outputs, dtype = [], data.model.layer_sizes[-1], data.model.dtype
    whole = None if data.rows is None else np.empty((data.rows, outputs), dtype)
    with closing(data.blocks(None, 1, IN_ORDER_BYTES)) as blocks:
        for block in blocks:
            n = len(block.data.samples.X)
            z = np.empty((n, outputs), dtype) if whole is None else whole[block.first : block.first + n]
            fill(block.data.samples, z)
            found.append(z)
    return np.concatenate(found) if whole is None else whole
