"""What a minibatch begins and ends with, whoever computes it."""

import math

from ._jit import inline
from .block import block_rows
from .update import has_penalty, sum_of
from .workspace import (
    BATCH,
    BATCH_ROWS,
    BATCH_SIZE,
    BLOCKS,
    CLIP_NORM,
    DIVERGED,
    DRAW,
    ERROR,
    FACTOR,
    FIRST,
    HITS,
    PENALTY,
    RATE,
    READY,
    SCALE,
    STEP,
    WATCH,
)  # fmt: skip


@inline
def open_minibatch(now, order, weights, rates, settings, totals, at, end):
    """Where it begins and how many rows it has; 1 / the sum of their weights, 0 where that is 0; its learning rate."""
    now[FIRST], now[BATCH], now[READY], now[DRAW] = at, min(now[BATCH_SIZE], end - at), 0, now[STEP]
    if rates.size:
        settings[RATE] = rates[min(at // now[BATCH_SIZE], rates.size - 1)]
    total = float(now[BATCH])
    if weights.size:
        total = 0.0
        for row in range(at, at + now[BATCH]):
            total += weights[order[row]]
    totals[SCALE] = 1.0 / total if total > 0 else 0.0


@inline
def add_errors(now, e, right, totals):
    """The minibatch's mean error counts once for each of its rows."""
    error, count = 0.0, 0.0
    for block in range(now[BLOCKS]):
        first, last = block_rows(now, block)
        at = block * now[BATCH_ROWS]
        for row in range(at, at + last - first):
            error += e[row]
            count += right[row]
    if now[WATCH] and not math.isfinite(error):
        now[DIVERGED] = 1  # before the update that would spread it
    totals[ERROR] += error * totals[SCALE] * now[BATCH]
    totals[HITS] += count


@inline
def add_penalty(now, sums, settings, totals):
    """That of the weights as they were before the update; it counts once for each row, too."""
    if has_penalty(settings):
        totals[PENALTY] += sum_of(sums, 0) * now[BATCH]


@inline
def limit_norm(now, sums, settings, totals):
    """What the gradient is to be multiplied by so that its norm is at most the one allowed."""
    norm = math.sqrt(sum_of(sums, 1))
    totals[FACTOR] = settings[CLIP_NORM] / norm if norm > settings[CLIP_NORM] else 1.0
    now[READY] = 1
