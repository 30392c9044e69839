"""ELU (Clevert, Unterthiner and Hochreiter, 2016)."""

import math
from typing import Any

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.functions import where
from ..entries.typed import Tile

ALPHA = 1.0


def f(t: float) -> float:
    """F(t) = t for t >= 0, else alpha (e^t - 1)."""
    return ALPHA * math.expm1(t) if t < 0 else t


def df(h: float) -> float:
    """F'(t) = 1 for h >= 0, else h + alpha."""
    return h + ALPHA if h < 0 else 1


def tile(t: Tile) -> Tile:
    """F of a tile."""
    return where(t < 0.0, functions.expm1(t) * ALPHA, t)


def tile_derivative(h: Tile) -> Tile:
    """F'(t) of a tile of h."""
    return where(h < 0.0, h + ALPHA, 1.0)


def onnx(graph: Any, t: str) -> str:
    """Max(t, 0) + alpha 2 w / (1 - w) with w = tanh(Min(t, 0) / 2): operators that runtimes have in float64, too."""
    zero, one = graph.constant(0), graph.constant(1)
    w = graph.add("Tanh", graph.add("Mul", graph.add("Min", t, zero), graph.constant(0.5)))
    below = graph.add("Div", graph.add("Mul", w, graph.constant(2 * ALPHA)), graph.add("Sub", one, w))
    return graph.add("Add", graph.add("Max", t, zero), below)


ELU = Activation(
    "elu", f, df, tile, tile_derivative, of_h=True, flop=2, derivative_flop=1,
    formula="h_j = t_j for t_j >= 0, else exp(t_j) - 1", derivative_formula="F'(t_j) = 1 for h_j >= 0, else h_j + 1",
    source="Clevert, Unterthiner and Hochreiter, 2016, section 3, alpha = 1",
    elsewhere=Elsewhere(torch="ELU", torch_settings={"alpha": ALPHA}, onnx=onnx),
)  # fmt: skip
