"""SiLU, or swish (Elfwing, Uchibe and Doya, 2018, eqs. 4, 9)."""

import math

from ..entries import functions
from ..entries.activation import Activation, Elsewhere
from ..entries.typed import Tile


def f(t: float) -> float:
    """F(t) = t s, s the logistic function of t."""
    return t / (1 + math.exp(-t)) if t >= 0 else t * math.exp(t) / (1 + math.exp(t))


def df(t: float) -> float:
    """F'(t) = s (1 + t (1 - s))."""
    s = 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))
    return s * (1 + t * (1 - s))


def tile(t: Tile) -> tuple[Tile, Tile]:
    """F and F' of a tile."""
    s = functions.logistic(t)
    return t * s, s * (t * (1.0 - s) + 1.0)


SILU = Activation(
    "silu", f, df, tile, flop=4, derivative_flop=7,
    formula="h_j = t_j s_j, s the logistic function of t", derivative_formula="F'(t_j) = s_j (1 + t_j (1 - s_j))",
    source="Elfwing, Uchibe and Doya, 2018, eqs. 4, 9",
    elsewhere=Elsewhere(
        torch="SiLU", onnx=lambda graph, t: graph.add("Mul", t, graph.add("Sigmoid", t)), aliases=("swish",)
    ),
)  # fmt: skip
