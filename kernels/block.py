"""A block of a minibatch's rows through all layers, forth and back: what a small network has its workers share.

There each phase of a layer is over sooner than another worker has heard of it. Here a worker takes rows through all of
them while they are in its cache; dE/dW of the blocks are summed by the update (update.py). How many blocks there are
does not depend on the workers, so neither do the bits.
"""

from ._jit import inline
from .gather import ask_ahead, gather_tasks
from .pointer import call, pointer_to
from .simd import lanes
from .step import backward_tasks, forward_tasks
from .tile import HALF
from .workspace import (
    BACKWARD,
    BAD_ROW,
    BATCH,
    BLOCKS,
    FIRST,
    FORWARD,
    G_AT,
    GATHER,
    GRADIENT,
    MODE,
    NORMALIZE,
    NORMALIZE_BACKWARD,
    ROW,
    own,
    workspace_at,
)


@inline
def block_rows(now, block):
    """First and last row of a block of the present minibatch: half tiles, as even as can be."""
    tiles, blocks = (now[BATCH] + HALF - 1) // HALF, now[BLOCKS]
    return min(now[BATCH], tiles * block // blocks * HALF), min(now[BATCH], tiles * (block + 1) // blocks * HALF)


def block(pointer, l, task, worker):
    """E and dE/dW, dE/db of one block's rows                                                      (eqs. 42-53)"""
    ws = workspace_at(pointer)
    mine, L, layers = own(ws, worker, task), lanes(ws.A), ws.layers.shape[0] - 1
    now, there = mine.now, pointer_to(mine)
    first, last = block_rows(ws.now, task)
    now[FIRST], now[BATCH], now[MODE] = ws.now[FIRST] + first, last - first, GRADIENT
    now[ROW] = first
    parts = 2 * layers * ws.now[BLOCKS]
    for part in range(gather_tasks(now)):
        call(now[GATHER], there, 0, part, 0)
    for l in range(layers):
        ask_ahead(ws, 2 * layers * task + l, parts)
        for part in range(forward_tasks(mine.layers, now, l, L)):
            call(now[FORWARD], there, l, part, 0)
        if mine.layers[l, G_AT]:
            call(now[NORMALIZE], there, l, 0, 0)
    for l in range(layers - 1, -1, -1):
        ask_ahead(ws, 2 * layers * task + 2 * layers - 1 - l, parts)
        if mine.layers[l, G_AT]:
            call(now[NORMALIZE_BACKWARD], there, l, 0, 0)
        for part in range(backward_tasks(mine.layers, now, l, L)):
            call(now[BACKWARD], there, l, part, 0)
    if now[BAD_ROW]:
        ws.now[BAD_ROW] = now[BAD_ROW]
