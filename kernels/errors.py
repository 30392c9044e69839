"""Errors of outputs that stand each for itself, numbers or yes and no, with their gradients; over panels (tile.py).

As in loss.py, rows are turned so that each lane holds one. For each pair of an output's link z = g(t) and an error,
dE/dt = z - y: logistic with cross-entropy, identity with half the square, exp with half the Poisson deviance
(McCullagh and Nelder, Generalized Linear Models, 1989, section 2.2: canonical links).
"""

from ._jit import inline, jit
from .functions import exp, log, logistic
from .loss import column_at, turn
from .simd import lanes, load, store, zeros
from .values import where_less


@inline
def _logistic_error(t, z, y, number):
    """ln(1 + e^t) - y t = -y ln z - (1 - y) ln (1 - z)"""
    size = where_less(t, 0.0, 0.0 - t, t)
    return where_less(0.0, t, t, 0.0) - t * y + log(exp(0.0 - size) + 1.0)


@inline
def _log_loss(t, z, y, number):
    """-y ln z - (1 - y) ln (1 - z), z clipped, as scikit-learn computes it, rounding and all"""
    z = where_less(z, number, number, where_less(1.0 - number, z, 1.0 - number, z))
    return 0.0 - (y * log(z) + (1.0 - y) * log(1.0 - z))


@inline
def _identity(t):
    return t


@inline
def _squared_error(t, z, y, number):
    """(z - y)^2 / 2"""
    return (z - y) * (z - y) * 0.5


@inline
def _poisson_error(t, z, y, number):
    """y ln (y / z) - y + z"""
    return where_less(0.0, y, y * (log(y) - t), 0.0) - y + z


@inline
def _exp(t):
    return exp(t)


@inline
def _difference(z, y, number):
    return z - y


@inline
def _absolute_error(t, z, y, number):
    """|z - y|"""
    return where_less(z, y, y - z, z - y)


@inline
def _sign(z, y, number):
    return where_less(y, z, 1.0, where_less(z, y, -1.0, (z - y) * 0.0))


@inline
def _huber(t, z, y, number):
    """(z - y)^2 / 2, and delta (|z - y| - delta / 2) beyond delta"""
    size = where_less(z, y, y - z, z - y)
    return where_less(number, size, (size - 0.5 * number) * number, size * size * 0.5)


@inline
def _clamped(z, y, number):
    return where_less(z - y, -number, -number, where_less(number, z - y, number, z - y))


def _make_output(link, name):
    def output(t, rows, first, last, O):
        L, zero = lanes(t), zeros(t, 1, 1)
        for j in range(0, O, L):
            for k in range(j * rows + first * L, j * rows + last * L, L):
                store(t, k, 0, 0, link(load(t, k, 0, 0, zero)))

    output.__name__ = output.__qualname__ = f"{name}_output"
    return jit(output)


def _make_error(link, error, name, gradient=None):
    gradient = gradient or _difference

    def loss(t, e, right, targets, weights, rows, first, last, O, scale, number):
        L, zero = lanes(t), zeros(t, 1, 1)
        for i in range(first, last, L):
            at, weight = i * L, load(weights, i, 0, 0, zero)
            turn(t, at, rows, O)
            turn(targets, at, rows, O)
            total, correct = zero, zero + 1.0
            for j in range(O):
                k = column_at(at, rows, j, L)
                logit, y = load(t, k, 0, 0, zero), load(targets, k, 0, 0, zero)
                z = link(logit)
                total = total + error(logit, z, y, number)
                yes, no = where_less(0.5, y, zero + 1.0, 0.0), where_less(0.5, y, zero, 1.0)
                correct = correct * where_less(0.5, z, yes, no)
                store(t, k, 0, 0, gradient(z, y, number) * (weight * scale))
            store(e, i, 0, 0, total * weight)
            store(right, i, 0, 0, correct)
            for j in range(O, (O + L - 1) // L * L):
                store(t, column_at(at, rows, j, L), 0, 0, zero)
            turn(t, at, rows, O)

    loss.__doc__ = f"""E = sum_j {error.py_func.__doc__} of each row;  dE/dt <- (z - y) w scale, over t itself;
    in place of z - y stands what E's derivative is

    t        in, out (B, O)  what the link turns into z, then dE/dt
    e        out     (B,)    error of each row times its weight
    right    out     (B,)    1 where in all columns z and y are both above 1/2 or both not, else 0
    targets  in, out (B, O)  y, left turned
    weights  in      (B,)    w
    scale                    1 / sum of w over the minibatch
    number                   what the error asks for: how near z may come to 0 and 1, or delta
    """
    loss.__name__ = loss.__qualname__ = f"{name}_error"
    return jit(loss)


_logistic_output = _make_output(logistic, "logistic")
OUTPUTS = {
    "log_loss": _logistic_output,
    "binary_cross_entropy": _logistic_output,
    "squared_error": _make_output(_identity, "identity"),
    "poisson": _make_output(_exp, "exponential"),
}
OUTPUTS |= dict.fromkeys(("absolute_error", "huber"), OUTPUTS["squared_error"])
LOSSES = {
    "log_loss": _make_error(logistic, _log_loss, "log_loss"),
    "binary_cross_entropy": _make_error(logistic, _logistic_error, "binary_cross_entropy"),
    "squared_error": _make_error(_identity, _squared_error, "squared_error"),
    "poisson": _make_error(_exp, _poisson_error, "poisson"),
    "absolute_error": _make_error(_identity, _absolute_error, "absolute_error", _sign),
    "huber": _make_error(_identity, _huber, "huber", _clamped),
}
