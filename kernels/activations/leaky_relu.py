"""Leaky ReLU (Maas, Hannun and Ng, 2013)."""

import math

from ..entries.activation import Activation, Elsewhere
from ..entries.functions import filled, sign_bit, where
from ..entries.typed import Tile

SLOPE = 0.01  # below 0


def f(t: float) -> float:
    """F(t) = t for t >= 0, else t / 100."""
    return t * SLOPE if t < 0 else t + 0.0


def df(h: float) -> float:
    """F'(t) = 1 where h has no minus, else 1 / 100."""
    return SLOPE if math.copysign(1, h) < 0 else 1


def tile(t: Tile) -> Tile:
    """F of a tile."""
    return where(t < 0.0, t * SLOPE, t + 0.0)


def tile_derivative(h: Tile) -> Tile:
    """F'(t) of a tile of h."""
    return where(sign_bit(h), filled(h, SLOPE), 1.0)


LEAKY_RELU = Activation(
    "leaky_relu", f, df, tile, tile_derivative, of_h=True, flop=1, derivative_flop=0,
    formula="h_j = t_j for t_j >= 0, else t_j / 100",
    derivative_formula="F'(t_j) = 1 where h_j has no minus, else 1 / 100",
    source="Maas, Hannun and Ng, 2013",
    elsewhere=Elsewhere(
        torch="LeakyReLU", torch_settings={"negative_slope": SLOPE},
        onnx=lambda graph, t: graph.add("Max", t, graph.add("Mul", t, graph.constant(SLOPE))),
    ),
)  # fmt: skip
