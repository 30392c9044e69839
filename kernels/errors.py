"""Errors of outputs that stand each for itself, numbers or yes and no, with their gradients; over panels (tile.py).

As in loss.py, rows are turned so that each lane holds one. For each pair of an output's link z = g(t) and an error,
dE/dt = z - y: logistic with cross-entropy, identity with half the square, exp with half the Poisson deviance
(McCullagh and Nelder, Generalized Linear Models, 1989, section 2.2: canonical links).
"""

import math

from ._jit import inline, jit
from .functions import exp, log
from .loss import column_at, turn
from .simd import lanes, load, store, zeros
from .values import where_less


@inline
def _logistic(t):
    return 1.0 / (exp(0.0 - t) + 1.0)


@inline
def _logistic_error(t, z, y, floor):
    """ln(1 + e^t) - y t = -y ln z - (1 - y) ln (1 - z)"""
    size = where_less(t, 0.0, 0.0 - t, t)
    return where_less(0.0, t, t, 0.0) - t * y + log(exp(0.0 - size) + 1.0)


@inline
def _log_loss(t, z, y, floor):
    """-y ln z - (1 - y) ln (1 - z), z clipped, as scikit-learn computes it, rounding and all"""
    z = where_less(z, floor, floor, where_less(1.0 - floor, z, 1.0 - floor, z))
    return 0.0 - (y * log(z) + (1.0 - y) * log(1.0 - z))


@inline
def _identity(t):
    return t


@inline
def _squared_error(t, z, y, floor):
    """(z - y)^2 / 2"""
    return (z - y) * (z - y) * 0.5


@inline
def _poisson_error(t, z, y, floor):
    """y ln (y / z) - y + z"""
    return where_less(0.0, y, y * (log(y) - t), 0.0) - y + z


@inline
def _exp(t):
    return exp(t)


def _make_output(link, name):
    def output(t, rows, first, last, O):
        L, zero = lanes(t), zeros(t, 1, 1)
        for j in range(0, O, L):
            for k in range(j * rows + first * L, j * rows + last * L, L):
                store(t, k, 0, 0, link(load(t, k, 0, 0, zero)))

    output.__name__ = output.__qualname__ = f"{name}_output"
    return jit(output)


def _make_error(link, error, name):
    def loss(t, e, right, targets, weights, rows, first, last, O, scale, most):
        L, zero, floor = lanes(t), zeros(t, 1, 1), math.exp(-most)
        for i in range(first, last, L):
            at, weight = i * L, load(weights, i, 0, 0, zero)
            turn(t, at, rows, O)
            turn(targets, at, rows, O)
            total, correct = zero, zero + 1.0
            for j in range(O):
                k = column_at(at, rows, j, L)
                logit, y = load(t, k, 0, 0, zero), load(targets, k, 0, 0, zero)
                z = link(logit)
                total = total + error(logit, z, y, floor)
                correct = correct * where_less((z - 0.5) * (y - 0.5), 0.0, zero, 1.0)
                store(t, k, 0, 0, (z - y) * (weight * scale))
            store(e, i, 0, 0, total * weight)
            store(right, i, 0, 0, correct)
            for j in range(O, (O + L - 1) // L * L):
                store(t, column_at(at, rows, j, L), 0, 0, zero)
            turn(t, at, rows, O)

    loss.__doc__ = f"""E = sum_j {error.py_func.__doc__} of each row;  dE/dt <- (z - y) w scale, over t itself

    t        in, out (B, O)  what the link turns into z, then dE/dt
    e        out     (B,)    error of each row times its weight
    right    out     (B,)    1 where z and y are on the same side of 1/2 in all columns, else 0
    targets  in, out (B, O)  y, left turned
    weights  in      (B,)    w
    scale                    1 / sum of w over the minibatch
    most                     of `log_loss` only: z is clipped to where -ln z is this
    """
    loss.__name__ = loss.__qualname__ = f"{name}_error"
    return jit(loss)


_logistic_output = _make_output(_logistic, "logistic")
OUTPUTS = {
    "log_loss": _logistic_output,
    "binary_cross_entropy": _logistic_output,
    "squared_error": _make_output(_identity, "identity"),
    "poisson": _make_output(_exp, "exp"),
}
LOSSES = {
    "log_loss": _make_error(_logistic, _log_loss, "log_loss"),
    "binary_cross_entropy": _make_error(_logistic, _logistic_error, "binary_cross_entropy"),
    "squared_error": _make_error(_identity, _squared_error, "squared_error"),
    "poisson": _make_error(_exp, _poisson_error, "poisson"),
}
