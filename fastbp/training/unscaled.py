"""What is said of inputs and targets that are not scaled, where training failed because of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..callbacks import warning
from ..data.samples import Labelled
from ..data.sparse import SparseRows
from ..execution.plan import Plan
from ..network import Network
from . import scores

FEW = 8  # rows that are looked at after each call of fit: so few that short calls take no longer
ROWS = 256  # evenly spread over the data, by which it is judged
LEAST, MOST = 1e-2, 10.0  # root mean square of scaled inputs; initial weights are made for 1
MOST_TARGET = 100.0  # root mean square of targets: beyond it, the first errors are too large for usual rates
STEPS = 20  # after fewer, any training may still predict no better than a constant
USELESS = 0.95  # of the error of the best constant prediction; of numbers R2 below what is left of 1


def rms(data: Labelled, dtype: np.dtype, rows: int = ROWS) -> float:
    """Return the root mean square of the network's inputs, of some rows; of sparse ones that of their entries."""
    samples = _some(data, dtype, rows).samples
    X: Any = samples.X
    if isinstance(X, SparseRows):
        entries = slice(X.indptr[0], X.indptr[-1])
        scale = np.broadcast_to(1.0 if samples.scale is None else samples.scale, X.shape[1])
        x = X.data[entries].astype(np.float64) * scale[X.indices[entries]]
    else:
        x = X.astype(np.float64)
    return float(np.sqrt(np.square(x).mean())) if x.size else 1.0


def hint(data: Labelled, dtype: np.dtype) -> str:
    """Return what to do about inputs or targets that are not scaled, a sentence, or nothing where they are."""
    size = rms(data, dtype)
    if LEAST <= size <= MOST:
        return _of_targets(data)
    remedy = "input_shift to the means of X's columns and input_scale to 1 over their standard deviations"
    if isinstance(data.samples.X, SparseRows):
        remedy = "input_scale to 1 over the root mean squares of the entries of X's columns"
    return (
        f"The inputs of the network are not scaled: their root mean square is {size:.3g}, weights are made for 1. "
        f"Set {remedy}"
    )


def _of_targets(data: Labelled) -> str:
    some = data.y[:: max(1, len(data.y) // ROWS)]
    if some.dtype.kind != "f" or not some.size:
        return ""
    size = float(np.sqrt(np.square(some.astype(np.float64)).mean()))
    if size <= MOST_TARGET:
        return ""
    return (
        f"The targets are not scaled: the root mean square of y is {size:.3g}, the first predictions are near 0. "
        "Train on (y - mean) / deviation of y's columns, and scale predictions back"
    )


def warn(network: Network, dtype: np.dtype, plan: Plan, data: Labelled) -> None:
    """Warn if the inputs are not scaled and the trained plan predicts no better than a constant would."""
    if plan.steps < STEPS or LEAST <= rms(data, dtype, FEW) <= MOST:
        return
    remedy = hint(data, dtype)
    if remedy and _useless(network, plan, _some(data, dtype)):
        text = f"training failed: predictions are no better than a constant. {remedy}."
        warning.warn(text, UserWarning)


def _some(data: Labelled, dtype: np.dtype, rows: int = ROWS) -> Labelled:
    """Return some of the rows as the network takes them, or sparse ones as they are."""
    n, samples = len(data.y), data.samples
    few = min(n, rows)
    picked = np.arange(few) * (n - 1) // max(few - 1, 1)  # evenly spread
    if isinstance(samples.X, SparseRows):
        return Labelled(replace(samples, X=samples.X[picked]), data.y[picked])
    return Labelled(data.samples.converted(picked, dtype), data.y[picked])


def _useless(network: Network, plan: Plan, some: Labelled) -> bool:
    z = np.empty((len(some.y), network.layer_sizes[-1]), plan.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        plan.predict(some.samples, z)
        if network.classifies:
            return _guesses(network, some.y, z.astype(np.float64))
        return not scores.r2(some.y, z) > 1 - USELESS


def _guesses(network: Network, y: np.ndarray, z: np.ndarray) -> bool:
    """Return whether neither the error nor the accuracy is better than that of a constant prediction."""
    if network.of_classes:
        shares = np.bincount(y, minlength=z.shape[1]) / len(y)
        known, most = shares[shares > 0], shares.max()
        least = -(known * np.log(known)).sum()
        error, right = -np.log(np.maximum(z[np.arange(len(y)), y], 1e-300)).mean(), (z.argmax(axis=1) == y).mean()
    else:
        p, z, tiny = y.mean(axis=0, dtype=np.float64), z.clip(1e-300, 1 - 1e-16), 1e-300
        least = -(p * np.log(p + tiny) + (1 - p) * np.log(1 - p + tiny)).sum()
        error = -(y * np.log(z) + (1 - y) * np.log(1 - z)).sum(axis=1).mean()
        most, right = np.maximum(p, 1 - p).mean(), ((z > 0.5) == (y > 0.5)).mean()
    chance = 2 * np.sqrt(most * (1 - most) / len(y))
    return bool(least > 0 and error >= USELESS * least and right <= most + chance)
