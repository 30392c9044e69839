"""What a minibatch begins and ends with, whoever computes it."""

import math

from ..compiler.jit import inline
from ..fast.panels import pad
from ..machine.calls import call
from ..machine.memory import part
from ..machine.tiles import lanes
from ..program.state import BLOCK_UNIT
from ..tasks.update_kernels import has_penalty


@inline
def sum_of(sums, which):
    """The penalties (0), or the squares of dE/dW (1), of all chunks, in their order."""
    total, half = 0.0, sums.size // 2
    for k in range(which * half, which * half + half):
        total += sums[k]
    return total


@inline
def block_rows(s, block):
    """First and last row of a block of the present minibatch: units of BLOCK_UNIT rows, as even as can be."""
    units, blocks = (s.batch + BLOCK_UNIT - 1) // BLOCK_UNIT, s.blocks
    first, last = units * block // blocks, units * (block + 1) // blocks
    return min(s.batch, first * BLOCK_UNIT), min(s.batch, last * BLOCK_UNIT)


@inline
def pick(s, first, n):
    """Let rows order[first : first + n] be those that the layers take."""
    s.first, s.picked = first, n
    s.batch = n if s.members == 1 else s.members * pad(n, lanes(s.parameters))


@inline
def open_minibatch(s, at):
    """Begin the minibatch whose rows begin at `at`: its size, rates, and 1 / the sum of its rows' weights."""
    order, rates, dropouts, decays, weights = s.order, s.rates, s.dropouts, s.decays, s.weights
    pick(s, at, min(s.batch_size, s.end - at))
    s.ready, s.draw = 0, s.step
    if rates.size:
        s.learning_rate = rates[min(at // s.batch_size, rates.size - 1)]
    if dropouts.size:
        s.dropping = dropouts[min(at // s.batch_size, dropouts.size - 1)]
    if decays.size:
        s.decaying = decays[min(at // s.batch_size, decays.size - 1)]
    total = float(s.picked)
    if weights.size:
        total = 0.0
        for row in range(at, at + s.picked):
            total += weights[order[row]]
        s.weight += total
    s.inverse_weight = 1.0 / total if total != 0 else 0.0


@inline
def add_errors(s):
    """Add the minibatch's errors and right rows to the call's; return whether the error is finite, if watched."""
    error, count, errors, correct, w = 0.0, 0.0, s.errors, s.correct_rows, s.row_weights
    for block in range(s.blocks):
        first, last = block_rows(s, block)
        at = block * s.batch_rows
        for row in range(at, at + last - first):
            error += errors[row]
            count += correct[row] * w[row]
    if s.watches and not math.isfinite(error):
        s.diverged = 1  # before the update that would spread it
    s.error += error * s.inverse_weight * s.picked
    s.weighted_error += error
    s.correct += count
    return not s.diverged


@inline
def count_step(s):
    """Count a step, and change what the optimizer changes once in each."""
    s.step += 1
    if s.advance:
        call(s.advance, s)


@inline
def add_penalty(s):
    """Add the penalty of the weights as they were before the update; it counts once for each row, too."""
    if has_penalty(s):
        s.penalty += sum_of(s.sums, 0) * s.picked


@inline
def factor_of_large(dW, clip_norm):
    """Return clip_norm / |dE/dW| where squares of dE/dW are beyond its dtype; NaN if dE/dW itself is not finite."""
    largest, squares = 0.0, 0.0
    for k in range(dW.size):
        largest = max(largest, abs(1.0 * dW[k]))
    for k in range(dW.size):
        squares += (dW[k] / largest) ** 2
    return clip_norm / largest / math.sqrt(squares)


@inline
def limit_norm(s):
    """Find what the gradient is to be multiplied by so that its norm is at most the one allowed."""
    norm = math.sqrt(sum_of(s.sums, 1))
    if math.isinf(norm):
        s.factor = factor_of_large(part(s.gradients, s.gradient_at, s.parameters.size), s.clip_norm)
    else:
        s.factor = s.clip_norm / norm if norm > s.clip_norm else 1.0
    s.ready = 1
