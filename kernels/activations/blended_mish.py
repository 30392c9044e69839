"""Mish blended with the identity by a trained share in each unit (Holzmueller, Grinsztajn and Steinwart, 2024)."""

import math
from typing import Any

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.functions import where
from ..entries.typed import Tile
from . import mish

LARGE = mish.LARGE


def f(t: float, a: float) -> float:
    """(1 - a) t + a F(t), F of Mish."""
    return t + a * (t * math.tanh(max(t, 0) + math.log1p(math.exp(-abs(t)))) - t)


def df(t: float, a: float) -> float:
    """1 - a + a F'(t)."""
    w = math.tanh(max(t, 0) + math.log1p(math.exp(-abs(t))))
    s = 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))
    return 1 + a * (w + t * s * (1 - w * w) - 1)


def df_parameter(t: float, a: float) -> float:
    """F(t) - t."""
    return t * math.tanh(max(t, 0) + math.log1p(math.exp(-abs(t)))) - t


def tile(t: Tile, a: Tile) -> Tile:
    """The blend of a tile: F(t) - t = -2 t / (n + 2) with n as in Mish."""
    e = functions.exp(where(LARGE < t, LARGE, t))
    return t - a * (t * (2.0 / (e * (e + 2.0) + 2.0)))


def tile_derivative(t: Tile, a: Tile) -> Tile:
    """Its slope."""
    bounded = where(LARGE < t, LARGE, t)
    e = functions.exp(bounded)
    n = e * (e + 2.0)
    w = n / (n + 2.0)
    return a * (w + bounded * (e * (e + 1.0) * 4.0 / ((n + 2.0) * (n + 2.0))) - 1.0) + 1.0


def tile_df_parameter(t: Tile, a: Tile) -> Tile:
    """F(t) - t of a tile."""
    e = functions.exp(where(LARGE < t, LARGE, t))
    return t * (-2.0 / (e * (e + 2.0) + 2.0))


def onnx(graph: Any, t: str, a: str) -> str:
    """T + a (F(t) - t)."""
    more = graph.add("Sub", mish.onnx(graph, t), t)
    return graph.add("Add", t, graph.add("Mul", a, more))


BLENDED_MISH = Activation(
    "blended_mish", f, df, tile, tile_derivative, parameter=("a", 1.0), df_parameter=df_parameter,
    tile_df_parameter=tile_df_parameter, flop=10, derivative_flop=16,
    formula="h_j = (1 - a_j) t_j + a_j mish(t_j)", derivative_formula="F'(t_j) = 1 - a_j + a_j mish'(t_j)",
    source="Holzmueller, Grinsztajn and Steinwart, 2024, section 3",
    elsewhere=Elsewhere(onnx=onnx),
)  # fmt: skip
