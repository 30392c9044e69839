"""The update where parameters of different kinds have rates of their own, and where W is sigma V. As update_kernels.py.

With W = sigma V the optimizer's step is that of V, whose gradient is sigma dE/dW (Jacot, Gabriel and Hongler, 2018,
section 2, with sigma = 1 / sqrt(inputs)). Only W is stored.
"""

import math

from ..compiler.jit import inline
from ..entries.functions import fma
from ..entries.optimizer import Rule
from ..entries.typed import Function
from ..fast.optimizers import limited, make_step, penalty_slope, summed
from ..machine.tiles import lanes, load, store, zeros
from ..program.state import CHUNK
from .splitting import chunks_of, update_tasks
from .update_kernels import gradients_now, make_numbers


def _make_step(rule):
    """Make the step of a rule for V of the vector at k, or without a rule what stores its gradient."""
    if rule is None:
        return inline(lambda P, G, m, v, k, W, dW, sigma, numbers: store(G, k, 0, 0, dW))
    step = make_step(rule)

    @inline
    def scaled(P, G, m, v, k, W, dW, sigma, numbers):
        step(P, G, m, v, k, W / sigma, dW * sigma, numbers)
        store(P, k, 0, 0, load(P, k, 0, 0, W) * sigma)

    return scaled


@inline
def _span(s, step, first, last, numbers, sigma, l1, l2, like, penalty, squares):
    """Parameters first:last, of one kind and one chunk: penalty and limits come with the step, unless it is ready."""
    P, G, m, v, L = s.parameters, gradients_now(s), s.m, s.v, lanes(s.parameters)
    blocks, factor, limit = (1, s.factor, math.inf) if s.ready else (s.blocks, 1.0, s.clip_value)
    for k in range(first, last, L):
        W = load(P, k, 0, 0, like)
        slope, share = penalty_slope(W, l1, l2)
        penalty = fma(W, share, penalty)
        dW = summed(G, k, P.size, blocks, like) * factor
        dW = limited(fma(W, l2, dW) + slope, limit)
        squares = fma(dW, dW, squares)
        step(P, G, m, v, k, W, dW, sigma, numbers)
    return penalty, squares


@inline
def _clear(s, chunks):
    """Sums of penalty and squares of these chunks <- 0"""
    sums, L, zero = s.sums, lanes(s.parameters), zeros(s.parameters, 1, 1)
    for chunk in range(chunks[0], chunks[1]):
        store(sums, chunk * L, 0, 0, zero)
        store(sums, sums.size // 2 + chunk * L, 0, 0, zero)


def make_update_groups(rule: Rule | None) -> Function:
    """Make the step of a rule for all parameters, kind after kind; without a rule, the gradient as it would take it."""
    step, numbers_of = _make_step(rule), make_numbers(rule)

    @inline
    def group(s, chunks, begin, end, rate, decay, sigma, l1, l2):
        """Those of the parameters begin:end that are in these chunks, whose sums of penalty and squares grow."""
        like, numbers, sums, L = zeros(s.parameters, 1, 1), numbers_of(s, rate, decay), s.sums, lanes(s.parameters)
        half = sums.size // 2
        for chunk in range(max(chunks[0], begin // CHUNK), min(chunks[1], chunks_of(end))):
            first, last, at = max(begin, chunk * CHUNK), min(end, (chunk + 1) * CHUNK), chunk * L
            penalty, squares = load(sums, at, 0, 0, like), load(sums, half + at, 0, 0, like)
            penalty, squares = _span(s, step, first, last, numbers, sigma, l1, l2, like, penalty, squares)
            if not s.ready:
                store(sums, at, 0, 0, penalty)
                store(sums, half + at, 0, 0, squares)

    def update_groups(s, l, task, after, start, end, worker):
        tasks, n = update_tasks(s), chunks_of(s.parameters.size)
        l1, l2 = s.l1 + s.l1_per_weight * s.inverse_weight, s.l2 + s.l2_per_weight * s.inverse_weight
        chunks = n * task // tasks, n * (task + 1) // tasks
        if s.ready:
            l1, l2 = 0.0, 0.0
        else:
            _clear(s, chunks)
        for number in range(s.n_layers + s.members - 1):
            layer = s.layers[number]
            weighs = 1.0 if layer.vectors > 0 else 0.0  # embeddings have no vectors, and no penalty
            columns = layer.columns if layer.vectors > 0 else layer.tables
            group(s, chunks, layer.W, layer.b, layer.W_rate, layer.W_decay, layer.sigma, l1 * weighs, l2 * weighs)
            group(s, chunks, layer.b, layer.b + columns, layer.b_rate, layer.b_decay, 1.0, 0.0, 0.0)
            at = layer.gain
            if at >= 0:
                group(s, chunks, at, at + 2 * columns, layer.gain_rate, layer.gain_decay, 1.0, 0.0, 0.0)
            at = layer.slope
            if at >= 0:
                group(s, chunks, at, at + columns, layer.slope_rate, layer.slope_decay, 1.0, 0.0, 0.0)
            at = layer.scale
            if at >= 0:
                group(s, chunks, at, at + s.members * layer.rows, layer.scale_rate, layer.scale_decay, 1.0, 0.0, 0.0)

    return update_groups
