"""What one compiled call works on, as one value: the network's layout, its parameters and a minibatch's arrays.

Everything is flat. Matrices lie in panels (tile.py); `layers` says where:

    layers[l] = I, O, W, b, x, F, forward, derive, g   layer l's sizes, where its W and b start in P and its input x in
                                  A, what its activation is and the addresses of the passes that compute it; where its
                                  g starts in P, c behind it, or 0 where nothing is normalized (normalization.py);
                                  the row after the last layer closes the list, its x being the logits
    now[...]                      the state of the present minibatch, by the names below
"""

from typing import NamedTuple

import numpy as np
from numba import types

from ._jit import inline
from .convert import borrowed
from .pointer import Pointer, value_at
from .simd import LINE
from .tile import HALF, VECTORS

# columns of `layers`
IN, OUT, W_AT, B_AT, X_AT, F, ACTIVATE, DERIVE, G_AT = range(9)
IDENTITY, RELU, OTHER = range(3)  # F

# words of `now`; the first three are written by several threads and stand on cache lines of their own
TASKS, DONE, ARRIVED = 0, 8, 16
MINIBATCH, VERSION = 1, 17  # of replicas (replica.py): the one whose tasks are open; steps that the leader's has taken
PHASE, LAYER = 24, 25  # what the tasks are: the address of a compiled phase, and a layer
FIRST, BATCH = 26, 27  # rows order[FIRST : FIRST + BATCH] are the present minibatch
BATCH_ROWS = 28  # rows allocated for it, a multiple of LANES
BATCH_SIZE, WORKERS, MODE, STEP = 29, 30, 31, 32
X_ADDRESS, X_ROWS = 33, 34
G_FROM = 49  # where dE/dW of the first block of the present minibatch begins in G
BAD_ROW = 35  # 1 + a row of X that is not finite, or 0
BLOCKS = 36  # into which a minibatch of a small network is split (block.py), or 1
END = 38  # of the rows of `order` to be trained on
X_ROW_BYTES = 39
READY = 37  # whether G holds what the update takes, sums, penalties and all
DRAW, ROW = 50, 51  # of dropout: number of the minibatch, and of the first row in it
KEY = 52  # of its random numbers
WATCH, DIVERGED = 53, 54  # whether to stop where E is not finite; whether that has come
GATHER, FORWARD, BACKWARD, BLOCK, UPDATE_ALL, OUTPUT, LOSS, NORM = range(40, 48)  # addresses of the phases
NORMALIZE, NORMALIZE_BACKWARD, GAIN_BACKWARD = range(55, 58)  # likewise
RECORDS = 63  # where clocks write, see clocked.py
WORDS = 64

# words of `settings`: the optimizer's numbers, strengths of the penalties, what the loss asks for, limits of dE/dW
RATE, MU, NU, EPSILON, DECAY, L1, L2, L1_SHARE, ALPHA, NUMBER, SMOOTHING, CLIP_VALUE, CLIP_NORM = range(13)
SETTINGS = 16  # for each worker that trains a replica: whole cache lines
# words of `totals`: sums over the rows done of errors, of right rows and of the penalty; 1 / weight of the minibatch;
# what its gradient is multiplied by
ERROR, HITS, PENALTY, SCALE, FACTOR = range(5)
TOTALS = 8  # likewise

DESCEND, UPDATE, GRADIENT, EVALUATE, PREDICT = range(5)  # modes: what comes after the forward pass


