"""What a loss is: its formula for one output, its form for tiles, and what it makes of the last layer's t."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from .activation import check_derivative
from .records import Layout
from .settings import Checked

BUILT_IN: set[str] = set()  # names of the losses that there are, aliases included: each class enters itself
LINKS = ("softmax", "logistic", "identity", "exp")  # what becomes of the last layer's t: z = g(t)


@dataclass(frozen=True)
class Loss(Checked):
    """E, the mean over the rows of the error of each, and how outputs follow from the last layer's t.

    Attributes
    ----------
    name : str
        What `Model`, files and tables call it.
    link : {"softmax", "logistic", "identity", "exp"}
        z = g(t). With "softmax" y are class numbers, one a row; else a number for each output.
    domain : (float, float)
        The least and the largest y.
    fields : tuple of str
        Numbers that its kernels take, attributes of the loss, in this order.
    flop : int
        Operations an element.
    aliases, aliases_of_one : tuple of str
        Other libraries' names of the same loss that `Model` takes; for one output only where theirs is a mean over
        outputs.
    """

    name: ClassVar[str]
    link: ClassVar[str] = "identity"
    domain: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    fields: ClassVar[tuple[str, ...]] = ()
    flop: ClassVar[int] = 5
    aliases: ClassVar[tuple[str, ...]] = ()
    aliases_of_one: ClassVar[tuple[str, ...]] = ()
    is_own: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if isinstance(vars(cls).get("name"), str):
            BUILT_IN.update((cls.name, *cls.aliases, *cls.aliases_of_one))

    @property
    def of_classes(self) -> bool:
        """Whether y are class numbers, one a row."""
        return self.link == "softmax"

    @property
    def classifies(self) -> bool:
        """Whether outputs are right or wrong, so that there is an accuracy."""
        return self.link in ("softmax", "logistic")

    @property
    def key(self) -> str | Loss:
        """What kernels are told apart by: the name of one that is in the list, itself where it is a user's."""
        return self if self.is_own else self.name

    @property
    def numbers(self) -> tuple[float, ...]:
        """The fields' values."""
        return tuple(float(getattr(self, name)) for name in self.fields)

    def layout(self) -> Layout:
        """Return the record of the fields."""
        return Layout(f"loss_{self.name}", dict.fromkeys(self.fields or ("none",), "f8"))


class Points:
    """The functions of a loss that adds up over outputs.

    `error(t, y, *numbers)` and `gradient(t, y, *numbers)` are E and dE/dt of one output, plain Python;
    `tile_error(t, z, y, *numbers)` and `tile_gradient(z, y, *numbers)` the same of tiles, z = g(t) given. For each pair
    of a canonical link and an error, dE/dt = z - y: logistic with cross-entropy, identity with half the square, exp
    with half the Poisson deviance (McCullagh and Nelder, Generalized Linear Models, 1989, section 2.2).
    """

    error: Callable[..., float]
    gradient: Callable[..., float]
    tile_error: Callable[..., Any] | None = None
    tile_gradient: Callable[..., Any] | None = None
    formula: str = ""
    gradient_formula: str = "dE/dt_j = z_j - y_j"
    source: str = ""


@dataclass(frozen=True, repr=False)
class PointLoss(Points, Loss):
    """A loss of your own: E = sum_j e(z_j, y_j) of each row, z the network's outputs as they are.

    Parameters
    ----------
    name : str
        What files and tables call it.
    e : callable
        e(z, y) of one output, plain Python that Numba compiles: branches are allowed, and so are `exp`, `log` and
        `tanh` of `fastbp.activations`.
    de : callable
        de(z, y), its derivative by z.

    Raises
    ------
    ValueError
        Where `de` is not the derivative of `e`, by central differences: the error names the point and both values.
    TypeError
        Where `e` or `de` is not a Python function, or, when it is first used, Numba can't compile it.

    Examples
    --------
    >>> import fastbp
    >>> fourth = fastbp.losses.PointLoss("fourth", lambda z, y: (z - y) ** 4 / 4, lambda z, y: (z - y) ** 3)
    >>> model = fastbp.Model([4, 8, 1], loss=fourth, seed=0)
    """

    name: str  # type: ignore[misc]
    e: Callable[..., float]
    de: Callable[..., float]
    is_own: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"name must be an identifier, such as 'my_loss', got {self.name!r}")
        if self.name in BUILT_IN:
            raise ValueError(f"name must not be that of a built-in loss, got {self.name!r}")
        for y in (-1.3, 0.0, 0.7, 2.1):
            check_derivative(self.name, self.e, self.de, y)

    @property
    def error(self) -> Callable[..., float]:  # type: ignore[override]
        """E of one output."""
        return self.e

    @property
    def gradient(self) -> Callable[..., float]:  # type: ignore[override]
        """dE/dt of one output."""
        return self.de

    @property
    def functions(self) -> tuple[str, tuple[Callable[..., float], ...], int]:
        """Its name, its point functions and how many numbers they take."""
        return self.name, (self.e, self.de), 2

    def __repr__(self) -> str:
        return f"PointLoss({self.name!r})"
