"""PReLU, whose slope below 0 is trained (He, Zhang, Ren and Sun, 2015)."""

from ..entries.activation import Activation, Elsewhere
from ..entries.functions import filled, where
from ..entries.typed import Tile


def f(t: float, a: float) -> float:
    """F(t) = t for t >= 0, else a t."""
    return t if t >= 0 else a * t


def df(t: float, a: float) -> float:
    """F'(t) = 1 for t >= 0, else a."""
    return 1 if t >= 0 else a


def df_parameter(t: float, a: float) -> float:
    """dF/da = 0 for t >= 0, else t."""
    return 0 if t >= 0 else t


def tile(t: Tile, a: Tile) -> Tile:
    """F of a tile."""
    return where(t < 0.0, t * a, t)


def tile_derivative(t: Tile, a: Tile) -> Tile:
    """F'(t) of a tile."""
    return where(t < 0.0, a, filled(t, 1.0))


def tile_df_parameter(t: Tile, a: Tile) -> Tile:
    """dF/da of a tile."""
    return where(t < 0.0, t, 0.0)


PRELU = Activation(
    "prelu", f, df, tile, tile_derivative, parameter=("a", 0.25), df_parameter=df_parameter,
    tile_df_parameter=tile_df_parameter, flop=2, derivative_flop=3,
    formula="h_j = t_j for t_j >= 0, else a_j t_j", derivative_formula="F'(t_j) = 1 for t_j >= 0, else a_j",
    source="He, Zhang, Ren and Sun, 2015, eq. 1",
    elsewhere=Elsewhere(torch="PReLU", onnx=lambda graph, t, a: graph.add("PRelu", t, a)),
)  # fmt: skip
