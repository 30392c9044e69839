"""Softplus (Dugas, Bengio, Belisle, Nadeau and Garcia, 2001)."""

import math
from typing import Any

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.functions import where
from ..entries.typed import Tile


def f(t: float) -> float:
    """F(t) = ln(1 + e^t), from the side on which nothing overflows."""
    return max(t, 0) + math.log1p(math.exp(-abs(t)))


def df(t: float) -> float:
    """F'(t) = 1 / (1 + e^-t)."""
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


def tile(t: Tile) -> tuple[Tile, Tile]:
    """F and F' of a tile."""
    e = functions.exp(where(t < 0.0, t, 0.0 - t))
    return where(t < 0.0, 0.0, t) + functions.log1p(e), where(t < 0.0, e, 1.0) / (e + 1.0)


def onnx(graph: Any, t: str) -> str:
    """Max(t, 0) + ln u - (u - 1 - e) / u with u = 1 + e, e = e^-|t|: operators that runtimes have in float64, too."""
    one = graph.constant(1)
    e = graph.add("Exp", graph.add("Neg", graph.add("Abs", t)))
    u = graph.add("Add", e, one)
    lost = graph.add("Div", graph.add("Sub", graph.add("Sub", u, one), e), u)
    return graph.add("Add", graph.add("Max", t, graph.constant(0)), graph.add("Sub", graph.add("Log", u), lost))


SOFTPLUS = Activation(
    "softplus", f, df, tile, flop=8, derivative_flop=2,
    formula="h_j = ln(1 + exp(t_j))", derivative_formula="F'(t_j) = 1 / (1 + exp(-t_j))",
    source="Dugas, Bengio, Belisle, Nadeau and Garcia, 2001",
    elsewhere=Elsewhere(torch="Softplus", torch_settings={"beta": 1, "threshold": (40, 20)}, onnx=onnx),
)  # fmt: skip
