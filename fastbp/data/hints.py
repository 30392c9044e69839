"""What errors about y suggest: the usual mistakes of labels and targets, each with its remedy."""

from __future__ import annotations

import numpy as np

NUMBERS = "for numbers use loss 'squared_error'"
ONE_OUTPUT = "one output tells 0 from 1 with loss 'binary_cross_entropy'"


def of_labels_shape(shape: tuple[int, ...], rows: int) -> str:
    """Return the hint for class numbers of a wrong shape, with what separates it from the error before."""
    if shape == (rows, 1):
        return "; y.ravel() has it"
    return " (class numbers, not one-hot rows: y.argmax(axis=1))" if len(shape) == 2 and shape[0] == rows else ""


def of_labels(y: np.ndarray, classes: int) -> str:
    """Return the hint for numbers that are not class numbers from 0 to below `classes`."""
    if not np.isfinite(y).all():
        return ""
    whole = bool((y == np.floor(y)).all())
    least, most = y.min(), y.max()
    if classes == 1:
        return f"; {ONE_OUTPUT}" if whole and 0 <= least and most == 1 else f"; {ONE_OUTPUT}, and {NUMBERS}"
    if not whole:
        return f"; {NUMBERS}"
    if (least, most) == (1, classes):
        return "; y - 1 begins at 0"
    if classes == 2 and np.isin(y, (-1, 1)).all():
        return "; (y + 1) // 2 makes 0 and 1 of -1 and 1"
    return f"; the last layer size, {classes}, is the number of classes" if least >= 0 else ""


def of_targets_shape(shape: tuple[int, ...], rows: int, link: str) -> str:
    """Return the hint for targets of a wrong shape."""
    return "; for one class number a row use loss 'cross_entropy'" if shape == (rows,) and link == "logistic" else ""


def of_targets(y: np.ndarray, link: str) -> str:
    """Return the hint for targets that are outside the loss's domain."""
    if link != "logistic" or not np.isfinite(y).all():
        return ""
    if np.isin(y, (-1, 1)).all():
        return "; (y + 1) / 2 makes 0 and 1 of -1 and 1"
    whole = bool((y >= 0).all() and (y == np.floor(y)).all())
    return "; for class numbers use loss 'cross_entropy'" if whole else f"; {NUMBERS}"
