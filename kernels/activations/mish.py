"""Mish (Misra, 2019)."""

import math
from typing import Any

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.functions import where
from ..entries.typed import Tile

LARGE = 20.0  # from here on tanh(ln(1 + e^t)) is 1 in float64


def f(t: float) -> float:
    """F(t) = t tanh(ln(1 + e^t))."""
    return t * math.tanh(max(t, 0) + math.log1p(math.exp(-abs(t))))


def df(t: float) -> float:
    """F'(t) = w + t s (1 - w^2) with w = tanh(ln(1 + e^t)), s the logistic function of t."""
    w = math.tanh(max(t, 0) + math.log1p(math.exp(-abs(t))))
    s = 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))
    return w + t * s * (1 - w * w)


def tile(t: Tile) -> tuple[Tile, Tile]:
    """F and F' of a tile: w = n / (n + 2) with n = (1 + e^t)^2 - 1, and dw/dt = 4 e^t (1 + e^t) / (n + 2)^2."""
    bounded = where(LARGE < t, LARGE, t)
    e = functions.exp(bounded)
    n = e * (e + 2.0)
    w = n / (n + 2.0)
    return t * w, w + bounded * (e * (e + 1.0) * 4.0 / ((n + 2.0) * (n + 2.0)))


def onnx(graph: Any, t: str) -> str:
    """t n / (n + 2), as of tiles: operators that runtimes have in float64, too."""
    two = graph.constant(2)
    e = graph.add("Exp", graph.add("Min", t, graph.constant(LARGE)))
    n = graph.add("Mul", e, graph.add("Add", e, two))
    return graph.add("Mul", t, graph.add("Div", n, graph.add("Add", n, two)))


MISH = Activation(
    "mish", f, df, tile, flop=7, derivative_flop=14,
    formula="h_j = t_j tanh(ln(1 + exp(t_j)))",
    derivative_formula="F'(t_j) = w_j + t_j s_j (1 - w_j^2), w = tanh(ln(1 + exp(t))), s the logistic function of t",
    source="Misra, 2019",
    elsewhere=Elsewhere(torch="Mish", onnx=onnx),
)  # fmt: skip
