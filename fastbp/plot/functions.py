"""An activation F and its derivative F', as the kernels compute them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import checks, threads
from ..kernels import beyond_activations, elementwise
from ..network import ACTIVATIONS
from ..plan_elementwise import ACTIVATIONS as BEYOND
from ..plan_elementwise import DERIVATIVES, OF_T
from . import canvas

POINTS = 801  # t = 0 is one of them
JUMP = 0.5  # of F' between two points: it is not drawn as a slope


def activation(name: str, ax: Any = None, *, reach: float = 4.0) -> Any:
    """Draw F(t) and F'(t), computed by the kernels (eqs. 40 and 41 for "relu").

    Parameters
    ----------
    name : str
        One that `fastbp.Model` knows.
    ax : matplotlib.axes.Axes, optional
    reach : float
        The largest t drawn; the least is its negative.

    Returns
    -------
    matplotlib.axes.Axes
    """
    canvas.check(ax)
    checks.choice("name", name, ACTIVATIONS)
    t = np.linspace(-1, 1, POINTS) * checks.above_zero("reach", reach)
    h, d = values(name, t)
    ax = canvas.axes(ax)
    ax.axhline(0, color=canvas.GREY, linewidth=0.6)
    ax.axvline(0, color=canvas.GREY, linewidth=0.6)
    ax.plot(t, h, color=canvas.BLUE, linewidth=2, label=f"$F(t)$, {name}")
    broken = np.flatnonzero(np.abs(np.diff(d)) > JUMP) + 1
    line = {"color": canvas.VERMILLION, "linewidth": 2, "linestyle": "--"}
    ax.plot(np.insert(t, broken, np.nan), np.insert(d, broken, np.nan), **line, label="$F'(t)$")
    ax.plot(t[broken], d[broken], "o", color=canvas.VERMILLION)  # to which side the value at the jump belongs
    ax.set_xlabel("$t$")
    canvas.key_above(ax)
    return ax


def values(name: str, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return F(t) and F'(t) of a vector of float64 numbers."""
    t = np.ascontiguousarray(t, np.float64).reshape(1, -1)
    h, d = np.empty_like(t), np.ones_like(t)
    forward = {"relu": elementwise.relu, "identity": beyond_activations.identity} | BEYOND
    threads.launch(forward[name], h, t, n_threads=1)
    if name == "relu":
        threads.launch(elementwise.relu_backward, d, np.ones_like(t), h, n_threads=1)
    elif name != "identity":
        threads.launch(DERIVATIVES[name], d, t if name in OF_T else h, n_threads=1)
    return h[0] + 0.0, d[0]  # no negative zeros, by which the kernels keep F'(t) = 0
