"""ReLU, the paper's activation (eqs. 40, 41), whose loops `specification.paper` has as printed, and scikit-learn's."""

import math

from ..entries.activation import Activation, Elsewhere
from ..entries.functions import filled, sign_bit, where
from ..entries.typed import Tile


def f(t: float) -> float:
    """F(t) = max(0, t), eq. 40; a negative t leaves -0.0, so that the sign of h alone tells F'(t)."""
    return -0.0 if t < 0 else t + 0.0


def df(h: float) -> float:
    """F'(t) = 1 for t >= 0, else 0, eq. 41, read off the sign of h."""
    return 0 if math.copysign(1, h) < 0 else 1


def tile(t: Tile) -> Tile:
    """F of a tile."""
    return where(t < 0.0, -0.0, t + 0.0)


def tile_derivative(h: Tile) -> Tile:
    """F'(t) of a tile of h."""
    return where(sign_bit(h), filled(h, 0.0), 1.0)


RELU = Activation(
    "relu", f, df, tile, tile_derivative, of_h=True, flop=1, derivative_flop=0,
    formula="h_j = max(0, t_j)", derivative_formula="F'(t_j) = 1 for t_j >= 0, else 0", source="eqs. 40, 41",
    elsewhere=Elsewhere(torch="ReLU", sklearn="relu", onnx=lambda graph, t: graph.add("Relu", t)),
)  # fmt: skip


def f_from_below(t: float) -> float:
    """F(t) = max(0, t); t = 0 leaves -0.0, too, so that F'(0) = 0."""
    return -0.0 if t <= 0 else t


def tile_from_below(t: Tile) -> Tile:
    """The same of a tile."""
    return where(t <= 0.0, -0.0, t)


RELU_FROM_BELOW = Activation(
    "relu_from_below", f_from_below, df, tile_from_below, tile_derivative, of_h=True, flop=1, derivative_flop=0,
    formula="h_j = max(0, t_j)", derivative_formula="F'(t_j) = 1 for t_j > 0, else 0",
    source="scikit-learn's neural networks",
)  # fmt: skip
