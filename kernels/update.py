"""Optimizers, each one fused pass over the flat vector of parameters; what they mean is in descent.py.

The vector is cut into chunks, the same for any number of workers: each leaves the penalty on its weights and the sum
of its squared gradients.
"""

import math

import numpy as np

from ._jit import inline
from .simd import LINE, lanes, load, store, zeros
from .values import fma, sqrt, where_less
from .workspace import (
    ALPHA,
    B_AT,
    BLOCKS,
    CLIP_NORM,
    CLIP_VALUE,
    DECAY,
    EPSILON,
    FACTOR,
    G_FROM,
    L1,
    L1_SHARE,
    L2,
    MU,
    NU,
    RATE,
    READY,
    SCALE,
    STEP,
    W_AT,
    WORKERS,
    workspace_at,
)  # fmt: skip

SHARES = 4  # tasks a worker: one that comes late holds up less
CHUNK = 1024  # elements: so few that two workers share small networks, too


def sums_size(size, dtype):
    """Return how long `sums` is for parameters of this length."""
    return 2 * -(-size // CHUNK) * LINE // np.dtype(dtype).itemsize


@inline
def chunks(size):
    """How many chunks there are."""
    return (size + CHUNK - 1) // CHUNK


@inline
def update_tasks(now, size):
    """Tasks of the update phase of so many parameters, some chunks each."""
    return 1 if now[WORKERS] == 1 else min(SHARES * now[WORKERS], chunks(size))


@inline
def sum_of(sums, which):
    """The penalties (0), or the squares of dE/dW (1), of all chunks, in their order."""
    total, half = 0.0, sums.size // 2
    for k in range(which * half, which * half + half):
        total += sums[k]
    return total


@inline
def has_penalty(settings):
    """Whether E holds a penalty on the weights."""
    return settings[L1] + settings[L2] + settings[L1_SHARE] + settings[ALPHA] > 0


@inline
def _summed(ws, blocks, k, like):
    """dE/dW of the vector at k: the sum of those of all blocks, one after the other."""
    at = ws.now[G_FROM] + k
    total = load(ws.G, at, 0, 0, like)
    for block in range(1, blocks):
        total = total + load(ws.G, block * ws.P.size + at, 0, 0, like)
    return total


@inline
def _limited(dW, limit):
    return where_less(dW, -limit, -limit, where_less(limit, dW, limit, dW))


def _make_update(prepare, step):
    """Phase that takes `step` on every vector, with the numbers that `prepare` has ready for a minibatch."""

    def update(pointer, l, task, worker):
        ws = workspace_at(pointer)
        like, numbers, tasks = zeros(ws.P, 1, 1), prepare(ws.settings, ws.now[STEP]), update_tasks(ws.now, ws.P.size)
        half, limit, share = ws.sums.size // 2, ws.settings[CLIP_VALUE], ws.totals[SCALE]
        l1 = ws.settings[L1] + ws.settings[L1_SHARE] * share
        decay = ws.settings[L2] + ws.settings[ALPHA] * share
        limited = min(limit, ws.settings[CLIP_NORM]) < math.inf
        ready = ws.now[READY] or not (limited or has_penalty(ws.settings))  # so that what is off costs nothing
        blocks, factor = (1, ws.totals[FACTOR]) if ws.now[READY] else (ws.now[BLOCKS], 1.0)
        for chunk in range(chunks(ws.P.size) * task // tasks, chunks(ws.P.size) * (task + 1) // tasks):
            first, last, penalty, squares = chunk * CHUNK, min((chunk + 1) * CHUNK, ws.P.size), like, like
            if ready:
                for k in range(first, last, lanes(ws.P)):
                    dW = _summed(ws, blocks, k, like) * factor
                    step(ws.P, ws.G, ws.m, ws.v, k, load(ws.P, k, 0, 0, like), dW, numbers)
                continue
            for l in range(ws.layers.shape[0] - 1):
                middle, end = min(last, ws.layers[l, B_AT]), min(last, ws.layers[l + 1, W_AT])
                for k in range(max(first, ws.layers[l, W_AT]), middle, lanes(ws.P)):
                    W = load(ws.P, k, 0, 0, like)
                    slope = where_less(0.0, W, zeros(ws.P, 1, 1) + l1, where_less(W, 0.0, -l1, like))
                    penalty = fma(W, slope + W * (0.5 * decay), penalty)
                    dW = _limited(fma(W, decay, _summed(ws, ws.now[BLOCKS], k, like)) + slope, limit)
                    squares = fma(dW, dW, squares)
                    step(ws.P, ws.G, ws.m, ws.v, k, W, dW, numbers)
                for k in range(max(first, ws.layers[l, B_AT]), end, lanes(ws.P)):
                    dW = _limited(_summed(ws, ws.now[BLOCKS], k, like), limit)
                    squares = fma(dW, dW, squares)
                    step(ws.P, ws.G, ws.m, ws.v, k, load(ws.P, k, 0, 0, like), dW, numbers)
            store(ws.sums, chunk * lanes(ws.P), 0, 0, penalty)
            store(ws.sums, half + chunk * lanes(ws.P), 0, 0, squares)

    update.__name__ = update.__qualname__ = f"{step.py_func.__name__.strip('_')}_update"
    return update


@inline
def _rate_and_mu(settings, step):
    return settings[RATE], settings[MU]


@inline
def _adam_numbers(settings, step):
    b1, b2 = settings[MU], settings[NU]
    rate = settings[RATE] * math.sqrt(1 - b2**step) / (1 - b1**step)
    return rate, b1, b2, settings[EPSILON], settings[RATE] * settings[DECAY]


@inline
def _gradient_only(P, G, m, v, k, W, dW, numbers):
    """The gradient itself, as it stands in G: the sum over the blocks, and the penalty's."""
    store(G, k, 0, 0, dW)


@inline
def _sgd(P, G, m, v, k, W, dW, numbers):
    """W <- W - alpha dE/dW  (eqs. 9, 54)"""
    store(P, k, 0, 0, fma(dW, -numbers[0], W))


@inline
def _momentum(P, G, m, v, k, W, dW, numbers):
    """m <- mu m - alpha dE/dW;  W <- W + m"""
    velocity = fma(load(m, k, 0, 0, W), numbers[1], dW * -numbers[0])
    store(m, k, 0, 0, velocity)
    store(P, k, 0, 0, W + velocity)


@inline
def _nesterov(P, G, m, v, k, W, dW, numbers):
    """m <- mu m - alpha dE/dW;  W <- W + mu m - alpha dE/dW"""
    step = dW * -numbers[0]
    velocity = fma(load(m, k, 0, 0, W), numbers[1], step)
    store(m, k, 0, 0, velocity)
    store(P, k, 0, 0, W + fma(velocity, numbers[1], step))


@inline
def _adam(P, G, m, v, k, W, dW, numbers):
    """m <- b1 m + (1 - b1) dE/dW;  v <- b2 v + (1 - b2) (dE/dW)^2;  W <- W - rate m / (sqrt(v) + eps)"""
    rate, b1, b2, eps, _ = numbers
    mean = fma(load(m, k, 0, 0, W), b1, dW * (1 - b1))
    square = fma(load(v, k, 0, 0, W), b2, dW * dW * (1 - b2))
    store(m, k, 0, 0, mean)
    store(v, k, 0, 0, square)
    store(P, k, 0, 0, W - mean * rate / (sqrt(square) + eps))


@inline
def _adamw(P, G, m, v, k, W, dW, numbers):
    """W <- W - alpha decay W, then as Adam  (Loshchilov and Hutter, 2019, algorithm 2)"""
    _adam(P, G, m, v, k, W - W * numbers[4], dW, numbers)


@inline
def _rmsprop_numbers(settings, step):
    return settings[RATE], settings[MU], settings[EPSILON]


@inline
def _rmsprop(P, G, m, v, k, W, dW, numbers):
    """v <- rho v + (1 - rho) (dE/dW)^2;  W <- W - alpha dE/dW / (sqrt(v) + eps)"""
    alpha, rho, eps = numbers
    square = fma(load(v, k, 0, 0, W), rho, dW * dW * (1 - rho))
    store(v, k, 0, 0, square)
    store(P, k, 0, 0, W - dW * alpha / (sqrt(square) + eps))


UPDATES = {
    "gradient": _make_update(_rate_and_mu, _gradient_only),
    "sgd": _make_update(_rate_and_mu, _sgd),
    "momentum": _make_update(_rate_and_mu, _momentum),
    "nesterov": _make_update(_rate_and_mu, _nesterov),
    "adam": _make_update(_adam_numbers, _adam),
    "adamw": _make_update(_adam_numbers, _adamw),
    "rmsprop": _make_update(_rmsprop_numbers, _rmsprop),
}
