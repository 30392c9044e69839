"""The records that a compiled call works on, and what their sizes follow from. None of it needs Numba.

An entry point takes one record. For training, evaluation and prediction it is a `STATE`: where all arrays are, what the
present minibatch is, and what the call adds up. Others take a smaller record (entry_records.py). A worker that computes
by itself has a `STATE` of its own, whose arrays are its share of the call's. Fields by which workers keep in step, such
as `tasks` and `done`, have cache lines of their own.
"""

from __future__ import annotations

import numpy as np

from ..entries.records import LINE, Array, Layout, Table

CHUNK = 1024  # parameters that an update's task takes at least: so few that two workers share small networks, too
READ_IN_PLACE = tuple(map(np.dtype, ("uint8", "float32", "float64")))  # dtypes of X that gather takes as they are
CSR_DTYPES = tuple(f"{index}_{number}" for index in ("int32", "int64") for number in ("float32", "float64"))  # likewise
BLOCK_UNIT = 4  # rows: blocks of a minibatch are whole units on every CPU, so that the bits are the same
ROWS, VECTORS = 8, 2  # the most that a tile has, on any CPU
PANELS = 4  # packed at once where W stays in place: side by side in a row of W, and few enough for the second cache
NO_ROW = -1  # the value of `bad_row` where all rows are finite; atomic_min takes it for the largest number

LAYER = Layout("layer", {
    "inputs": "i8", "outputs": "i8",
    "rows": "i8", "columns": "i8",  # of W as stored: both filled up to whole vectors
    "W": "i8", "b": "i8",  # where they begin in the parameters, W in panels
    "gain": "i8",  # likewise g of a normalization, c behind it; -1 where nothing is normalized
    "slope": "i8",  # likewise an activation's parameter; -1 where it has none
    "vectors": "i8",  # as long as the output, from b on: b itself, g and c, the parameter
    "tables": "i8",  # of embedded columns: the length of their tables, which begin at "b"
    "x": "i8", "h": "i8",  # where its input and output begin in the activations, in panels
    "kept": "i8",  # what the activation remembers, likewise
    "raw": "i8",  # x of the first layer before each member scales it, likewise
    "u": "i8", "r": "i8",  # what the normalization remembers, likewise
    "rectify": "i8",  # ReLU done as the product is stored: none, PAPER or BELOW of program/layout.py
    "derivative": "i8",  # how F' enters dE/dt: NONE, SIGN or FACTOR of program/layout.py
    "separate": "i8",  # whether the activation is a pass of its own, over columns still in cache
    "scale": "i8",  # where the trained scales of its inputs begin in the parameters; -1 where there are none
    "dropout": "f8",  # share of its outputs that is dropped
    "sigma": "f8",  # W is sigma V, of which the optimizer's step is taken
    "W_rate": "f8", "b_rate": "f8", "gain_rate": "f8", "slope_rate": "f8", "scale_rate": "f8",  # factors of the rate
    "W_decay": "f8", "b_decay": "f8", "gain_decay": "f8", "slope_decay": "f8", "scale_decay": "f8",  # and of the decay
    "W_address": "i8",  # where W stands row by row, for predictions that do not pack it (fast/in_place.py)
})  # fmt: skip

EMBEDDED = Layout("embedded", {
    "to": "i8", "width": "i8",  # the first input of the first layer that a column of X becomes, and how many it becomes
    "at": "i8",  # where its parameters begin; -1 where it stays as it is
    "levels": "i8",  # of a category, numbered from 0; 0 where it is a number
})  # fmt: skip

PHASE = Layout("phase", {
    "kind": "i8",  # how it is split into tasks: see tasks/splitting.py
    "layer": "i8",
    "first": "i8", "last": "i8",  # kernels first:last of `STATE.kernels` do a task, one after the other
    "closing": "i8",  # number there of a kernel that is one more task; -1 where there is none
})  # fmt: skip

CLOCK = Layout("clock", {
    "runs": "i8",  # of kernels, so far; those beyond the arrays' size are only counted
    "kernels": Array("i8"),  # of each its number in `STATE.kernels`
    "starts": Array("i8"), "ends": Array("i8"),  # and when it began and ended, in ticks
})  # fmt: skip

