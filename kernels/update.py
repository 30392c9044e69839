"""Optimizers with state, each one fused pass over the flat vector of parameters."""

import math

from ._jit import inline
from .simd import lanes, load, store, zeros
from .values import fma, sqrt
from .workspace import BLOCKS, STEP, WORKERS, pad, workspace_at

SHARES = 4  # tasks a worker: one that comes late holds up less
TASK_SIZE = 4096  # elements that a task has at least


@inline
def share(ws, task):
    """First and last element of P that a task updates: whole vectors."""
    tasks = update_tasks(ws)
    size = pad(pad(ws.P.size, tasks) // tasks, lanes(ws.P))
    return min(ws.P.size, task * size), min(ws.P.size, (task + 1) * size)


@inline
def update_tasks(ws):
    """Tasks of the update phase."""
    return 1 if ws.now[WORKERS] == 1 else min(SHARES * ws.now[WORKERS], 1 + ws.P.size // TASK_SIZE)


@inline
def gradient(ws, k, like):
    """dE/dW of the vector at k: the sum of those of all blocks, one after the other."""
    total = load(ws.G, k, 0, 0, like)
    for block in range(1, ws.now[BLOCKS]):
        total = total + load(ws.G, block * ws.P.size + k, 0, 0, like)
    return total


def sgd_update(pointer, l, task, worker):
    """W <- W - alpha dE/dW                                      settings: alpha            (eqs. 9, 54)"""
    ws = workspace_at(pointer)
    alpha = ws.settings[0]
    like = zeros(ws.P, 1, 1)
    first, last = share(ws, task)
    for k in range(first, last, lanes(ws.P)):
        store(ws.P, k, 0, 0, fma(gradient(ws, k, like), -alpha, load(ws.P, k, 0, 0, like)))


def momentum_update(pointer, l, task, worker):
    """m <- mu m - alpha dE/dW;  W <- W + m                       settings: alpha, mu; see descent.py"""
    ws = workspace_at(pointer)
    alpha, mu = ws.settings[0], ws.settings[1]
    like = zeros(ws.P, 1, 1)
    first, last = share(ws, task)
    for k in range(first, last, lanes(ws.P)):
        m = fma(load(ws.m, k, 0, 0, like), mu, gradient(ws, k, like) * -alpha)
        store(ws.m, k, 0, 0, m)
        store(ws.P, k, 0, 0, load(ws.P, k, 0, 0, like) + m)


def nesterov_update(pointer, l, task, worker):
    """m <- mu m - alpha dE/dW;  W <- W + mu m - alpha dE/dW      settings: alpha, mu; see descent.py"""
    ws = workspace_at(pointer)
    alpha, mu = ws.settings[0], ws.settings[1]
    like = zeros(ws.P, 1, 1)
    first, last = share(ws, task)
    for k in range(first, last, lanes(ws.P)):
        step = gradient(ws, k, like) * -alpha
        m = fma(load(ws.m, k, 0, 0, like), mu, step)
        store(ws.m, k, 0, 0, m)
        store(ws.P, k, 0, 0, load(ws.P, k, 0, 0, like) + fma(m, mu, step))


def adam_update(pointer, l, task, worker):
    """m <- b1 m + (1 - b1) dE/dW;  v <- b2 v + (1 - b2) (dE/dW)^2;  W <- W - rate m / (sqrt(v) + eps)

    settings: alpha, b1, b2, eps; rate = alpha sqrt(1 - b2^step) / (1 - b1^step); see descent.py
    """
    ws = workspace_at(pointer)
    alpha, b1, b2, eps = ws.settings[0], ws.settings[1], ws.settings[2], ws.settings[3]
    step = ws.now[STEP]
    rate = alpha * math.sqrt(1 - b2**step) / (1 - b1**step)
    like = zeros(ws.P, 1, 1)
    first, last = share(ws, task)
    for k in range(first, last, lanes(ws.P)):
        dW = gradient(ws, k, like)
        m = fma(load(ws.m, k, 0, 0, like), b1, dW * (1 - b1))
        v = fma(load(ws.v, k, 0, 0, like), b2, dW * dW * (1 - b2))
        store(ws.m, k, 0, 0, m)
        store(ws.v, k, 0, 0, v)
        store(ws.P, k, 0, 0, load(ws.P, k, 0, 0, like) - m * rate / (sqrt(v) + eps))