class Workspace(NamedTuple):
    """Arrays of one compiled call; T is the network's dtype, sizes are the flat lengths."""

    layers: np.ndarray  # (L + 1, 9) intp
    now: np.ndarray  # ((1 + workers) * WORDS,) intp; the further words are for each worker's own use
    P: np.ndarray  # T: W and b of every layer, g and c where it is normalized
    G: np.ndarray  # T: their gradients, of each block; or empty
    m: np.ndarray  # T: state of the optimizer, as P or empty
    v: np.ndarray  # T: likewise
    A: np.ndarray  # T: x of every layer; backward leaves dE/dt of the layer below there. And see build.parts
    S: np.ndarray  # T: for each worker some rows of W^T
    R: np.ndarray  # T: P, m, v and sums of each worker's replica; or empty
    sums: np.ndarray  # T: for each chunk of P the penalty on its weights, then its dE/dW squared; a vector each
    e: np.ndarray  # T: error of each row
    right: np.ndarray  # T: 1 where a row is classified rightly, else 0
    labels: np.ndarray  # y of each row where it is a class: integers as wide as T
    targets: np.ndarray  # T: y of each row where it is numbers, in panels
    w: np.ndarray  # T: weight of each row
    order: np.ndarray  # intp: row numbers in the order of training
    y: np.ndarray  # intp: classes of all rows, or empty
    Y: np.ndarray  # T: targets of all rows, or empty
    weights: np.ndarray  # T: of all rows, or empty where all are 1
    shift: np.ndarray  # float64: of X's columns, or empty
    scale: np.ndarray  # float64
    settings: np.ndarray  # float64: by the names above
    rates: np.ndarray  # float64: learning rate of each step of the call, or empty
    dropout: np.ndarray  # float64: share of each layer's outputs that is dropped, or empty
    totals: np.ndarray  # float64: by the names above


@inline
def borrow(ws):
    """The same workspace, whose arrays are not counted as in use while compiled code runs."""
    return Workspace(
        borrowed(ws.layers), borrowed(ws.now), borrowed(ws.P), borrowed(ws.G), borrowed(ws.m), borrowed(ws.v),
        borrowed(ws.A), borrowed(ws.S), borrowed(ws.R), borrowed(ws.sums), borrowed(ws.e), borrowed(ws.right),
        borrowed(ws.labels), borrowed(ws.targets), borrowed(ws.w), borrowed(ws.order), borrowed(ws.y), borrowed(ws.Y),
        borrowed(ws.weights), borrowed(ws.shift), borrowed(ws.scale), borrowed(ws.settings), borrowed(ws.rates),
        borrowed(ws.dropout), borrowed(ws.totals),
    )  # fmt: skip


@inline
def workspace_at(pointer):
    """The workspace that a phase is handed."""
    return borrow(value_at(pointer))


@inline
def own(ws, worker, slot):
    """A workspace of one worker: with a state of its own, and the given share of the arrays."""
    now, rows = ws.now[(1 + worker) * WORDS : (2 + worker) * WORDS], ws.now[BATCH_ROWS]
    slots = ws.e.size // rows
    for word in range(PHASE, WORDS):
        now[word] = ws.now[word]
    now[WORKERS] = 1
    a, s = ws.A.size // slots, ws.S.size // (ws.now.size // WORDS - 1)
    g = ws.now[G_FROM] + slot * ws.P.size
    y, first, last = ws.targets.size // slots, slot * rows, (slot + 1) * rows
    return Workspace(
        ws.layers, now, ws.P, ws.G[g : g + ws.P.size], ws.m, ws.v, ws.A[slot * a : (slot + 1) * a],
        ws.S[worker * s : (worker + 1) * s], ws.R, ws.sums, ws.e[first:last], ws.right[first:last],
        ws.labels[first:last], ws.targets[slot * y : (slot + 1) * y], ws.w[first:last], ws.order, ws.y, ws.Y,
        ws.weights, ws.shift, ws.scale, ws.settings, ws.rates, ws.dropout, ws.totals,
    )  # fmt: skip


