"""Activations as passes over panels that are still in cache, made from an entry's functions of tiles.

A pass works in place, on whole rows of one panel; columns that pad the last panel stay zero. F'(t) is read off h = F(t)
or stored by the forward pass. Only ReLU may be applied while a product is stored (linear.py).
"""

from ..compiler.jit import inline
from ..entries.activation import Activation
from ..entries.functions import filled, fma, where
from ..entries.typed import Function
from ..machine.arithmetic import lane_numbers
from ..machine.memory import part
from ..machine.points import point
from ..machine.registers import ROWS
from ..machine.tiles import lanes, load, store, zeros
from .panels import get, put

TOGETHER = min(ROWS, 4)  # vectors computed at once, so that their latencies overlap


def _functions(activation):
    """Return F(t, a) -> (h, what is kept) and F'(h or what is kept), of tiles."""
    tile = inline(activation.tile)
    if activation.parameter:
        return inline(lambda t, a: (tile(t, a), t)), inline(lambda t: filled(t, 1.0))
    if activation.of_h:
        return inline(lambda t, a: (tile(t), t)), inline(activation.tile_derivative)
    return inline(lambda t, a: tile(t)), inline(lambda d: d)


def _derivative(activation):
    """Return F' of h or of what is remembered, of tiles."""
    return inline(lambda d: d) if activation.is_own else _functions(activation)[1]


def remembers(activation: Activation) -> bool:
    """Return whether the forward pass keeps more than h: F'(t), or t if there is a parameter."""
    return not activation.of_h


def make_activation(activation: Activation, together: int = TOGETHER) -> Function:
    """Make h <- F(t) over t itself, in rows first:last of the panel at column j, so many at a time.

    h     in, out (B, O)
    kept  out     (B, O)  F'(t), or t where the activation has a parameter; not written where F' is read off h
    a     in      (O,)    the parameter, if there is one
    """
    if activation.is_own:
        return _make_own(activation)
    F, keeps, has_parameter = _functions(activation)[0], remembers(activation), activation.parameter is not None

    def apply(h, kept, a, j, first, last, O):
        like = zeros(h.data, together, 1)
        slope = load(a, j, 0, 0, like) if has_parameter else like
        used = lane_numbers(like) < O - j
        for i in range(first, last, together):
            value, more = F(get(h, i, j, like), slope)
            put(h, i, j, where(used, value, 0.0))
            if keeps:
                put(kept, i, j, where(used, more, 0.0))

    return inline(apply)


def _make_own(activation):
    """Make the same of a user's functions: a loop over numbers side by side, of which LLVM makes vectors."""
    f, df = point(activation.f), point(activation.df)

    def apply(h, kept, a, j, first, last, O):
        L = lanes(h.data)
        at, size = j * h.rows + first * L, (last - first) * L
        values, slopes = part(h.data, at, size), part(kept.data, at, size)
        for k in range(size):
            t = values[k]
            values[k], slopes[k] = f(t), df(t)
        if O - j < L:
            like = zeros(h.data, 1, 1)
            used = lane_numbers(like) < O - j
            for i in range(first, last):
                put(h, i, j, where(used, get(h, i, j, like), 0.0))
                put(kept, i, j, where(used, get(kept, i, j, like), 0.0))

    return inline(apply)


def make_derivative(activation: Activation) -> Function:
    """Make F'(t) over h itself, in rows first:last of the panel at column j; 1 where the activation has a parameter.

    h     in, out (B, O)
    kept  in      (B, O)  as the forward pass left it
    """
    derivative, keeps = _derivative(activation), remembers(activation)

    def apply(h, kept, j, first, last, O):
        like = zeros(h.data, TOGETHER, 1)
        for i in range(first, last, TOGETHER):
            value = derivative(get(kept if keeps else h, i, j, like))
            put(h, i, j, where(lane_numbers(like) < O - j, value, 0.0))

    return inline(apply)


def make_parameter_backward(activation: Activation) -> Function:
    """Make dE/da = sum_B dE/dh (.) dF/da, or its descent, and dE/dt <- dE/dh (.) F'(t), in columns first:last.

    dh    in, out (B, O)  then dE/dt
    a     in, out (O,)    if `descend`; F' uses a from before the update
    da    out     (O,)    if not
    kept  in      (B, O)  t
    """
    derivative, by_parameter = inline(activation.tile_derivative), inline(activation.tile_df_parameter)

    def backward(dh, a, da, kept, B, first, last, rate, descend):
        L, zero = lanes(a), zeros(a, 1, 1)
        for j in range(first, last, L):
            slope, total = load(a, j, 0, 0, zero), zero
            for i in range(B):
                d, t = get(dh, i, j, zero), get(kept, i, j, zero)
                total = fma(d, by_parameter(t, slope), total)
                put(dh, i, j, d * derivative(t, slope))
            if descend:
                store(a, j, 0, 0, fma(total, -rate, slope))
            else:
                store(da, j, 0, 0, total)

    return inline(backward)
