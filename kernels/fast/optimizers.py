"""Steps of optimizers over the vector of parameters, made from a rule's functions of tiles."""

from ..compiler.jit import inline
from ..entries.functions import where
from ..entries.optimizer import Rule
from ..entries.typed import Function
from ..machine.tiles import load, store, zeros


@inline
def limited(dW, limit):
    """Return dE/dW with each element clipped to the limit."""
    return where(dW < -limit, -limit, where(limit < dW, limit, dW))


@inline
def penalty_slope(W, l1, l2):
    """Return l1 sign(w), and the factor that times w is the penalty l1 |w| + l2 / 2 w^2."""
    slope = where(0.0 < W, zeros(W, 1, 1) + l1, where(W < 0.0, -l1, zeros(W, 1, 1)))
    return slope, slope + W * (0.5 * l2)


@inline
def summed(gradients, at, size, blocks, like):
    """Return dE/dW of the vector at `at`, summed over all blocks in their order."""
    total = load(gradients, at, 0, 0, like)
    for block in range(1, blocks):
        total = total + load(gradients, block * size + at, 0, 0, like)
    return total


def make_step(rule: Rule | None) -> Function:
    """Make the step of a rule for the vector at k, with parameters W and gradient dW. Without a rule, dW is stored.

    P     in, out (n,)  parameters
    G     out     (n,)  gradient, where there is no rule
    m, v  in, out (n,)  the optimizer's vectors, in the order of its slots
    """
    if rule is None:
        return inline(lambda P, G, m, v, k, W, dW, numbers: store(G, k, 0, 0, dW))
    tile = inline(rule.tile)

    def without_state(P, G, m, v, k, W, dW, numbers):
        (W,) = tile(W, dW, numbers)
        store(P, k, 0, 0, W)

    def with_one(P, G, m, v, k, W, dW, numbers):
        W, first = tile(W, dW, load(m, k, 0, 0, W), numbers)
        store(m, k, 0, 0, first)
        store(P, k, 0, 0, W)

    def with_two(P, G, m, v, k, W, dW, numbers):
        W, first, second = tile(W, dW, load(m, k, 0, 0, W), load(v, k, 0, 0, W), numbers)
        store(m, k, 0, 0, first)
        store(v, k, 0, 0, second)
        store(P, k, 0, 0, W)

    return inline((without_state, with_one, with_two)[len(rule.slots)])
