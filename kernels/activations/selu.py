"""SELU (Klambauer, Unterthiner, Mayr and Hochreiter, 2017)."""

import math
from typing import Any

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.functions import filled, where
from ..entries.typed import Tile

ALPHA, SCALE = 1.6732632423543772848, 1.0507009873554804934  # of eq. 14: outputs keep mean 0 and variance 1


def f(t: float) -> float:
    """F(t) = scale t for t >= 0, else scale alpha (e^t - 1)."""
    return SCALE * (ALPHA * math.expm1(t) if t < 0 else t)


def df(h: float) -> float:
    """F'(t) = scale for h >= 0, else h + scale alpha."""
    return h + SCALE * ALPHA if h < 0 else SCALE


def tile(t: Tile) -> Tile:
    """F of a tile."""
    return where(t < 0.0, functions.expm1(t) * (SCALE * ALPHA), t * SCALE)


def tile_derivative(h: Tile) -> Tile:
    """F'(t) of a tile of h."""
    return where(h < 0.0, h + SCALE * ALPHA, filled(h, SCALE))


def onnx(graph: Any, t: str) -> str:
    """Max(t, 0) scale + scale alpha 2 w / (1 - w) with w = tanh(Min(t, 0) / 2): operators that there are in float64."""
    zero, one = graph.constant(0), graph.constant(1)
    w = graph.add("Tanh", graph.add("Mul", graph.add("Min", t, zero), graph.constant(0.5)))
    below = graph.add("Mul", w, graph.constant(2 * SCALE * ALPHA))
    above = graph.add("Mul", graph.add("Max", t, zero), graph.constant(SCALE))
    return graph.add("Add", above, graph.add("Div", below, graph.add("Sub", one, w)))


SELU = Activation(
    "selu", f, df, tile, tile_derivative, of_h=True, flop=2, derivative_flop=1,
    formula="h_j = 1.0507 t_j for t_j >= 0, else 1.7581 (exp(t_j) - 1)",
    derivative_formula="F'(t_j) = 1.0507 for h_j >= 0, else h_j + 1.7581",
    source="Klambauer, Unterthiner, Mayr and Hochreiter, 2017, eqs. 2, 14",
    elsewhere=Elsewhere(torch="SELU", onnx=onnx),
)  # fmt: skip
