"""Plain loops over a batch, generated from the functions of each entry: the specification of its fast kernels.

An entry of activations, losses and optimizers has functions of one number; these loops apply them to each element.
Letters and order of arguments are those of paper.py.
"""

import functools
from collections import namedtuple

from numba import prange

from ..activations import ACTIVATIONS
from ..compiler.jit import PlainLoop, jit
from ..entries.activation import Activation
from ..entries.loss import Loss
from ..entries.optimizer import Rule
from ..losses import POINT_LOSSES
from ..machine.points import point
from ..optimizers import RULES


def _named(function, name, doc, entry=None):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return PlainLoop(function, kept=not getattr(entry, "is_own", False))


def _point(function, entry):
    """Compile a function of one number; a user's is compiled into its callers and not cached on disk."""
    return point(function) if getattr(entry, "is_own", False) else jit(function)


def activation_loop(activation: Activation) -> PlainLoop:
    """Make h_j = F(t_j), or F(t_j, a_j) where the activation has a parameter."""
    F = _point(activation.f, activation)
    doc = f"""{activation.formula}    {activation.source and f"({activation.source})"}

    h  out (B, O)
    t  in  (B, O)
    """

    def plain(h, t):
        for row in prange(t.shape[0]):
            for j in range(t.shape[1]):
                h[row, j] = F(t[row, j])

    def with_parameter(h, t, a):
        for row in prange(t.shape[0]):
            for j in range(t.shape[1]):
                h[row, j] = F(t[row, j], a[j])

    if activation.parameter:
        return _named(with_parameter, activation.name, f"{doc}a  in  (O,)\n    ")
    return _named(plain, activation.name, doc, activation)


def derivative_loop(activation: Activation) -> PlainLoop:
    """Make d_j = F'(t_j), read off h where the activation says so."""
    dF = _point(activation.df, activation)
    name = "t" if activation.parameter else "x"
    doc = f"""{activation.derivative_formula}

    d  out (B, O)
    {name}  in  (B, O)  {"h" if activation.of_h else "t"}
    """

    def plain(d, x):
        for row in prange(x.shape[0]):
            for j in range(x.shape[1]):
                d[row, j] = dF(x[row, j])

    def with_parameter(d, t, a):
        for row in prange(t.shape[0]):
            for j in range(t.shape[1]):
                d[row, j] = dF(t[row, j], a[j])

    if activation.parameter:
        return _named(with_parameter, f"{activation.name}_derivative", f"{doc}a  in  (O,)\n    ")
    return _named(plain, f"{activation.name}_derivative", doc, activation)


def parameter_loop(activation: Activation) -> PlainLoop:
    """Make dE/da_j = sum over the rows of dE/dh_j dF/da."""
    dF = _point(activation.df_parameter, activation)
    name, symbol = f"{activation.name}_parameter_backward", "a"
    doc = f"""dE/d{symbol}_j = dE/dh_j dF/d{symbol}(t_j, {symbol}_j), summed over the rows

    da  out (O,)
    dh  in  (B, O)
    t   in  (B, O)
    a   in  (O,)
    """

    def backward(da, dh, t, a):
        for j in prange(a.size):
            da[j] = 0
            for row in range(t.shape[0]):
                da[j] += dh[row, j] * dF(t[row, j], a[j])

    return _named(backward, name, doc)


def loss_loop(loss: Loss) -> PlainLoop:
    """Make E of each row and dE/dt, for a loss that sums over outputs."""
    error, gradient = _point(loss.error, loss), _point(loss.gradient, loss)
    fields = "".join(f"    number  {name}\n" for name in loss.fields)
    doc = f"""{loss.formula};  {loss.gradient_formula}    {loss.source and f"({loss.source})"}

    dt  out (B, O)  divided by B, as E is the mean over the batch
    e   out (B,)    error of each row
    t   in  (B, O)
    y   in  (B, O)  from {loss.domain[0]:g} to {loss.domain[1]:g}
{fields}"""

    def plain(dt, e, t, y):
        for row in prange(t.shape[0]):
            e[row] = 0
            for j in range(t.shape[1]):
                e[row] += error(t[row, j], y[row, j])
                dt[row, j] = gradient(t[row, j], y[row, j]) / t.shape[0]

    def with_number(dt, e, t, y, number):
        for row in prange(t.shape[0]):
            e[row] = 0
            for j in range(t.shape[1]):
                e[row] += error(t[row, j], y[row, j], number)
                dt[row, j] = gradient(t[row, j], y[row, j], number) / t.shape[0]

    return _named(with_number if loss.fields else plain, loss.name, doc, loss)


