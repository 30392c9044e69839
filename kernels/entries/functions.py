"""Functions that formulas are written with: of one number here, of a number or of all lanes of a tile once compiled.

`machine.functions` holds their compiled forms, where `exp`, `log` and `tanh` are good to three units in the last place,
`expm1` and `log1p` to four.
"""

from __future__ import annotations

import math
from typing import Any

LARGEST = 709.782712893384  # whose exponential is a float64, unlike that of the next number


def exp(x: Any) -> Any:
    """Return e^x, infinity beyond the largest number. For point functions of your own.

    Parameters
    ----------
    x : float

    Returns
    -------
    float

    Examples
    --------
    >>> import fastbp
    >>> fastbp.activations.exp(0.0), fastbp.activations.exp(1000.0)
    (1.0, inf)
    """
    return math.exp(x) if x <= LARGEST else math.inf if x == x else x


def log(x: Any) -> Any:
    """Return the natural logarithm, -inf for 0 and NaN below. For point functions of your own.

    Parameters
    ----------
    x : float

    Returns
    -------
    float

    Examples
    --------
    >>> import fastbp
    >>> fastbp.activations.log(1.0), fastbp.activations.log(0.0)
    (0.0, -inf)
    """
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def expm1(x: Any) -> Any:
    """Return e^x - 1, accurate near 0, too. For point functions of your own.

    Parameters
    ----------
    x : float

    Returns
    -------
    float

    Examples
    --------
    >>> import fastbp
    >>> fastbp.activations.expm1(1e-20)
    1e-20
    """
    return math.expm1(x) if x <= LARGEST else exp(x)


def log1p(x: Any) -> Any:
    """Return the natural logarithm of 1 + x, accurate near 0, too; -inf for -1. For point functions of your own.

    Parameters
    ----------
    x : float

    Returns
    -------
    float

    Examples
    --------
    >>> import fastbp
    >>> fastbp.activations.log1p(1e-20)
    1e-20
    """
    return math.log1p(x) if x > -1 else log(x + 1)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent. For point functions of your own.

    Parameters
    ----------
    x : float

    Returns
    -------
    float

    Examples
    --------
    >>> import fastbp
    >>> fastbp.activations.tanh(0.0)
    0.0
    """
    return math.tanh(x)


def sqrt(x: Any) -> Any:
    """Square root."""
    return math.sqrt(x)


def logistic(x: Any) -> Any:
    """1 / (1 + e^-x)."""
    return 1.0 / (exp(0.0 - x) + 1.0)


def cos_turns(v: Any) -> Any:
    """cos(2 pi v): v counts turns."""
    return math.cos(2 * math.pi * v)


def sin_turns(v: Any) -> Any:
    """sin(2 pi v): v counts turns."""
    return math.sin(2 * math.pi * v)


def normal_tail(z: Any) -> Any:
    """Return (Phi(-sqrt(2) z), e^-z^2) for z >= 0, Phi being the normal distribution function."""
    return math.erfc(z) / 2, math.exp(-z * z)


def fma(a: Any, b: Any, c: Any) -> Any:
    """a b + c, compiled to one rounding where the CPU has such an instruction."""
    return a * b + c


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y."""
    return x if condition else y


def sign_bit(x: Any) -> Any:
    """Whether x has a minus, -0.0 included."""
    return math.copysign(1.0, x) < 0


def rounded(x: Any, like: Any) -> Any:
    """x as a number of the type of `like`, to which it is rounded where it is stored."""
    return x


def filled(like: Any, number: Any) -> Any:
    """The number, in all lanes of a tile such as `like`."""
    return number
