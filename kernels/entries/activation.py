"""What an activation is: its formula for one number, its form for tiles, and what other libraries call it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import FunctionType
from typing import Any

STEP = 1e-4  # of the central differences that a derivative is checked with
POINTS = tuple(k * 0.37 + 0.013 for k in range(-16, 17))  # from -5.9 to 5.9, none of them a corner of the usual ones
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Elsewhere:
    """What other libraries call an activation.

    Parameters
    ----------
    torch : str or None
        Name of the class in torch.nn.
    torch_settings : mapping
        Arguments of it that make it this function; a tuple holds all values that do, to rounding, its own first.
    sklearn : str or None
        Name in scikit-learn.
    onnx : callable or None
        onnx(graph, t, *parameters) -> name of the output: adds nodes of operators with `graph.add(operator, *inputs,
        **attributes)`, which returns the name of its output, and constants with `graph.constant(value)`.
    opset : int
        ONNX's operator set that has them.
    aliases : tuple of str
        Other names of the same function that `Model` takes.
    """

    torch: str | None = None
    torch_settings: Mapping[str, Any] = field(default_factory=dict)
    sklearn: str | None = None
    onnx: Callable[..., str] | None = None
    opset: int = 13
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Activation:
    """An activation h = F(t), of your own or built in.

    Parameters
    ----------
    name : str
        What files and tables call it.
    f : callable
        F(t) of one number, plain Python that Numba compiles: branches are allowed, and so are `exp`, `log` and `tanh`
        of `fastbp.activations`.
    df : callable
        F'(t), likewise; F'(h) where `of_h`.
    tile : callable, optional
        F of a tile; with F'(t) behind it unless `of_h`. By default `f` runs over the lanes.
    tile_derivative : callable, optional
        F' of a tile of h; where `of_h`.
    of_h : bool
        Whether the derivative is a function of h = F(t), so that t need not be kept; with functions of tiles only.
    parameter : (str, float) or None
        Name and first value of a parameter a that is trained, one for each unit: all functions then take (t, a);
        likewise.
    df_parameter, tile_df_parameter : callable, optional
        dF/da of one number and of a tile, where there is a parameter.
    flop, derivative_flop : int
        Floating-point operations of an element, an exp, log or sqrt counted as one.
    formula, derivative_formula, source : str
        For docstrings: h_j and F'(t_j) as equations, and where they come from.
    elsewhere : Elsewhere

    Raises
    ------
    ValueError
        Where `df` is not the derivative of `f`, by central differences: the error names the point and both values.
    TypeError
        Where `f` or `df` is not a Python function, or, when it is first used, Numba can't compile it.

    Examples
    --------
    >>> import fastbp
    >>> def f(t):
    ...     return t if t > 0 else 0.1 * t
    >>> def df(t):
    ...     return 1.0 if t > 0 else 0.1
    >>> bent = fastbp.activations.Activation("bent", f, df)
    >>> model = fastbp.Model([4, 8, 3], activation=bent, seed=0)
    """

    name: str
    f: Callable[..., float]
    df: Callable[..., float]
    tile: Callable[..., Any] | None = None
    tile_derivative: Callable[..., Any] | None = None
    of_h: bool = False
    parameter: tuple[str, float] | None = None
    df_parameter: Callable[..., float] | None = None
    tile_df_parameter: Callable[..., Any] | None = None
    flop: int = 1
    derivative_flop: int = 1
    formula: str = ""
    derivative_formula: str = ""
    source: str = ""
    elsewhere: Elsewhere = Elsewhere()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"name must be an identifier, such as 'my_activation', got {self.name!r}")
        if self.tile is None:
            refuse_taken(self.name)
            if self.of_h or self.parameter:
                raise ValueError("of_h and parameter are for built-in activations, whose functions of tiles are given")
            check_derivative(self.name, self.f, self.df)
        else:
            BUILT_IN.setdefault(self.name, self)

    def __reduce__(self) -> Any:
        """Pickle and copy a built-in one by its name, and what is a user's by its functions."""
        if self.is_own:
            return Activation, tuple(getattr(self, field.name) for field in fields(self))
        return _built_in, (self.name,)

    @property
    def is_own(self) -> bool:
        """Whether it is a user's, and so in no list."""
        return self.tile is None

    @property
    def key(self) -> str | Activation:
        """What kernels are told apart by: the name of one that is in the list, itself where it is a user's."""
        return self if self.is_own else self.name

    @property
    def functions(self) -> tuple[str, tuple[Callable[..., float], ...], int]:
        """Its name, its point functions and how many numbers they take."""
        return self.name, (self.f, self.df), 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Activation) and (self.name, self.f, self.df) == (other.name, other.f, other.df)

    def __hash__(self) -> int:
        return hash((self.name, self.f, self.df))

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<activation {self.name}>"


BUILT_IN: dict[str, Activation] = {}  # by name: each enters itself when it is made


def _built_in(name: str) -> Activation:
    return BUILT_IN[name]


def refuse_taken(name: str) -> None:
    """Raise ValueError where a user's activation has the name of a built-in one."""
    if any(name in (F.name, *F.elsewhere.aliases) for F in BUILT_IN.values()):
        raise ValueError(f"name must not be that of a built-in activation, got {name!r}")


def check_derivative(name: str, f: Callable[..., float], df: Callable[..., float], *more: float) -> None:
    """Raise ValueError where df(t, *more) is not the slope of f(t, *more), TypeError where either is no function."""
    for function in (f, df):
        if not isinstance(getattr(function, "py_func", function), FunctionType):
            raise TypeError(f"{name}: the point functions must be Python functions, got {function!r}")
    for t in POINTS:
        try:
            value, before, after = (float(g(x, *more)) for g, x in ((df, t), (f, t - STEP), (f, t + STEP)))
        except (TypeError, ArithmeticError, ValueError) as error:
            message = f"{name}: the point functions must return a number for each number, not so at {t:g}: {error}"
            raise ValueError(message) from error
        slope = (after - before) / (2 * STEP)
        if not (math.isfinite(slope) and abs(value - slope) <= TOLERANCE * max(1.0, abs(slope))):
            raise ValueError(f"{name}: the derivative at {t:g} is {value:g}, but central differences give {slope:g}")
