"""Optimizers, each one fused pass over the flat vector of parameters; what they mean is in descent.py.

The vector is cut into chunks, the same for any number of workers: a chunk leaves the sum of its weights' squares.
"""

import math

import numpy as np

from ._jit import inline
from .simd import LINE, lanes, load, store, zeros
from .values import fma, sqrt
from .workspace import (
    ALPHA,
    B_AT,
    BLOCKS,
    EPSILON,
    L2,
    MU,
    NU,
    RATE,
    SCALE,
    STEP,
    W_AT,
    WORKERS,
    workspace_at,
)  # fmt: skip

SHARES = 4  # tasks a worker: one that comes late holds up less
CHUNK = 4096  # elements


def squares_size(size, dtype):
    """Return how long `squares` is for parameters of this length."""
    return -(-size // CHUNK) * LINE // np.dtype(dtype).itemsize


@inline
def chunks(size):
    """How many chunks there are."""
    return (size + CHUNK - 1) // CHUNK


@inline
def update_tasks(ws):
    """Tasks of the update phase, some chunks each."""
    return 1 if ws.now[WORKERS] == 1 else min(SHARES * ws.now[WORKERS], chunks(ws.P.size))


@inline
def penalty_of(ws):
    """lambda of the penalty lambda / 2 sum W^2: of every step, and as a share of each minibatch."""
    return ws.settings[L2] + ws.settings[ALPHA] * ws.totals[SCALE]


@inline
def _gradient(ws, k, like):
    """dE/dW of the vector at k: the sum of those of all blocks, one after the other."""
    total = load(ws.G, k, 0, 0, like)
    for block in range(1, ws.now[BLOCKS]):
        total = total + load(ws.G, block * ws.P.size + k, 0, 0, like)
    return total


def _make_update(prepare, step):
    """Phase that takes `step` on every vector, with the numbers that `prepare` has ready for a minibatch."""

    def update(pointer, l, task, worker):
        ws = workspace_at(pointer)
        like, numbers, tasks = zeros(ws.P, 1, 1), prepare(ws), update_tasks(ws)
        decay = penalty_of(ws)
        for chunk in range(chunks(ws.P.size) * task // tasks, chunks(ws.P.size) * (task + 1) // tasks):
            first, last, squares = chunk * CHUNK, min((chunk + 1) * CHUNK, ws.P.size), like
            for l in range(ws.layers.shape[0] - 1):
                middle, end = min(last, ws.layers[l, B_AT]), min(last, ws.layers[l + 1, W_AT])
                for k in range(max(first, ws.layers[l, W_AT]), middle, lanes(ws.P)):
                    W = load(ws.P, k, 0, 0, like)
                    squares = fma(W, W, squares)
                    step(ws, k, W, fma(W, decay, _gradient(ws, k, like)), numbers)
                for k in range(max(first, ws.layers[l, B_AT]), end, lanes(ws.P)):
                    step(ws, k, load(ws.P, k, 0, 0, like), _gradient(ws, k, like), numbers)
            store(ws.squares, chunk * lanes(ws.P), 0, 0, squares)

    update.__name__ = update.__qualname__ = f"{step.py_func.__name__.strip('_')}_update"
    return update


@inline
def _rate_and_mu(ws):
    return ws.settings[RATE], ws.settings[MU]


@inline
def _adam_numbers(ws):
    b1, b2, step = ws.settings[MU], ws.settings[NU], ws.now[STEP]
    rate = ws.settings[RATE] * math.sqrt(1 - b2**step) / (1 - b1**step)
    return rate, b1, b2, ws.settings[EPSILON]


@inline
def gradient_only(ws, k, W, dW, numbers):
    """The gradient itself, as it stands in G: the sum over the blocks, and the penalty's."""
    store(ws.G, k, 0, 0, dW)


@inline
def sgd(ws, k, W, dW, numbers):
    """W <- W - alpha dE/dW  (eqs. 9, 54)"""
    store(ws.P, k, 0, 0, fma(dW, -numbers[0], W))


@inline
def momentum(ws, k, W, dW, numbers):
    """m <- mu m - alpha dE/dW;  W <- W + m"""
    m = fma(load(ws.m, k, 0, 0, W), numbers[1], dW * -numbers[0])
    store(ws.m, k, 0, 0, m)
    store(ws.P, k, 0, 0, W + m)


@inline
def nesterov(ws, k, W, dW, numbers):
    """m <- mu m - alpha dE/dW;  W <- W + mu m - alpha dE/dW"""
    step = dW * -numbers[0]
    m = fma(load(ws.m, k, 0, 0, W), numbers[1], step)
    store(ws.m, k, 0, 0, m)
    store(ws.P, k, 0, 0, W + fma(m, numbers[1], step))


@inline
def adam(ws, k, W, dW, numbers):
    """m <- b1 m + (1 - b1) dE/dW;  v <- b2 v + (1 - b2) (dE/dW)^2;  W <- W - rate m / (sqrt(v) + eps)"""
    rate, b1, b2, eps = numbers
    m = fma(load(ws.m, k, 0, 0, W), b1, dW * (1 - b1))
    v = fma(load(ws.v, k, 0, 0, W), b2, dW * dW * (1 - b2))
    store(ws.m, k, 0, 0, m)
    store(ws.v, k, 0, 0, v)
    store(ws.P, k, 0, 0, W - m * rate / (sqrt(v) + eps))


UPDATES = {
    "gradient": _make_update(_rate_and_mu, gradient_only),
    "sgd": _make_update(_rate_and_mu, sgd),
    "momentum": _make_update(_rate_and_mu, momentum),
    "nesterov": _make_update(_rate_and_mu, nesterov),
    "adam": _make_update(_adam_numbers, adam),
}
