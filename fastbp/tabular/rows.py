"""Rows of a table: picked, and a column shuffled among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import frames


def picked(X: Any, rows: np.ndarray) -> Any:
    """Return some rows of a frame or array in this order, as what X is; `rows` holds numbers, or is a mask."""
    rows = np.flatnonzero(rows) if rows.dtype == bool else rows
    frame = None if isinstance(X, np.ndarray) else frames.as_frame(X, "X")
    return X[rows] if frame is None else frame[rows.tolist()].to_native()


def shuffled(X: Any, column: int, order: np.ndarray) -> Any:
    """Return a frame or array whose cells of one column are in another order."""
    frame = None if isinstance(X, np.ndarray) else frames.as_frame(X, "X")
    if frame is None:
        copy = X.copy()
        copy[:, column] = X[order, column]
        return copy
    name = frame.columns[column]
    return frame.with_columns(frame[name][order.tolist()].alias(name)).to_native()
