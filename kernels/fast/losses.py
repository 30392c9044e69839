"""Losses that sum over outputs, with their gradients: loops over transposed rows, made from functions of tiles."""

from ..compiler.jit import inline
from ..entries.functions import exp, logistic, where
from ..entries.loss import Loss
from ..entries.typed import Function
from ..machine.lanes import over_lanes
from ..machine.tiles import lanes, load, store, zeros
from .panels import get, put
from .softmax import clear_columns, column, put_column, transpose_group


@inline
def _identity(t):
    return t


LINKS = {"identity": _identity, "logistic": inline(lambda t: logistic(t)), "exp": inline(lambda t: exp(t))}


def make_output(link: str) -> Function:
    """Make z <- g(t) over t itself, in rows first:last."""
    g = LINKS[link]

    def output(t, first, last, O):
        like = zeros(t.data, 1, 1)
        for j in range(0, O, lanes(t.data)):
            for i in range(first, last):
                put(t, i, j, g(get(t, i, j, like)))

    return inline(output)


def make_loss(loss: Loss) -> Function:
    """Make the kernel of a loss, built in or defined by the user.

    E = sum_j e(t_j, y_j) of each row;  dE/dt <- e'(t_j, y_j) w scale, over t itself

    t        in, out (B, O)  what the link turns into z, then dE/dt
    e        out     (B,)    error of each row times its weight
    correct  out     (B,)    1 where in all columns z and y are both above 1/2 or both not, else 0
    targets  in, out (B, O)  y, left transposed
    weights  in      (B,)    w
    scale                    1 / sum of w over the minibatch
    numbers                  settings of the loss
    """
    link = LINKS[loss.link]
    if loss.is_own:
        error_of, slope_of = over_lanes(loss.error, 2), over_lanes(loss.gradient, 2)
        error, gradient = inline(lambda t, z, y: error_of(z, y)), inline(lambda z, y: slope_of(z, y))
    else:
        error, gradient = inline(loss.tile_error), inline(loss.tile_gradient)

    def kernel(t, e, correct, targets, weights, first, last, O, scale, numbers):
        zero = zeros(t.data, 1, 1)
        for i in range(first, last, lanes(t.data)):
            weight = load(weights, i, 0, 0, zero)
            transpose_group(t, i, O)
            transpose_group(targets, i, O)
            total, right = zero, zero + 1.0
            for j in range(O):
                logit, y = column(t, i, j, zero), column(targets, i, j, zero)
                z = link(logit)
                total = total + error(logit, z, y, *numbers)
                yes, no = where(0.5 < y, zero + 1.0, 0.0), where(0.5 < y, zero, 1.0)
                right = right * where(0.5 < z, yes, no)
                put_column(t, i, j, gradient(z, y, *numbers) * (weight * scale))
            store(e, i, 0, 0, total * weight)
            store(correct, i, 0, 0, right)
            clear_columns(t, i, O)
            transpose_group(t, i, O)

    return inline(kernel)
