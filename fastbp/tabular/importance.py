"""Which columns matter: how much worse a model predicts rows whose cells of one column are shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import rows
from .model import TableModel


def error(model: TableModel, X: Any, y: np.ndarray) -> float:
    """Return the share of wrong classes, or the root of the mean squared error."""
    predicted = model.predict(X)
    if model.classes is not None:
        return float(np.mean(predicted != y))
    return float(np.sqrt(np.mean((predicted - y) ** 2)))


def importance(model: TableModel, X: Any, y: np.ndarray, repeats: int = 3, seed: int = 0) -> np.ndarray:
    """Return how much the error grows when a column is shuffled, of each column (Breiman, 2001, section 10).

    Parameters
    ----------
    model : TableModel
    X, y : table and ndarray of shape (rows,)
        Rows that were not trained on.
    repeats, seed : int
        Shuffles of each column, and what fixes them.

    Returns
    -------
    ndarray of shape (columns,)
        Mean over the shuffles; about 0 for columns that do not matter.
    """
    random, base = np.random.default_rng(seed), error(model, X, y)
    columns = model.members[0].columns.n_columns
    grown = np.zeros(columns)
    for column in range(columns):
        for _ in range(repeats):
            grown[column] += error(model, rows.shuffled(X, column, random.permutation(len(y))), y) - base
    return grown / repeats
