"""The error over two directions through a model's parameters.

H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, Visualizing the loss landscape of neural nets, 2018.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import checks
from ..exchange.estimators import taken
from . import canvas

if TYPE_CHECKING:
    from ..model.model import Model

POINTS = 12  # of the grid to either side of the middle
STEEP = 20.0  # times the least error, from which contours stand at even ratios, not distances
LEVELS = 14


def loss_surface(
    model: Model, X: Any, y: Any, ax: Any = None, *, reach: float = 1.0, points: int = POINTS, seed: int | None = 0
) -> Any:
    """Draw the loss over the plane of two random directions through the parameters, which lie in the middle.

    The directions are normalized as Li et al. do (section 4): the weights that lead to one unit are as long in a
    direction as they are in the model; biases, scales and what normalizes a layer stay as they are. So 1 to one side is
    a step as long as the weights.

    Parameters
    ----------
    model : Model, MLPClassifier, MLPRegressor or a Pipeline that ends in one
        Only read.
    X, y
        As for `Model.evaluate`, whose loss is drawn.
    ax : matplotlib.axes.Axes, optional
        Of three dimensions (`projection="3d"`) for a surface instead of contours.
    reach : float
        How far the plane goes along each direction.
    points : int
        Of the grid to either side of the middle, so that (2 points + 1)^2 losses are computed.
    seed : int or None
        Of the directions.

    Returns
    -------
    matplotlib.axes.Axes
    """
    canvas.check(ax)
    reach = checks.above_zero("reach", reach)
    points = checks.whole_number("points", points, 1)
    model, X, y, _ = taken(model, X, y)
    middle, directions = flat_parameters(model), random_directions(model, checks.seed(seed))
    a = symmetric(points) * reach
    E = losses(model, X, y, middle, directions, a, a)
    ax = canvas.axes(ax)
    surface(ax, a, a, E)
    if ax.name != "3d":
        ax.plot(0, 0, "o", color="white", markeredgecolor="black", label="the model")
        canvas.key_above(ax)
    ax.set_xlabel("first direction")
    ax.set_ylabel("second direction")
    return ax


# ---- the numbers


def flat_parameters(model: Model) -> np.ndarray:
    """Return all parameters as one vector of float64."""
    return model.get_state()["parameters"].astype(np.float64)


def random_directions(model: Model, seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return two vectors as long as the parameters: normal, each column of W as long as in the model, all else 0."""
    random = np.random.default_rng(seed)
    pair = np.zeros((2, model.network.n_parameters))
    for direction in pair:
        for (dW, *_), (W, *_) in zip(model.network.views(direction), model.parameters, strict=True):
            dW[...] = random.standard_normal(W.shape)
            dW *= np.linalg.norm(W.astype(np.float64), axis=0) / np.linalg.norm(dW, axis=0)
    return pair[0], pair[1]


def symmetric(points: int) -> np.ndarray:
    """Return numbers from -1 to 1, evenly spaced, 0 among them to the bit."""
    half = np.linspace(0, 1, points + 1)
    return np.concatenate([-half[:0:-1], half])


def losses(model: Model, X: Any, y: Any, middle: Any, directions: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return E by `Model.evaluate` at middle + a_j d_1 + b_i d_2, shape (b, a); infinite where it is not finite.

    Raises ArithmeticError where it is finite nowhere.
    """
    moved, E = copy.deepcopy(model), np.empty((len(b), len(a)))
    state = moved.get_state()
    for i, j in np.ndindex(E.shape):
        flat = middle + a[j] * directions[0] + b[i] * directions[1]
        moved.set_state(state | {"parameters": flat.astype(model.dtype)})
        E[i, j] = moved.evaluate(X, y)["loss"]
    if not np.isfinite(E).any():
        raise ArithmeticError("the loss is no finite number anywhere on the plane; see model.diagnose(X, y)")
    return np.where(np.isfinite(E), E, np.inf)


# ---- the drawing


def surface(ax: Any, a: np.ndarray, b: np.ndarray, E: np.ndarray) -> None:
    """Draw E of shape (b, a) as contours with a scale beside them, or as a surface in three dimensions."""
    finite = np.ma.masked_invalid(E)
    if ax.name == "3d":
        ax.plot_surface(*np.meshgrid(a, b), finite.filled(np.nan), cmap=canvas.SEQUENCE, linewidth=0)
        ax.set_zlabel("$E$")
        ax.tick_params(labelsize="small", pad=0)
        ax.locator_params(nbins=5)
        ax.set_box_aspect(None, zoom=0.8)  # layouts know nothing of labels in three dimensions
        return
    levels, scale = _levels(float(finite.min()), float(finite.max()))
    filled = ax.contourf(a, b, finite, levels=levels, cmap=canvas.SEQUENCE, norm=scale)
    ax.contour(a, b, finite, levels=levels, colors="white", linewidths=0.4, alpha=0.6)
    plain = canvas.matplotlib("ticker").FuncFormatter(lambda E, _: f"{E:.3g}")
    bar = ax.figure.colorbar(filled, ax=ax, label="$E$", format=plain)
    if scale is not None:
        bar.set_ticks(_round(levels[0], levels[-1]))
    bar.ax.minorticks_off()


def _levels(least: float, most: float) -> tuple[np.ndarray, Any]:
    """Return where contours stand, from at most the least to at least the most, and the scale of their colours."""
    if least > 0 and most > STEEP * least:
        levels = np.geomspace(least, most * (1 + 1e-9), LEVELS)
        return levels, canvas.matplotlib("colors").LogNorm(levels[0], levels[-1])
    most = max(most, least + abs(least) * 1e-6 + 1e-12)  # a plane that is level, too, has levels
    return canvas.matplotlib("ticker").MaxNLocator(LEVELS).tick_values(least, most), None


def _round(least: float, most: float) -> list[float]:
    """Return powers of ten between two numbers, and their triples where the powers are few."""
    powers = 10.0 ** np.arange(np.floor(np.log10(least)), np.ceil(np.log10(most)) + 1)
    numbers = np.sort(np.concatenate([powers, 3 * powers])) if len(powers) < 5 else powers
    return [float(number) for number in numbers if least <= number <= most]
