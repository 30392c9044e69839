"""The update of all parameters, and the gradient alone: a fused pass over the flat vector, chunk after chunk.

The vector is cut into chunks, the same for any number of workers: each leaves the penalty on its weights and the sum of
its squared gradients. Signatures as those of layer_kernels.py; `first` is the task.
"""

import math

from ..compiler.jit import inline
from ..entries.functions import fma
from ..entries.optimizer import Rule
from ..entries.typed import Function
from ..fast.csr import feature_gradient
from ..fast.optimizers import limited, make_step, penalty_slope, summed
from ..machine.memory import part
from ..machine.records import record_at
from ..machine.tiles import lanes, load, store, zeros
from ..program.state import CHUNK
from .splitting import chunks_of, update_tasks
from .views import outputs, vector


@inline
def has_penalty(s):
    """Whether E holds a penalty on the weights."""
    return s.l1 + s.l2 + s.l1_per_weight + s.l2_per_weight > 0


def make_numbers(rule: Rule | None) -> Function:
    """Make the numbers that a rule's step takes, at some share of the learning rate and of the decay."""
    if rule is None:
        return inline(lambda s, share, decay: (0.0,))
    record, numbers = record_at(rule.layout), inline(rule.numbers)
    if not rule.decays:
        return inline(lambda s, share, decay: numbers(record(s.rule, s), s.learning_rate * share, s.step))

    @inline
    def with_decay(s, share, decay):
        found = numbers(record(s.rule, s), s.learning_rate * share, s.step)
        return found[:-1] + (found[-1] * (decay * s.decaying),)  # noqa: RUF005, which Numba compiles

    return with_decay


def make_advance(rule: Rule) -> Function:
    """Make what changes a rule's running numbers, once before each step."""
    record, change = record_at(rule.layout), inline(rule.advance)

    def advance(s):
        change(record(s.rule, s), s.step)

    return advance


@inline
def gradients_now(s):
    """The gradients from those of the minibatch's first block on."""
    return part(s.gradients, s.gradient_at, s.gradients.size - s.gradient_at)


@inline
def _plain_chunk(s, step, first, last, like, numbers, blocks, factor):
    """Nothing but the step: the gradients are ready, or nothing is added to them."""
    P, G, m, v = s.parameters, gradients_now(s), s.m, s.v
    for k in range(first, last, lanes(P)):
        dW = summed(G, k, P.size, blocks, like) * factor
        step(P, G, m, v, k, load(P, k, 0, 0, like), dW, numbers)


@inline
def _weights(s, step, first, last, like, numbers, penalty, squares):
    """Weights: penalty and limits come with the step."""
    P, G, m, v, limit = s.parameters, gradients_now(s), s.m, s.v, s.clip_value
    l1, l2 = s.l1 + s.l1_per_weight * s.inverse_weight, s.l2 + s.l2_per_weight * s.inverse_weight
    for k in range(first, last, lanes(P)):
        W = load(P, k, 0, 0, like)
        slope, share = penalty_slope(W, l1, l2)
        penalty = fma(W, share, penalty)
        dW = limited(fma(W, l2, summed(G, k, P.size, s.blocks, like)) + slope, limit)
        squares = fma(dW, dW, squares)
        step(P, G, m, v, k, W, dW, numbers)
    return penalty, squares


@inline
def _vectors(s, step, first, last, like, numbers, squares):
    """Biases and the like: no penalty."""
    P, G, m, v = s.parameters, gradients_now(s), s.m, s.v
    for k in range(first, last, lanes(P)):
        dW = limited(summed(G, k, P.size, s.blocks, like), s.clip_value)
        squares = fma(dW, dW, squares)
        step(P, G, m, v, k, load(P, k, 0, 0, like), dW, numbers)
    return squares


