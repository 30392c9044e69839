"""An activation F and its derivative F', as the kernels compute them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import checks, choices
from ..execution import plain_loops
from ..execution.plain_loops import of_activation
from ..kernels.entries.activation import Activation
from . import canvas

POINTS = 801  # t = 0 is one of them
JUMP = 0.5  # of F' between two points: it is not drawn as a slope


def activation(name: str | Activation, ax: Any = None, *, reach: float = 4.0) -> Any:
    """Draw F(t) and F'(t), computed by the plain kernels (eqs. 40 and 41 for "relu").

    Parameters
    ----------
    name : str or fastbp.activations.Activation
        As `fastbp.Model` takes it. One that has a trained parameter is drawn with the value that this begins with.
    ax : matplotlib.axes.Axes, optional
    reach : float
        The largest t drawn; the least is its negative.

    Returns
    -------
    matplotlib.axes.Axes
    """
    canvas.check(ax)
    F = choices.activation(name)
    t = np.linspace(-1, 1, POINTS) * checks.above_zero("reach", reach)
    h, d = values(F, t)
    ax = canvas.axes(ax)
    ax.axhline(0, color=canvas.GREY, linewidth=0.6)
    ax.axvline(0, color=canvas.GREY, linewidth=0.6)
    ax.plot(t, h, color=canvas.BLUE, linewidth=2, label=f"$F(t)$, {F.name}")
    broken = np.flatnonzero(np.abs(np.diff(d)) > JUMP) + 1
    line = {"color": canvas.VERMILLION, "linewidth": 2, "linestyle": "--"}
    ax.plot(np.insert(t, broken, np.nan), np.insert(d, broken, np.nan), **line, label="$F'(t)$")
    ax.plot(t[broken], d[broken], "o", color=canvas.VERMILLION)  # to which side the value at the jump belongs
    ax.set_xlabel("$t$")
    canvas.key_above(ax)
    return ax


def values(F: Activation, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return F(t) and F'(t) of a vector of float64 numbers."""
    t = np.ascontiguousarray(t, np.float64).reshape(1, -1)
    h, d = np.empty_like(t), np.empty_like(t)
    first = [np.full(t.size, F.parameter[1])] if F.parameter else []
    forward, derivative = of_activation(F)
    plain_loops.launch(forward, h, t, *first, n_threads=1)
    plain_loops.launch(derivative, d, h if F.of_h else t, *first, n_threads=1)
    return h[0] + 0.0, d[0]  # no negative zeros, by which the kernels keep F'(t) = 0
