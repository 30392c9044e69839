"""The identity."""

from ..entries.activation import Activation, Elsewhere
from ..entries.functions import filled
from ..entries.typed import Tile


def f(t: float) -> float:
    """F(t) = t."""
    return t


def df(h: float) -> float:
    """F'(t) = 1."""
    return 1


def tile_derivative(h: Tile) -> Tile:
    """F'(t) of a tile of h."""
    return filled(h, 1.0)


IDENTITY = Activation(
    "identity", f, df, f, tile_derivative, of_h=True, flop=0, derivative_flop=0,
    formula="h_j = t_j", derivative_formula="F'(t_j) = 1",
    elsewhere=Elsewhere(torch="Identity", sklearn="identity", onnx=lambda graph, t: t, aliases=("linear",)),
)  # fmt: skip
