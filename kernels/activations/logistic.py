"""The logistic function."""

import math

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.typed import Tile


def f(t: float) -> float:
    """F(t) = 1 / (1 + e^-t), from the side on which nothing overflows."""
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


def df(h: float) -> float:
    """F'(t) = h (1 - h)."""
    return h * (1 - h)


def tile(t: Tile) -> Tile:
    """F of a tile."""
    return functions.logistic(t)


def tile_derivative(h: Tile) -> Tile:
    """F'(t) of a tile of h."""
    return h * (1.0 - h)


LOGISTIC = Activation(
    "logistic", f, df, tile, tile_derivative, of_h=True, flop=3, derivative_flop=2,
    formula="h_j = 1 / (1 + exp(-t_j))", derivative_formula="F'(t_j) = h_j (1 - h_j)",
    elsewhere=Elsewhere(
        torch="Sigmoid", sklearn="logistic", onnx=lambda graph, t: graph.add("Sigmoid", t), aliases=("sigmoid",)
    ),
)  # fmt: skip
