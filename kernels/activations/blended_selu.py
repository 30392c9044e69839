"""SELU blended with the identity by a trained share in each unit (Holzmueller, Grinsztajn and Steinwart, 2024)."""

import math
from typing import Any

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.functions import filled, where
from ..entries.typed import Tile
from . import selu

ALPHA, SCALE = selu.ALPHA, selu.SCALE


def f(t: float, a: float) -> float:
    """(1 - a) t + a F(t), F of SELU."""
    return t + a * (SCALE * ALPHA * math.expm1(t) - t if t < 0 else (SCALE - 1) * t)


def df(t: float, a: float) -> float:
    """1 - a + a F'(t)."""
    return 1 + a * (SCALE * (ALPHA * math.exp(t) if t < 0 else 1.0) - 1)


def df_parameter(t: float, a: float) -> float:
    """F(t) - t."""
    return SCALE * ALPHA * math.expm1(t) - t if t < 0 else (SCALE - 1) * t


def tile(t: Tile, a: Tile) -> Tile:
    """The blend of a tile."""
    return t + a * where(t < 0.0, functions.expm1(t) * (SCALE * ALPHA) - t, t * (SCALE - 1))


def tile_derivative(t: Tile, a: Tile) -> Tile:
    """Its slope."""
    slope = where(t < 0.0, functions.expm1(t) * (SCALE * ALPHA) + SCALE * ALPHA, filled(t, SCALE))
    return a * (slope - 1.0) + 1.0


def tile_df_parameter(t: Tile, a: Tile) -> Tile:
    """F(t) - t of a tile."""
    return where(t < 0.0, functions.expm1(t) * (SCALE * ALPHA) - t, t * (SCALE - 1))


def onnx(graph: Any, t: str, a: str) -> str:
    """T + a (F(t) - t)."""
    more = graph.add("Sub", selu.onnx(graph, t), t)
    return graph.add("Add", t, graph.add("Mul", a, more))


BLENDED_SELU = Activation(
    "blended_selu", f, df, tile, tile_derivative, parameter=("a", 1.0), df_parameter=df_parameter,
    tile_df_parameter=tile_df_parameter, flop=5, derivative_flop=6,
    formula="h_j = (1 - a_j) t_j + a_j selu(t_j)", derivative_formula="F'(t_j) = 1 - a_j + a_j selu'(t_j)",
    source="Holzmueller, Grinsztajn and Steinwart, 2024, section 3",
    elsewhere=Elsewhere(onnx=onnx),
)  # fmt: skip
