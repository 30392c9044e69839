"""Where a network's parameters and a minibatch's arrays stand: the table of layers, and how long the arrays are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .embedding import Embedding
from .phases import Stack
from .state import LAYER, lanes_of, padded

# How F' of the layer below enters dE/dt of that layer: not at all, by the sign of h, or as a factor
NONE, SIGN, FACTOR = range(3)
# Which ReLU is applied as a product is stored: F'(0) = 1 as in eq. 41, or F'(0) = 0
PAPER, BELOW = 1, 2
RECTIFIES = {"relu": PAPER, "relu_from_below": BELOW}


def parameter_table(sizes: Sequence[int], stack: Stack, dtype: np.dtype) -> tuple[np.ndarray, int]:
    """Return a table of layers with where their parameters stand, and how long the parameters are.

    Where columns of X are embedded, that is the first layer, whose outputs are among the sizes.
    """
    table, length = _parameter_table(tuple(sizes), Stack(*map(tuple, stack[:4]), *stack[4:]), dtype)
    mine = LAYER.new(len(table))
    mine[:] = table
    return mine, length


@lru_cache(64)
def _parameter_table(sizes: tuple[int, ...], stack: Stack, dtype: np.dtype) -> tuple[np.ndarray, int]:
    """Make the table.

    Of each layer first W in panels, then vectors filled up to whole panels: b, g and c where it is normalized, and the
    activation's parameter where it has one. Where members share the layers, the last one is repeated: each has its own.
    After all layers the scales of the inputs, filled up likewise, of one member after the other. Embeddings come before
    all: parameters of numbers, then tables of categories, which begin at "b".
    """
    last, embedded = len(sizes) - 2, int(stack.embedding is not None)
    L, at, table = lanes_of(dtype), 0, LAYER.new(last + stack.members)
    if stack.embedding is not None:
        at = _embed(table[0], sizes, stack.embedding, L)
    for number, layer in enumerate(table[embedded:], embedded):
        l = min(number, last)
        I, O, F = sizes[l], sizes[l + 1], stack.activations[l]
        rows, columns = padded(I, L), padded(O, L)
        b, vectors = at + rows * columns, 1 + 2 * bool(stack.normalized[l]) + bool(F.parameter)
        gain = b + columns if stack.normalized[l] else -1
        slope = b + (vectors - 1) * columns if F.parameter else -1
        for name, value in {
            "inputs": I, "outputs": O, "rows": rows, "columns": columns, "W": at, "b": b, "vectors": vectors,
            "gain": gain, "slope": slope, "rectify": 0 if stack.separate[l] else RECTIFIES.get(F.name, 0),
            "derivative": FACTOR if stack.separate[l] else SIGN if F.name in RECTIFIES else NONE,
            "separate": bool(stack.separate[l]), "scale": -1,
        }.items():  # fmt: skip
            layer[name] = value
        at = padded(b + vectors * columns, (1 + stack.bfloat16) * L)  # lines of W are rounded in pairs
    if stack.scaled:
        table[embedded]["scale"], at = at, at + stack.members * table[embedded]["rows"]
    return table, at


def _embed(layer: np.ndarray, sizes: tuple[int, ...], embedding: Embedding, L: int) -> int:
    """Write the layer that embeds columns of X, the first; return how long its parameters are."""
    numbers, tables = embedding.parameters(L)
    for name, value in {
        "inputs": sizes[0], "outputs": sizes[1], "rows": padded(sizes[0], L), "columns": padded(sizes[1], L),
        "b": numbers, "tables": tables, "gain": -1, "slope": -1, "scale": -1,
    }.items():  # fmt: skip
        layer[name] = value
    return numbers + tables


def place_activations(table: np.ndarray, stack: Stack, rows: int, dtype: np.dtype, sparse: bool = False) -> int:
    """Write into a table where the arrays of a minibatch of so many rows stand; return how long all of them are.

    First x of every layer, without the first one's where it is `sparse`, and the last t, then what layers remember.
    The output layers of members have x and t in common: the rows of one member stand behind those of another.
    """
    L, at, shared, own = lanes_of(dtype), 0, table[: len(stack.activations)], table[len(stack.activations) :]
    for l, layer in enumerate(shared):
        layer["x"] = at
        at += 0 if sparse and l == 0 else int(layer["rows"]) * rows
    for layer, above in zip(shared, [*shared[1:], None], strict=True):
        layer["h"] = at if above is None else above["x"]
    own["x"], own["h"] = shared[-1]["x"], at
    at += int(table[-1]["columns"]) * rows
    for layer, F, separate, normalized in zip(shared, stack.activations, stack.separate, stack.normalized, strict=True):
        size = int(layer["columns"]) * rows
        layer["kept"] = layer["u"] = layer["r"] = at
        at += size if separate and not F.of_h else 0
        if normalized:
            layer["u"], layer["r"] = at, at + size
            at += size + rows * L
    if stack.members > 1:
        table[0]["raw"], at = at, at + int(table[0]["rows"]) * rows // stack.members
    return at
