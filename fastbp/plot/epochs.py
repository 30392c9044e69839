"""Numbers over a training's epochs: the learning curve, and norms by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import checks
from . import canvas

if TYPE_CHECKING:
    from ..inspection.diagnosis import Diagnosis
    from ..training.history import History

FEW = 40  # epochs, up to which each gets a mark
FEW_LAYERS = 6  # up to which each has a colour and an entry in the legend; more share a scale of colours
WIDE = 10.0  # largest by least norm, from which the scale is logarithmic
QUANTITIES = {
    "h": r"RMS of outputs $h$",
    "dt": r"RMS of $\partial E/\partial t$",
    "W": r"RMS of weights $W$",
    "dW": r"RMS of $\partial E/\partial W$",
    "update": "update / weights (RMS)",
}
_LOSSES = {"loss": (canvas.BLUE, "o-"), "val_loss": (canvas.VERMILLION, "s--")}
_SHARES = {"accuracy": (canvas.GREEN, "^-"), "val_accuracy": (canvas.ORANGE, "D--")}


def history(history: History | Mapping[str, Sequence[float]] | Sequence[Mapping[str, float]], ax: Any = None) -> Any:
    """Draw the learning curve: losses by epoch, and on an axis to the right accuracies.

    Parameters
    ----------
    history : fastbp.History, dict of lists, list of dicts, or fitted estimator or pipeline
        What `Model.fit` returned, or its lists by name, or a dict an epoch as callbacks get them. Drawn are "loss",
        "val_loss", "accuracy" and "val_accuracy", as far as there are any. Of an estimator `loss_curve_`,
        `validation_loss_curve_` and the accuracies that early stopping measured.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        That of the losses, or of the accuracies where there are no losses.
    """
    canvas.check(ax)
    curves = _curves(history)
    ax = canvas.axes(ax)
    losses = _draw(ax, curves, _LOSSES)
    shares_ax = ax.twinx() if losses and set(curves) & set(_SHARES) else ax
    shares_ax.margins(y=0.08)  # else the points of a single epoch would fall on those of the losses
    shares = _draw(shares_ax, curves, _SHARES)
    for of, lines, name in ((ax, losses, "loss"), (shares_ax, shares, "accuracy")):
        if lines:
            of.set_ylabel(name)
    ax.set_xlabel("epoch")
    _whole_epochs(ax)
    canvas.key_above(ax, losses + shares)
    return ax


def _curves(history: Any) -> dict[str, np.ndarray]:
    """Return the lists that hold anything, by name."""
    lists = _of_estimator(history) if hasattr(history, "get_params") else getattr(history, "history", history)
    if isinstance(lists, Sequence) and all(isinstance(each, Mapping) for each in lists):
        names = dict.fromkeys(name for each in lists for name in each)
        lists = {name: [each.get(name, np.nan) for each in lists] for name in names}
    if not isinstance(lists, Mapping):
        raise TypeError(f"history must be a History, a dict of lists or a list of dicts, got {type(history).__name__}")
    curves = {name: np.asarray(lists[name], float) for name in (*_LOSSES, *_SHARES) if len(lists.get(name, ()))}
    if not curves:
        raise ValueError(f"history must hold epochs of {', '.join((*_LOSSES, *_SHARES))}, got {dict(lists)!r:.80}")
    return curves


def _of_estimator(value: Any) -> dict[str, Any]:
    """Return the curves of a fitted estimator of scikit-learn or fastbp.sklearn, or of one that a pipeline ends in."""
    value = getattr(value, "best_estimator_", value)
    estimator = value[-1] if hasattr(value, "steps") else value
    if not hasattr(estimator, "loss_curve_"):
        raise ValueError(f"history must hold epochs, got a {type(estimator).__name__} without loss_curve_")
    shares = hasattr(estimator, "classes_") and getattr(estimator, "scoring", None) in (None, "accuracy")
    curves = {"loss": estimator.loss_curve_, "val_loss": getattr(estimator, "validation_loss_curve_", None)}
    curves["val_accuracy"] = getattr(estimator, "validation_scores_", None) if shares else None
    return {name: curve for name, curve in curves.items() if curve is not None}


def _draw(ax: Any, curves: dict[str, np.ndarray], styles: dict[str, tuple[str, str]]) -> list[Any]:
    lines = []
    for name, (colour, style) in styles.items():
        if name in curves:
            values, label = curves[name], name.replace("val_", "validation ")
            epochs, line = np.arange(1, len(values) + 1), style if len(values) <= FEW else style[1:]
            lines += ax.plot(epochs, values, line, color=colour, markersize=3.5, label=label)
    return lines


def _whole_epochs(ax: Any) -> None:
    ticker = canvas.matplotlib("ticker")
    ax.xaxis.set_major_locator(ticker.MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def diagnosis(reports: Diagnosis | Sequence[Diagnosis], ax: Any = None, *, quantity: str = "dW") -> Any:
    """Draw one norm of each layer by epoch, on a logarithmic scale where they differ by a factor of ten or more.

    Parameters
    ----------
    reports : list of fastbp.inspection.diagnosis.Diagnosis, or one
        One an epoch, as `fastbp.callbacks.Diagnose` keeps them.
    ax : matplotlib.axes.Axes, optional
    quantity : {"dW", "dt", "h", "W", "update"}
        As `fastbp.inspection.diagnosis.LayerReport` names them. For several, call it with an Axes each.

    Returns
    -------
    matplotlib.axes.Axes
    """
    canvas.check(ax)
    checks.choice("quantity", quantity, QUANTITIES)
    norms = _norms(reports, quantity)
    ax = canvas.axes(ax)
    layers, epochs = norms.shape[1], np.arange(1, len(norms) + 1)
    shades = _shades(layers)
    for number, values in enumerate(norms.T, 1):
        colour = canvas.COLOURS[number - 1] if layers <= FEW_LAYERS else shades.to_rgba(number)
        marker = canvas.MARKERS[(number - 1) % len(canvas.MARKERS)] if len(epochs) <= FEW else ""
        ax.plot(epochs, values, color=colour, marker=marker, markersize=4, label=f"layer {number}")
    if np.isfinite(norms).any() and np.nanmax(norms) >= WIDE * np.nanmin(norms):
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel=QUANTITIES[quantity])
    _whole_epochs(ax)
    if layers <= FEW_LAYERS:
        canvas.key_above(ax, columns=3)
    else:
        ax.figure.colorbar(shades, ax=ax, label="layer")
    return ax


def _norms(reports: Any, quantity: str) -> np.ndarray:
    """Return the norms as (epochs, layers), NaN where there is nothing that a logarithm could show."""
    several = [reports] if hasattr(reports, "layers") else list(reports)
    if not several:
        raise ValueError("reports must hold a Diagnosis at least, got none")
    if not all(hasattr(report, "layers") for report in several):
        raise TypeError(f"reports must be Diagnosis objects, as Diagnose.reports is, got {type(several[0]).__name__}")
    if len({len(report.layers) for report in several}) > 1:
        raise ValueError("reports must all be of networks with as many layers")
    norms = np.array([[getattr(layer, quantity) for layer in report.layers] for report in several], float)
    return np.where(np.isfinite(norms) & (norms > 0), norms, np.nan)


def _shades(layers: int) -> Any:
    """Return the scale of colours by layer, but for its ends, which neither white nor black paper would show."""
    colours = canvas.matplotlib().colormaps[canvas.SEQUENCE](np.linspace(0.2, 0.85, 256))
    scale = canvas.matplotlib("colors").Normalize(1, max(layers, 2))
    return canvas.matplotlib("cm").ScalarMappable(scale, canvas.matplotlib("colors").ListedColormap(colours))
