"""The error over one weight, and the steps of gradient descent on it or on a plane (eq. 54)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..data import checks, classes, frames
from ..exchange.estimators import taken
from . import canvas, landscape

if TYPE_CHECKING:
    from ..model.model import Model

POINTS = 50  # of the curve to either side of the middle
REACH = 5.0  # of the curve, in root mean squares of the layer's weights
MARGIN = 0.2  # of the plane around the path, as a share of the path's extent


def error_curve(
    model: Model, X: Any, y: Any, layer: int = 1, index: tuple[int, int] | None = None, ax: Any = None,
    *, reach: float | None = None,
) -> Any:  # fmt: skip
    """Draw E over one weight, all others held, and its tangent at the model's own value.

    Parameters
    ----------
    model : Model, MLPClassifier, MLPRegressor or a Pipeline that ends in one
        Only read.
    X, y
        As for `Model.gradients`, whose E, penalty included, and whose slope are drawn.
    layer : int
        From 1, that next to the inputs.
    index : (int, int), optional
        The weight's place in W, from 0; by default that of the steepest slope.
    ax : matplotlib.axes.Axes, optional
    reach : float, optional
        How far to either side the curve goes; by default 5 times the root mean square of the layer's weights.

    Returns
    -------
    matplotlib.axes.Axes
    """
    canvas.check(ax)
    weight = OneWeight(model, X, y, layer, index)
    here, (E, slope) = weight.value, weight.error(weight.value)
    reach = weight.usual_reach() if reach is None else checks.above_zero("reach", reach)
    w = here + landscape.symmetric(POINTS) * reach
    curve = np.array([weight.error(each).E for each in w])
    ax = canvas.axes(ax)
    _draw_curve(ax, weight, w, curve)
    near = here + np.array([-0.3, 0.3]) * reach
    tangent = rf"$\partial E/\partial w$ = {_number(slope)}"
    ax.plot(near, E + slope * (near - here), "--", color=canvas.VERMILLION, label=tangent)
    ax.plot(here, E, "o", color=canvas.VERMILLION, label=f"the model, $w$ = {_number(here)}")
    canvas.key_above(ax, ax.get_lines()[1:])
    return ax


def descent(
    model: Model, X: Any, y: Any, layer: int | None = None, index: tuple[int, int] | None = None, ax: Any = None,
    *, steps: int = 20, learning_rate: float | None = None, batch_size: int | None = None, start: float | None = None,
    points: int = landscape.POINTS, seed: int | None = 0,
) -> Any:  # fmt: skip
    """Draw the steps of gradient descent: of the whole model over a plane, or of one weight on its curve of E.

    Without `layer` a copy of the model is trained, step by step, by its own optimizer: by eq. 54 where that is plain
    "sgd". The plane is the one nearest to the path, found by principal components as Li et al. 2018 do (section 7.2),
    and goes through its end. With `layer` one weight descends by eq. 54 while all others are held.

    Parameters
    ----------
    model : Model, MLPClassifier, MLPRegressor or a Pipeline that ends in one
        Where the path begins; only read.
    X, y
        As for `Model.fit`.
    layer, index
        The weight, as for `error_curve`.
    ax : matplotlib.axes.Axes, optional
    steps : int
    learning_rate : float, optional
        By default the model's own.
    batch_size : int, optional
        Rows a step of the whole model, drawn anew each time; by default all. Not with `layer`.
    start : float, optional
        Where the one weight begins; by default at the end of its curve where E is larger. Only with `layer`.
    points : int
        Of the plane's grid to either side of the middle. Not with `layer`.
    seed : int or None
        Of the rows of each step. Not with `layer`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        For an argument that is wrong, or that counts for nothing with `layer` or without it.
    """
    canvas.check(ax)
    steps, points = checks.whole_number("steps", steps, 1), checks.whole_number("points", points, 1)
    model, X, y, _ = taken(model, X, y)
    rate = model.learning_rate if learning_rate is None else checks.rate("learning_rate", learning_rate)
    _check_mode(layer, index, start, batch_size, points, checks.seed(seed))
    if layer is not None:
        weight = OneWeight(model, X, y, layer, index)
        return _descent_on_curve(weight, steps, rate, start, ax)
    path = train_path(model, X, y, steps, rate, batch_size, seed)
    directions, shares = nearest_plane(path)
    a, b = (path - path[-1]) @ directions.T[:, 0], (path - path[-1]) @ directions.T[:, 1]
    grid = _around(a, points), _around(b, points)
    E = landscape.losses(model, X, y, path[-1], directions, *grid)
    ax = canvas.axes(ax)
    landscape.surface(ax, *grid, E)
    return _draw_path(ax, a, b, shares, f"{steps} steps, {_rate(rate)}")


def _check_mode(layer: Any, index: Any, start: Any, batch_size: Any, points: int, seed: int | None) -> None:
    """Raise ValueError for arguments of one weight without `layer`, and for those of the whole model with it."""
    if layer is None:
        for name, value in ("index", index), ("start", start):
            if value is not None:
                raise ValueError(f"{name} must be left out without layer, as the whole model descends, got {value!r}")
        return
    for name, value, usual in ("batch_size", batch_size, None), ("points", points, landscape.POINTS), ("seed", seed, 0):
        if value != usual:
            raise ValueError(f"{name} must be left out with layer, as one weight descends by all rows, got {value!r}")


# ---- one weight


class Error(NamedTuple):
    """E and its derivative by one weight."""

    E: float
    slope: float


class OneWeight:
    """A weight of a copy of the model; all others are held."""

    model: Model
    y: np.ndarray
    layer: int
    index: tuple[int, int]
    value: float

    def __init__(self, model: Model, X: Any, y: Any, layer: int, index: Any) -> None:
        model, self.X, self.y, _ = taken(model, X, y)
        self.model = copy.deepcopy(model)
        layers = len(self.model.parameters)
        if checks.whole_number("layer", layer, 1) > layers:
            raise ValueError(f"layer must be at most {layers}, the layers there are, got {layer}")
        self.layer, self.W = layer, self.model.parameters[layer - 1][0]
        self.index = self._steepest() if index is None else _checked_index(index, self.W.shape)
        self.value = float(self.W[self.index])

    def _steepest(self) -> tuple[int, int]:
        dW = self.model.gradients(self.X, self.y)[1][self.layer - 1][0]
        i, j = np.unravel_index(np.abs(dW).argmax(), dW.shape)
        return int(i), int(j)

    def error(self, w: float) -> Error:
        """Return E and dE/dw where the weight has this value."""
        self.W[self.index] = w
        E, gradients = self.model.gradients(self.X, self.y)
        return Error(E, float(gradients[self.layer - 1][0][self.index]))

    def usual_reach(self) -> float:
        """Return how far its curve goes by default."""
        return REACH * float(np.sqrt(np.square(self.W, dtype=np.float64).mean())) or 1.0

    def descend(self, start: float, steps: int, rate: float) -> np.ndarray:
        """Return (w, E) before and after each step w <- w - rate dE/dw (eq. 54), shape (steps + 1, 2)."""
        w, path = start, []
        for _ in range(steps + 1):
            E, slope = self.error(w)
            path.append((w, E))
            w -= rate * slope
        return np.array(path)


def _checked_index(index: Any, shape: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(index, (tuple, list)) or len(index) != 2:
        raise TypeError(f"index must be a pair of whole numbers, a weight's place in W, got {index!r}")
    i, j = (checks.whole_number("index", number, 0) for number in index)
    if i >= shape[0] or j >= shape[1]:
        raise ValueError(f"index must lie in W, whose shape is {shape}, got {(i, j)}")
    return i, j


def _draw_curve(ax: Any, weight: OneWeight, w: np.ndarray, E: np.ndarray) -> None:
    ax.plot(w, E, color=canvas.BLUE, linewidth=2, label="$E(w)$")
    ax.set_xlabel(f"$w$: weight {list(weight.index)} of layer {weight.layer}")
    ax.set_ylabel("$E$")


def _descent_on_curve(weight: OneWeight, steps: int, rate: float, start: float | None, ax: Any) -> Any:
    w = weight.value + landscape.symmetric(POINTS) * weight.usual_reach()
    if start is not None:
        start = checks.finite("start", start)
    else:
        start = float(max(w[[0, -1]], key=lambda end: weight.error(end).E))
    path = weight.descend(start, steps, rate)
    w = np.linspace(min(w[0], path[:, 0].min()), max(w[-1], path[:, 0].max()), len(w))
    curve = np.array([weight.error(each).E for each in w])
    ax = canvas.axes(ax)
    _draw_curve(ax, weight, w, curve)
    label = f"{steps} steps, {_rate(rate)}"
    ax.plot(*path.T, "o-", color=canvas.VERMILLION, linewidth=1, markersize=4, label=label)
    ax.plot(*path[0], "o", color="white", markeredgecolor=canvas.VERMILLION, markersize=6, label="start")
    canvas.key_above(ax, columns=3)
    return ax


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _rate(rate: float) -> str:
    return rf"$\alpha$ = {rate:g}"


# ---- the whole model


def train_path(
    model: Model, X: Any, y: Any, steps: int, rate: float, batch_size: int | None, seed: int | None
) -> np.ndarray:
    """Return the parameters before and after each step of a copy of the model, float64, (steps + 1, parameters)."""
    trained, random = copy.deepcopy(model), np.random.default_rng(checks.seed(seed))
    trained.learning_rate = rate
    model.evaluate(X, y)  # complains of bad input
    y = classes.numbered(y, classes.names_of(model.network, model.class_names))
    X, y = frames.as_array(X, "X")[0], np.asarray(frames.as_target(y, "y"))
    X, n = X if isinstance(X, frames.SparseRows) else np.asarray(X), len(y)
    size = n if batch_size is None else min(checks.whole_number("batch_size", batch_size, 1), n)
    path = [landscape.flat_parameters(trained)]
    for _ in range(steps):
        rows = np.arange(n) if size == n else random.choice(n, size, replace=False)
        trained.fit(X[rows], y[rows], epochs=1, batch_size=size, shuffle=False, verbose=0)
        path.append(landscape.flat_parameters(trained))
    return np.array(path)


def nearest_plane(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two orthonormal directions (2, parameters) and the share of the path's squared extent along each.

    Both run through the path's end. A path that is straight gets a second direction of which it has nothing.
    """
    away = path[:-1] - path[-1]
    _, extents, directions = np.linalg.svd(away, full_matrices=False)
    shares = np.square(extents) / max(np.square(extents).sum(), np.finfo(float).tiny)
    if len(directions) < 2:
        other = np.zeros(path.shape[1])
        other[np.abs(directions[0]).argmin()] = 1
        other -= other @ directions[0] * directions[0]
        directions = np.vstack([directions, other / (np.linalg.norm(other) or 1)])
        shares = np.append(shares, 0.0)
    return directions[:2], shares[:2]


def _around(along: np.ndarray, points: int) -> np.ndarray:
    """Return a grid that holds all of the path, and its end, 0, to the bit."""
    low, high = along.min(), along.max()
    extent = (high - low) or 1.0
    below, above = np.linspace(low - MARGIN * extent, 0, points + 1), np.linspace(0, high + MARGIN * extent, points + 1)
    return np.concatenate([below[:-1], above])


def _draw_path(ax: Any, a: np.ndarray, b: np.ndarray, shares: np.ndarray, label: str) -> Any:
    outlined = canvas.matplotlib("patheffects").withStroke(linewidth=2.4, foreground="black")
    line = {"color": "white", "markeredgecolor": "black", "markeredgewidth": 0.6, "linewidth": 1.0}
    ax.plot(a, b, "o-", **line, markersize=4, path_effects=[outlined], label=label)
    ax.plot(a[0], b[0], "s", color=canvas.VERMILLION, markeredgecolor="black", markersize=6, label="start")
    ax.set_xlabel(f"first direction ({shares[0]:.0%} of the path)")
    ax.set_ylabel(f"second direction ({shares[1]:.0%})")
    canvas.key_above(ax)
    return ax