def update_loop(rule: Rule) -> PlainLoop:
    """Make the step of an optimizer over a flat vector W, its gradient dW and as long a vector of each slot."""
    numbers, step = _numbers(rule), jit(rule.step)
    slots = "".join(
        f"{x}   in, out (n,)  {name}, the optimizer's\n    " for x, name in zip("mv", rule.slots, strict=False)
    )
    doc = f"""{rule.formula}    {rule.source and f"({rule.source})"}

    W   in, out (n,)  parameters
    {slots}dW  in      (n,)  gradient
    settings  ({", ".join((*rule.fields, *dict(rule.running)))})
    alpha     learning rate
    count     updates, this one included
    """

    def without_state(W, dW, settings, alpha, count):
        n = numbers(settings, alpha, count)
        for k in prange(W.size):
            (W[k],) = step(W[k], dW[k], n)

    def with_one(W, m, dW, settings, alpha, count):
        n = numbers(settings, alpha, count)
        for k in prange(W.size):
            W[k], m[k] = step(W[k], dW[k], m[k], n)

    def with_two(W, m, v, dW, settings, alpha, count):
        n = numbers(settings, alpha, count)
        for k in prange(W.size):
            W[k], m[k], v[k] = step(W[k], dW[k], m[k], v[k], n)

    return _named((without_state, with_one, with_two)[len(rule.slots)], f"{rule.name}_update", doc)


def group_update_loop(rule: Rule) -> PlainLoop:
    """Make the step of an optimizer where parameters have a rate of their own, and W is sigma V."""
    numbers, step = _numbers(rule), jit(rule.step)
    slots = "".join(
        f"{x}   in, out (n,)  {name}, the optimizer's of V\n    " for x, name in zip("mv", rule.slots, strict=False)
    )
    doc = f"""V <- V as `{rule.name}_update` does with dE/dV = sigma dE/dW and alpha factor;  W <- sigma V

    (Jacot, Gabriel and Hongler, 2018, section 2, with sigma = 1 / sqrt(inputs))

    W   in, out (n,)  parameters
    {slots}dW  in      (n,)  gradient
    settings  ({", ".join((*rule.fields, *dict(rule.running)))})
    alpha     learning rate
    count     updates, this one included
    factor    of the learning rate, for these parameters
    sigma     above 0
    """

    def without_state(W, dW, settings, alpha, count, factor, sigma):
        n = numbers(settings, alpha * factor, count)
        for k in prange(W.size):
            (V,) = step(W[k] / sigma, dW[k] * sigma, n)
            W[k] = V * sigma

    def with_one(W, m, dW, settings, alpha, count, factor, sigma):
        n = numbers(settings, alpha * factor, count)
        for k in prange(W.size):
            V, m[k] = step(W[k] / sigma, dW[k] * sigma, m[k], n)
            W[k] = V * sigma

    def with_two(W, m, v, dW, settings, alpha, count, factor, sigma):
        n = numbers(settings, alpha * factor, count)
        for k in prange(W.size):
            V, m[k], v[k] = step(W[k] / sigma, dW[k] * sigma, m[k], v[k], n)
            W[k] = V * sigma

    return _named((without_state, with_one, with_two)[len(rule.slots)], f"{rule.name}_group_update", doc)


@functools.cache  # one type of record, whatever loops take it
def _numbers(rule):
    """Make what a step takes of a tuple of settings and running numbers, the learning rate and the step's number.

    The tuple gets its names in compiled code only: a named tuple's type is another one in every process, so nothing
    that is compiled for it is kept in the cache.
    """
    names = (*rule.fields, *dict(rule.running))
    numbers, record = jit(rule.numbers, kept=False), namedtuple("Settings", names)  # noqa: PYI024

    def of_named(settings, alpha, count):
        return numbers(record(*settings), alpha, count)

    def of_none(settings, alpha, count):
        return numbers(settings, alpha, count)

    return jit(of_named if names else of_none)


ACTIVATION_LOOPS = {name: activation_loop(entry) for name, entry in ACTIVATIONS.items()}
DERIVATIVE_LOOPS = {name: derivative_loop(entry) for name, entry in ACTIVATIONS.items()}
PARAMETER_LOOPS = {name: parameter_loop(entry) for name, entry in ACTIVATIONS.items() if entry.parameter}
LOSS_LOOPS = {name: loss_loop(loss()) for name, loss in POINT_LOSSES.items()}
UPDATE_LOOPS = {name: update_loop(rule) for name, rule in RULES.items()}
GROUP_UPDATE_LOOPS = {name: group_update_loop(rule) for name, rule in RULES.items()}
