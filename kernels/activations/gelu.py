"""GELU (Hendrycks and Gimpel, 2016, section 2)."""

import math

from ..entries.activation import Activation, Elsewhere
from ..entries.functions import normal_tail, where


def f(t):
    """F(t) = t Phi(t), Phi the normal distribution function."""
    return t * math.erfc(-t * math.sqrt(0.5)) / 2


def df(t):
    """F'(t) = Phi(t) + t phi(t), phi the normal density."""
    density = math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    return math.erfc(-t * math.sqrt(0.5)) / 2 + t * density


def tile(t):
    """F and F' of a tile."""
    lower, bell = normal_tail(where(t < 0.0, 0.0 - t, t) * 0.7071067811865476)
    Phi = where(t < 0.0, lower, 1.0 - lower)
    return t * Phi, Phi + t * bell * 0.3989422804014327


def onnx(graph, t):
    """t (1 + erf(t / sqrt(2))) / 2."""
    one_and_erf = graph.add(
        "Add", graph.add("Erf", graph.add("Mul", t, graph.constant(math.sqrt(0.5)))), graph.constant(1)
    )
    return graph.add("Mul", graph.add("Mul", t, graph.constant(0.5)), one_and_erf)


GELU = Activation(
    "gelu", f, df, tile, flop=4, derivative_flop=8,
    formula="h_j = t_j Phi(t_j), Phi the normal distribution function",
    derivative_formula="F'(t_j) = Phi(t_j) + t_j phi(t_j), phi the normal density",
    source="Hendrycks and Gimpel, 2016, section 2",
    elsewhere=Elsewhere(torch="GELU", torch_settings={"approximate": "none"}, onnx=onnx),
)  # fmt: skip
