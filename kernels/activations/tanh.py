"""The hyperbolic tangent."""

import math

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.typed import Tile


def f(t: float) -> float:
    """F(t) = tanh(t)."""
    return math.tanh(t)


def df(h: float) -> float:
    """F'(t) = 1 - h^2."""
    return 1 - h * h


def tile(t: Tile) -> Tile:
    """F of a tile."""
    return functions.tanh(t)


def tile_derivative(h: Tile) -> Tile:
    """F'(t) of a tile of h."""
    return 1.0 - h * h


TANH = Activation(
    "tanh", f, df, tile, tile_derivative, of_h=True, flop=1, derivative_flop=2,
    formula="h_j = tanh(t_j)", derivative_formula="F'(t_j) = 1 - h_j^2",
    elsewhere=Elsewhere(torch="Tanh", sklearn="tanh", onnx=lambda graph, t: graph.add("Tanh", t)),
)  # fmt: skip