@inline
def replica(ws, worker):
    """A workspace of one worker that trains a copy of the network, with a state and numbers of its own."""
    p, m, v, s = ws.P.size, ws.m.size, ws.v.size, ws.sums.size
    at, words = worker * (p + m + v + s), (1 + ws.R.size // (p + m + v + s)) * WORDS
    now, settings = ws.now[worker * words : (worker + 1) * words], ws.settings[worker * SETTINGS :]
    if worker:
        for word in range(PHASE, WORDS):
            now[word] = ws.now[word]
        for word in range(SETTINGS):
            settings[word] = ws.settings[word]
    now[WORKERS] = 1
    m_at, v_at, sums_at = at + p, at + p + m, at + p + m + v
    return Workspace(
        ws.layers, now, ws.R[at:m_at], ws.G, ws.R[m_at:v_at], ws.R[v_at:sums_at], ws.A, ws.S, ws.R,
        ws.R[sums_at : sums_at + s], ws.e, ws.right, ws.labels, ws.targets, ws.w, ws.order, ws.y, ws.Y, ws.weights,
        ws.shift, ws.scale, settings, ws.rates, ws.dropout, ws.totals[worker * TOTALS :],
    )  # fmt: skip


def workspace_type(T):
    """Numba's type of a Workspace for a network of dtype T."""
    kinds = {"layers": types.Array(types.intp, 2, "C")}
    kinds |= dict.fromkeys(("now", "order", "y"), types.Array(types.intp, 1, "C"))
    kinds["labels"] = types.Array(types.Integer.from_bitwidth(T.bitwidth), 1, "C")
    kinds |= dict.fromkeys(
        ("shift", "scale", "settings", "rates", "dropout", "totals"), types.Array(types.float64, 1, "C")
    )
    flat = types.Array(T, 1, "C")
    return types.NamedTuple([kinds.get(name, flat) for name in Workspace._fields], Workspace)


def phase_type(T):
    """The one signature of all phases: (pointer to a workspace, layer, task, worker)."""
    return types.void(Pointer(workspace_type(T)), types.intp, types.intp, types.intp)


def aligned(n, dtype):
    """Return n zeros whose first one begins a cache line, so that no vector of whole panels straddles two."""
    size = n * np.dtype(dtype).itemsize
    memory = np.zeros(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype)


def padded(n, step):
    """Return n, or the next multiple of `step`."""
    return -(-n // step) * step


def layout(sizes, batch_rows, dtype, normalized=None):
    """Return the `layers` table of a network, each layer `normalized` or not, and how long P and A are."""
    L = LINE // np.dtype(dtype).itemsize
    table, p, a = [], 0, 0
    for I, O, norm in zip(sizes[:-1], sizes[1:], normalized or [False] * (len(sizes) - 1), strict=True):
        b = p + padded(I, L) * padded(O, L)
        end = b + padded(O, L)
        table.append((I, O, p, b, a, IDENTITY, 0, 0, end if norm else 0))
        p, a = end + 2 * padded(O, L) * bool(norm), a + padded(I, L) * batch_rows
    table.append((sizes[-1], 0, p, p, a, IDENTITY, 0, 0, 0))
    return np.array(table, np.intp), p, a + padded(sizes[-1], L) * batch_rows


def scratch(sizes, workers, dtype):
    """Return how long S is: the columns of W^T that one task of the backward pass turns, for each worker."""
    L = LINE // np.dtype(dtype).itemsize
    return workers * max(padded(size, L) for size in sizes[1:]) * VECTORS * L


def block_size(batch_size, blocks):
    """Return the most rows a block has of a minibatch split as evenly as half tiles allow."""
    return min(batch_size, -(-padded(batch_size, HALF) // HALF // blocks) * HALF)


def batch_rows(batch_size, dtype):
    """Return the rows to allocate for a minibatch: whole tiles, and whole vectors of rows (loss.py)."""
    return padded(batch_size, LINE // np.dtype(dtype).itemsize)


def labels_dtype(dtype):
    """Return the dtype of `labels` in a workspace of this dtype."""
    return np.dtype(f"i{np.dtype(dtype).itemsize}")


@inline
def pad(n, step):
    """n, or the next multiple of step."""
    return (n + step - 1) // step * step
