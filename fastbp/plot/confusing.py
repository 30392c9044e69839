"""Which classes a model takes for which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import classes
from ..data.labelled import labelled
from ..exchange.estimators import taken
from . import canvas

if TYPE_CHECKING:
    from ..model.model import Model

LARGEST_FONT = 11.0  # points, of the counts
FILLED = 0.8  # of a cell by its count, of a tick's room by its label
DARK = 0.8  # share of the row from which a count is written in white
LONGEST = 18  # characters of a class's name


def confusion(model: Model, X: Any, y: Any, ax: Any = None) -> Any:
    """Draw how many rows of each class the model takes for which; the darker, the larger the share of its class.

    Each cell holds its count, where there is room for numbers that can be read; else a scale tells the shares.

    Parameters
    ----------
    model : Model, MLPClassifier, MLPRegressor or a Pipeline that ends in one
        With classes: of loss "cross_entropy", or "binary_cross_entropy" with one output. Classes bear its
        `class_names`, or numbers.
    X, y
        As for `Model.evaluate`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    canvas.check(ax)
    model, X, y, _ = taken(model, X, y)
    counts = confusion_counts(model, X, y)
    names, n = [_short(name) for name in class_names(model)], len(counts)
    ax = canvas.axes(ax)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    colors = canvas.matplotlib("colors")
    cmap = colors.LinearSegmentedColormap.from_list("shares", [colors.to_rgba(canvas.BLUE, a) for a in (0, 1)])
    visible = colors.PowerNorm(0.5, 0, 1)  # a hundredth shows as a tenth: the few mistakes are what is looked for
    cells = ax.pcolormesh(shares, cmap=cmap, norm=visible)
    ax.set(xlim=(0, n), ylim=(n, 0), aspect="equal", xlabel="predicted", ylabel="true")
    ax.tick_params(length=0)
    turned = _turned(names)
    ax.set_xticks(np.arange(n) + 0.5, names, rotation=90 if turned else 0)
    ax.set_yticks(np.arange(n) + 0.5, names)
    if not _write_counts(ax, counts, shares):
        percent = canvas.matplotlib("ticker").PercentFormatter(1)
        bar = ax.figure.colorbar(cells, ax=ax, label="share of the true class", format=percent)
        bar.set_ticks([0, 0.01, 0.1, 0.25, 0.5, 1])
    _fit_names(ax, turned)
    return ax


def confusion_counts(model: Model, X: Any, y: Any) -> np.ndarray:
    """Return the number of rows of each true class (first axis) that are predicted to be of each class (second)."""
    network, outputs = model.network, model.layer_sizes[-1]
    if not (network.of_classes or (network.loss.name == "binary_cross_entropy" and outputs == 1)):
        raise ValueError(f"a confusion matrix needs one class a row, got a model of loss {network.loss.name!r}")
    true = labelled(model, X, y).y.reshape(-1)
    if (true != np.floor(true)).any():
        raise ValueError("y must hold 0 or 1 for a confusion matrix, got probabilities")
    n = len(class_names(model))
    pairs = true.astype(np.int64) * n + model._numbers(X)
    return np.bincount(pairs, minlength=n * n).reshape(n, n)


def class_names(model: Model) -> list[str]:
    """Return the classes' names, or their numbers; a single output of yes or no tells 0 and 1."""
    names = classes.names_of(model.network, model.class_names)
    return [str(c) for c in range(max(model.layer_sizes[-1], 2))] if names is None else names


def _short(name: str) -> str:
    """Return a name with its middle left out if it is long: of many alike, the ends differ."""
    half = LONGEST // 2
    short = name if len(name) <= LONGEST else f"{name[:half]}…{name[1 - half :]}"
    return short.replace("$", r"\$")  # else matplotlib takes it for mathematics


def _turned(names: list[str]) -> bool:
    """Whether names are too long to stand side by side."""
    return max(map(len, names)) * len(names) > 45


def _write_counts(ax: Any, counts: np.ndarray, shares: np.ndarray) -> bool:
    """Write the counts into their cells, unless they would be too small to read."""
    texts = [
        ax.text(j + 0.5, i + 0.5, f"{counts[i, j]}", ha="center", va="center")
        for i, j in np.ndindex(counts.shape)
        if counts[i, j]
    ]
    places = [(i, j) for i, j in np.ndindex(counts.shape) if counts[i, j]]
    for text, place in zip(texts, places, strict=True):
        if shares[place] > DARK:
            text.set_color("white")
    box = canvas.lay_out(ax)
    cell = (box.width / len(counts) * FILLED, box.height / len(counts) * FILLED)
    if canvas.fit(texts, [cell] * len(texts), LARGEST_FONT) >= canvas.LEAST_FONT:
        return True
    for text in texts:
        text.remove()
    return False


def _fit_names(ax: Any, turned: bool) -> None:
    """Let the classes' names be as large as the rows are high; where that is too small, name every second, ..."""
    box = canvas.lay_out(ax)
    room = box.height / len(ax.get_yticks()) / ax.figure.figure.dpi * 72 * FILLED  # points
    every = int(np.ceil(canvas.LEAST_FONT / room))
    size = min(room * every, canvas.matplotlib().rcParams["font.size"])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(axis.get_ticklocs()[::every], [label.get_text() for label in axis.get_ticklabels()][::every])
        axis.set_tick_params(labelsize=size)
    if turned:
        ax.tick_params(axis="x", labelrotation=90)