@inline
def _full_chunk(s, step, chunk, first, last, like, numbers, penalty, squares):
    """The step with penalty and limits, and the chunk's sums of both, which go on from these."""
    sums, L = s.sums, lanes(s.parameters)
    for l in range(s.n_layers + s.members - 1):
        layer = s.layers[l]
        middle, end = min(last, layer.b), min(last, layer.b + layer.vectors * layer.columns)
        penalty, squares = _weights(s, step, max(first, layer.W), middle, like, numbers, penalty, squares)
        squares = _vectors(s, step, max(first, layer.b), end, like, numbers, squares)
    store(sums, chunk * L, 0, 0, penalty)
    store(sums, sums.size // 2 + chunk * L, 0, 0, squares)


def make_update(rule: Rule | None) -> Function:
    """Make the step of a rule for all parameters; without a rule, the gradient as the rule would take it."""
    step, numbers_of = make_step(rule), make_numbers(rule)

    def update(s, l, task, after, start, end, worker):
        size, like, numbers, tasks = (
            s.parameters.size,
            zeros(s.parameters, 1, 1),
            numbers_of(s, 1.0, 1.0),
            update_tasks(s),
        )
        limits = min(s.clip_value, s.clip_norm) < math.inf
        plain = s.ready or not (limits or has_penalty(s))  # so that what is off costs nothing
        blocks, factor = (1, s.factor) if s.ready else (s.blocks, 1.0)
        for chunk in range(chunks_of(size) * task // tasks, chunks_of(size) * (task + 1) // tasks):
            first, last = chunk * CHUNK, min((chunk + 1) * CHUNK, size)
            if plain:
                _plain_chunk(s, step, first, last, like, numbers, blocks, factor)
            else:
                _full_chunk(s, step, chunk, first, last, like, numbers, like, like)

    return update


# ---- where rows are sparse ------------------------------------------------------------------------------------------


@inline
def _sparse_weights(s, step, first, last, like, numbers, full):
    """Weights of the first layer: the gradient of each feature is summed here, over the rows that have it."""
    P, G, m, v, L, layer = s.parameters, gradients_now(s), s.m, s.v, lanes(s.parameters), s.layers[0]
    limit = s.clip_value
    l1, l2 = s.l1 + s.l1_per_weight * s.inverse_weight, s.l2 + s.l2_per_weight * s.inverse_weight
    bounds, rows, x, offsets = s.feature_bounds, s.feature_rows, s.feature_numbers, s.offsets
    dt, db, penalty, squares, k = outputs(s, layer), vector(layer, G, layer.b), like, like, first
    while k < last:
        panel = (k - layer.W) // (layer.rows * L)
        begin = layer.W + panel * layer.rows * L
        end = min(last, begin + layer.rows * L)
        for at in range(k, end, L):
            W = load(P, at, 0, 0, like)
            dW = feature_gradient(like, offsets, db, (at - begin) // L, bounds, rows, x, dt, panel)
            if full:
                slope, share = penalty_slope(W, l1, l2)
                penalty = fma(W, share, penalty)
                dW = limited(fma(W, l2, dW) + slope, limit)
                squares = fma(dW, dW, squares)
            step(P, G, m, v, at, W, dW, numbers)
        k = end
    return penalty, squares


def make_update_csr(rule: Rule | None) -> Function:
    """Make the step of a rule, or the gradient, where the gradient of the first layer's W is summed on the way."""
    step, numbers_of = make_step(rule), make_numbers(rule)

    def update_csr(s, l, task, after, start, end, worker):
        size, like, numbers, tasks = (
            s.parameters.size,
            zeros(s.parameters, 1, 1),
            numbers_of(s, 1.0, 1.0),
            update_tasks(s),
        )
        full, layer = min(s.clip_value, s.clip_norm) < math.inf or has_penalty(s), s.layers[0]
        for chunk in range(chunks_of(size) * task // tasks, chunks_of(size) * (task + 1) // tasks):
            first, last = chunk * CHUNK, min((chunk + 1) * CHUNK, size)
            middle = max(first, min(last, layer.b))
            penalty, squares = _sparse_weights(s, step, first, middle, like, numbers, full)
            if full:
                _full_chunk(s, step, chunk, middle, last, like, numbers, penalty, squares)
            else:
                _plain_chunk(s, step, middle, last, like, numbers, 1, 1.0)

    return update_csr
