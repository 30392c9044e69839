"""GELU (Hendrycks and Gimpel, 2016, section 2)."""

import math
from typing import Any

from ..entries.activation import Activation, Elsewhere
from ..entries.erfcx import ERFCX_64
from ..entries.functions import normal_tail, where
from ..entries.typed import Tile


def f(t: float) -> float:
    """F(t) = t Phi(t), Phi the normal distribution function."""
    return t * math.erfc(-t * math.sqrt(0.5)) / 2


def df(t: float) -> float:
    """F'(t) = Phi(t) + t phi(t), phi the normal density."""
    density = math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    return math.erfc(-t * math.sqrt(0.5)) / 2 + t * density


def tile(t: Tile) -> tuple[Tile, Tile]:
    """F and F' of a tile."""
    lower, bell = normal_tail(where(t < 0.0, 0.0 - t, t) * 0.7071067811865476)
    Phi = where(t < 0.0, lower, 1.0 - lower)
    return t * Phi, Phi + t * bell * 0.3989422804014327


def onnx(graph: Any, t: str) -> str:
    """t (1 + erf(t / sqrt(2))) / 2; in float64, for which ONNX Runtime has no Erf, t Phi(t) as `tile` computes it."""
    if graph.dtype.itemsize == 8:
        return onnx_double(graph, t)
    one_and_erf = graph.add(
        "Add", graph.add("Erf", graph.add("Mul", t, graph.constant(math.sqrt(0.5)))), graph.constant(1)
    )
    return graph.add("Mul", graph.add("Mul", t, graph.constant(0.5)), one_and_erf)


def onnx_double(graph: Any, t: str) -> str:
    """t Phi(t) of operators that there are in float64; erfcx by Clenshaw's sum."""
    middle, (first, *others) = ERFCX_64
    zero, one, half, half_way = map(graph.constant, (0, 1, 0.5, middle))
    z = graph.add("Mul", graph.add("Abs", t), graph.constant(math.sqrt(0.5)))
    u = graph.add("Div", graph.add("Sub", z, half_way), graph.add("Add", z, half_way))
    twice = graph.add("Add", u, u)
    b_1, b_2 = zero, zero
    for c in reversed(others):
        rest = graph.add("Sub", graph.constant(c), b_2)
        b_1, b_2 = graph.add("Add", graph.add("Mul", twice, b_1), rest), b_1
    erfcx = graph.add("Add", graph.add("Mul", u, b_1), graph.add("Sub", graph.constant(first), b_2))
    bell = graph.add("Exp", graph.add("Neg", graph.add("Mul", z, z)))
    lower = graph.add("Mul", graph.add("Mul", erfcx, bell), half)  # Phi(-|t|)
    Phi = graph.add("Where", graph.add("Less", t, zero), lower, graph.add("Sub", one, lower))
    return graph.add("Mul", t, Phi)


GELU = Activation(
    "gelu", f, df, tile, flop=4, derivative_flop=8,
    formula="h_j = t_j Phi(t_j), Phi the normal distribution function",
    derivative_formula="F'(t_j) = Phi(t_j) + t_j phi(t_j), phi the normal density",
    source="Hendrycks and Gimpel, 2016, section 2",
    elsewhere=Elsewhere(torch="GELU", torch_settings={"approximate": "none"}, onnx=onnx),
)  # fmt: skip