STATE = Layout("state", {
    "status": "i8",
    # on cache lines of their own: what one worker writes while others read or write it
    "tasks": "i8",  # of the open phase: its number, and which of its tasks are left (team.py)
    "done": "i8",  # tasks of it that are done; of rows evaluated, the blocks that are taken
    "arrived": "i8",  # workers
    "version": "i8",  # of replicas: the minibatch that the leader's replica is ready for; helpers wait for it
    "minibatch": "i8",  # of replicas: the one whose tasks are open; the leader writes it before it opens them
    "bad_row": "i8",  # the lowest row of X that was found not to be finite, or NO_ROW
    # the program
    "phase": "i8",  # number of the open phase
    "first_task": "i8",  # of those that are open: more than `tasks` counts are opened in parts
    "phases": Table(PHASE), "kernels": Array("i8"),
    "forward": "i8", "backward": "i8", "end_backward": "i8", "end_phases": "i8",  # where these parts begin and end
    "block_forward": "i8", "block_end": "i8",  # likewise of the program of a block of rows
    "run_task": "i8", "run_phase": "i8",  # addresses of the functions that do one task, and a phase with the team
    # the network
    "layers": Table(LAYER), "n_layers": "i8",  # of members the output layers of all but the first stand behind these
    "members": "i8",  # networks that share all layers but the last; 1 where there are none
    "embedded": Table(EMBEDDED), "frequencies": "i8",  # of X's columns, where the first layer embeds them
    "parameters": Array("T"), "gradients": Array("T"), "m": Array("T"), "v": Array("T"),
    "activations": Array("T"),  # x of every layer, and what layers remember; dE/dt takes the place of x
    "transposed": Array("T"),  # some rows of W^T, for each worker
    "strips": Array("T"),  # a few panels of W, for each worker, where W is not packed as a whole
    "sums": Array("T"),  # of each chunk of the parameters the penalty, then dE/dW squared; a vector each
    "replicas": Array("T"),  # parameters, optimizer state and sums of each worker's replica, or empty
    "own": Table("state"), "team": "i8",  # a state for each of so many workers; of replicas, then one for their blocks
    # the rows
    "order": Array("i8"), "begin": "i8", "end": "i8",  # rows order[begin:end] are to be done
    "x_address": "i8", "x_rows": "i8", "x_row_bytes": "i8",
    "y": Array("i8"), "Y": Array("T"), "weights": Array("T"),  # of all rows; empty where there are none, or all are 1
    "shift": Array("f8"), "scale": Array("f8"),  # of X's columns, or empty
    # sparse rows: X in CSR, its numbers at x_address
    "sparse": "i8",  # whether the first layer works on entries
    "indptr_address": "i8", "indices_address": "i8", "nonzeros": "i8",
    "entries": Array("T"), "entry_columns": Array("i4"), "entry_ends": Array("i8"),  # of the minibatch, row after row
    "rank": Array("i4"), "found": Array("i8"), "features": Array("i4"), "feature_ends": Array("i8"),
    "feature_bounds": Array("i8"), "feature_rows": Array("i4"), "feature_numbers": Array("T"),  # by feature
    "offsets": Array("T"), "offset_bias": Array("T"),  # what x is beside its entries, or empty; b with its share
    # numbers rounded to bfloat16, in pairs (bfloat16/rounding.py); empty where products are of the network's dtype
    "half_weights": Array("i4"),  # parameters
    "half_rows": Array("i4"), "half_pairs": Array("i4"),  # activations that layers take or make, in both forms
    "half_turned": Array("i4"),  # as `transposed`
    "out": Array("T"),  # of predictions (rows, outputs), of evaluations (rows, 2): error, and 1 if right
    # the minibatch
    "first": "i8", "picked": "i8",  # rows order[first : first + picked]
    "batch": "i8",  # rows of the layers: as many, or with members so many for each, filled up to whole vectors
    "batch_rows": "i8",  # rows allocated for it, whole tiles
    "batch_size": "i8", "blocks": "i8", "workers": "i8",
    "row": "i8",  # number of its first row within the whole minibatch
    "errors": Array("T"), "correct_rows": Array("T"), "labels": Array("label"), "targets": Array("T"),
    "row_weights": Array("T"),
    "gradient_at": "i8",  # where dE/dW of its first block begins
    # the step
    "step": "i8", "draw": "i8",  # steps so far, and at the minibatch's beginning
    "key": "i8",  # of dropout's random numbers
    "dropping": "f8", "dropouts": Array("f8"),  # factor of the shares that are dropped; of each step, or empty
    "decaying": "f8", "decays": Array("f8"),  # likewise of the decay of parameters
    "descends": "i8",  # whether the backward pass updates the parameters itself
    "updates": "i8",  # whether an update follows it
    "predicts": "i8",  # whether `out` is predictions
    "ready": "i8",  # whether the gradients hold what the update takes: sums, penalties and all
    "learning_rate": "f8", "rates": Array("f8"),  # the latter of each step of the call, or empty
    "rule": "i8", "rule_bytes": "i8", "advance": "i8",  # the optimizer's record, its size, and what changes it or 0
    "loss_numbers": "i8",  # address of the loss's record
    "l1": "f8", "l2": "f8",  # strengths of the penalties
    "l1_per_weight": "f8", "l2_per_weight": "f8",  # likewise, divided by the sum of the rows' weights
    "clip_value": "f8", "clip_norm": "f8",
    # what a call tells
    "inverse_weight": "f8",  # 1 / sum of the minibatch's weights
    "factor": "f8",  # that the gradients are multiplied by, for `clip_norm`
    "error": "f8", "penalty": "f8",  # of the rows done so far: each adds its minibatch's mean error, and penalty
    "weighted_error": "f8", "weight": "f8", "correct": "f8",  # w e, w where rows have weights, and w where z is right
    "watches": "i8", "diverged": "i8",  # whether to stop where E is not finite; whether that has come
    "clocks": Table(CLOCK),  # of each worker, where kernels run with clocks (clocks.py)
}, alone=("tasks", "done", "arrived", "version", "minibatch", "bad_row"))  # fmt: skip


def padded(n: int, step: int) -> int:
    """Return n, or the next multiple of `step`."""
    return -(-n // step) * step


def lanes_of(dtype: np.dtype) -> int:
    """Return how many numbers of a dtype a vector holds."""
    return LINE // np.dtype(dtype).itemsize


def block_size(batch_size: int, blocks: int) -> int:
    """Return the most rows a block has of a minibatch split as evenly as units of BLOCK_UNIT rows allow."""
    return min(batch_size, -(-padded(batch_size, BLOCK_UNIT) // BLOCK_UNIT // blocks) * BLOCK_UNIT)


def batch_rows(batch_size: int, dtype: np.dtype) -> int:
    """Return the rows to allocate for a minibatch: whole tiles, and whole vectors of rows (softmax.py)."""
    return padded(batch_size, lanes_of(dtype))


def labels_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype of the labels in a network of this dtype."""
    return np.dtype(f"i{np.dtype(dtype).itemsize}")
