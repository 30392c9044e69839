"""Activations as passes over panels (tile.py) still in cache; plain ReLU linear.py does as it stores a product.

Both passes of an activation work in place, on elements first:last of one panel, whole rows; `columns` of its columns
are in use, the others are left zero. F'(t) is read off h = F(t), or remembered behind it.
"""

from ._jit import inline
from .functions import logistic, lower_half, tanh
from .simd import lanes, load, store, zeros
from .tile import ROWS
from .values import bits, from_bits, lane_numbers, where_less

SLOPE = 0.01  # of leaky ReLU below 0 (Maas, Hannun and Ng, 2013)
TOGETHER = min(ROWS, 4)  # vectors whose latencies overlap


def _pass(function):
    """Compile function(tile) into a pass over a panel."""

    def apply(h, first, last, columns):
        L, like = lanes(h), zeros(h, TOGETHER, 1)
        for k in range(first, last, TOGETHER * L):
            value = function(load(h, k, L, 0, like))
            store(h, k, L, 0, where_less(lane_numbers(like), columns, value, 0.0))

    apply.__name__ = apply.__qualname__ = function.py_func.__name__.strip("_")
    return apply


def _pass_with_derivative(function):
    """Compile function(tile) -> (F(t), F'(t)) into a pass that leaves the derivative as far behind as h is long."""

    def apply(h, first, last, columns):
        L, like, behind = lanes(h), zeros(h, TOGETHER, 1), h.size // 2
        for k in range(first, last, TOGETHER * L):
            value, derivative = function(load(h, k, L, 0, like))
            store(h, k, L, 0, where_less(lane_numbers(like), columns, value, 0.0))
            store(h, k + behind, L, 0, where_less(lane_numbers(like), columns, derivative, 0.0))

    apply.__name__ = apply.__qualname__ = function.py_func.__name__.strip("_")
    return apply


def _fetch(h, first, last, columns):
    L, like, behind = lanes(h), zeros(h, TOGETHER, 1), h.size // 2
    for k in range(first, last, TOGETHER * L):
        store(h, k, L, 0, load(h, k + behind, L, 0, like))


@inline
def _like(h, number):
    """A number in all lanes of a tile such as h, be h infinite."""
    return from_bits(bits(h) & 0) + number


@inline
def _identity(t):
    return t


@inline
def _one(h):
    return _like(h, 1.0)


@inline
def _relu(t):
    return where_less(t, 0.0, -0.0, t + 0.0)


@inline
def _relu_derivative(h):
    return where_less(bits(h), 0, _like(h, 0.0), 1.0)


@inline
def _leaky_relu(t):
    return where_less(t, 0.0, t * SLOPE, t + 0.0)


@inline
def _leaky_relu_derivative(h):
    return where_less(bits(h), 0, _like(h, SLOPE), 1.0)


@inline
def _logistic_derivative(h):
    return h * (1.0 - h)


@inline
def _tanh(t):
    return tanh(t)


@inline
def _tanh_derivative(h):
    return 1.0 - h * h


@inline
def _silu(t):
    """t s and its derivative s (1 + t (1 - s)), s the logistic function (Elfwing, Uchibe and Doya, 2018, eqs. 4, 9)"""
    s = logistic(t)
    return t * s, s * (t * (1.0 - s) + 1.0)


@inline
def _gelu(t):
    """t Phi(t) and its derivative Phi(t) + t phi(t), the normal distribution and density (Hendrycks, Gimpel, 2016)"""
    lower, bell = lower_half(where_less(t, 0.0, 0.0 - t, t) * 0.7071067811865476)
    Phi = where_less(t, 0.0, lower, 1.0 - lower)
    return t * Phi, Phi + t * bell * 0.3989422804014327


ACTIVATIONS = {
    "identity": _pass(_identity),
    "relu": _pass(_relu),
    "leaky_relu": _pass(_leaky_relu),
    "logistic": _pass(logistic),
    "tanh": _pass(_tanh),
    "gelu": _pass_with_derivative(_gelu),
    "silu": _pass_with_derivative(_silu),
}
DERIVATIVES = {
    "identity": _pass(_one),
    "relu": _pass(_relu_derivative),
    "leaky_relu": _pass(_leaky_relu_derivative),
    "logistic": _pass(_logistic_derivative),
    "tanh": _pass(_tanh_derivative),
    "gelu": _fetch,
    "silu": _fetch,
}
REMEMBERED = ("gelu", "silu")  # whose derivative can not be read off h: it needs a second array as long as all h
