"""The user's X, y and weights, checked and converted to what plans take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks, classes, frames
from .samples import Labelled, Samples
from .sources.source import Source
from .sparse import SparseRows

if TYPE_CHECKING:
    from ..embeddings import Embedding
    from ..model.model import Model


def samples(model: Model, X: Any, name: str = "X") -> Samples:
    """Return checked rows of X; the columns of a data frame must have the names that the model knows."""
    if isinstance(X, Source):
        raise TypeError(
            f"{name} must be an array here, not a source of rows; fit, evaluate and predict of a Model take one"
        )
    X, names = frames.as_array(X, name)
    frames.check_names(model.feature_names, names, name)
    rows = Samples(checks.inputs(X, model.network.layer_sizes[0], name), model.input_shift, model.input_scale, name)
    if model.network.embedding is not None:
        check_levels(model.network.embedding, rows.X, rows.shift, rows.scale, name)
    return rows


def labelled(model: Model, X: Any, y: Any, sample_weight: Any = None, prefix: str = "") -> Labelled:
    """Return checked rows of X with their y and weights; errors name them with this prefix.

    They are views or copies, so that shapes and dtypes stay as checked if the user's own arrays get others.
    """
    inputs = samples(model, X, f"{prefix}X")
    inputs.X = inputs.X.view()
    rows = inputs.X.shape[0]
    y = targets(model, y, rows, f"{prefix}y")
    return Labelled(inputs, y, checks.weights(sample_weight, rows, model.dtype, f"{prefix}sample_weight"))


def targets(model: Model, y: Any, rows: int, name: str = "y") -> np.ndarray:
    """Return y of so many rows, checked: class numbers, or numbers of the model's dtype."""
    outputs = model.layer_sizes[-1]
    y = classes.numbered(y, classes.names_of(model.network, model.class_names), name)
    if model.network.of_classes:
        return checks.labels(y, rows, outputs, name)
    return checks.targets(y, rows, outputs, model.network.loss, model.dtype, name)


def weigh_classes(model: Model, data: Labelled, class_weight: Any) -> None:
    """Multiply the weights of rows to train on by those of their classes, where any are given."""
    if class_weight is None:
        return
    network = model.network
    weights = classes.weights(class_weight, network, model.class_names, classes.counts(data.y, network))
    each = weights[classes.of_rows(data.y, network)]
    both = each if data.weights is None else each * data.weights
    data.weights = checks.weights(both, len(both), model.dtype, "sample_weight times class_weight")


def check_levels(embedding: Embedding, X: Any, shift: Any, scale: Any, name: str) -> None:
    """Raise ValueError where a column that is embedded by a table does not hold numbers of its levels."""
    if not embedding.categories:
        return
    if isinstance(X, SparseRows):
        raise ValueError(f"{name} must be dense where the model embeds categories, got a sparse array")
    for column, levels in embedding.categories:
        for what, value, none in (("input_shift", shift, 0), ("input_scale", scale, 1)):
            if value is not None and np.broadcast_to(value, X.shape[1])[column] != none:
                raise ValueError(f"{what} must be {none} for column {column}, whose levels are embedded")
        values = np.asarray(X[:, column])
        wrong = ~((values >= 0) & (values < levels) & (values == np.floor(values)))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"{name} must hold whole numbers from 0 to {levels - 1} in column {column}, whose levels are embedded, "
                f"got {values[row]} in row {row}"
            )
