"""The user's X, y and weights, checked and converted to what plans take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks, classes, frames
from .samples import Labelled, Samples
from .sparse import SparseRows

if TYPE_CHECKING:
    from ..embeddings import Embedding
    from ..model.model import Model


def samples(model: Model, X: Any, name: str = "X") -> Samples:
    """Return checked rows of X; the columns of a data frame must have the names that the model knows."""
    X, names = frames.as_array(X, name)
    frames.check_names(model.feature_names, names, name)
    rows = Samples(checks.inputs(X, model.network.layer_sizes[0], name), model.input_shift, model.input_scale, name)
    if model.network.embedding is not None:
        _check_levels(model.network.embedding, rows.X, rows.shift, rows.scale, name)
    return rows


def labelled(model: Model, X: Any, y: Any, sample_weight: Any = None, prefix: str = "") -> Labelled:
    """Return checked rows of X with their y and weights; errors name them with this prefix.

    They are views or copies, so that shapes and dtypes stay as checked if the user's own arrays get others.
    """
    inputs, outputs = samples(model, X, f"{prefix}X"), model.layer_sizes[-1]
    inputs.X = inputs.X.view()
    rows, name = inputs.X.shape[0], f"{prefix}y"
    y = classes.numbered(y, classes.names_of(model.network, model.class_names), name)
    if model.network.of_classes:
        y = checks.labels(y, rows, outputs, name)
    else:
        y = checks.targets(y, rows, outputs, model.network.loss, model.dtype, name)
    return Labelled(inputs, y, checks.weights(sample_weight, rows, model.dtype, f"{prefix}sample_weight"))


def for_training(
    model: Model,
    X: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    validation_data: Any,
    validation_split: float,
    names: list[str] | None,
) -> tuple[Labelled, Labelled | None]:
    """Return the rows to train on and those to validate on, if any; see `Model.fit`. X's columns have these names."""
    data, split = labelled(model, X, y, sample_weight), checks.share("validation_split", validation_split)
    if class_weight is not None:
        if not model.network.of_classes:
            raise ValueError(f"class_weight is for loss 'cross_entropy', not for {model.network.loss.name!r}")
        numbered = classes.numbered_keys(class_weight, classes.names_of(model.network, model.class_names))
        each = checks.class_weights(numbered, data.y, model.layer_sizes[-1])
        both = each if data.weights is None else each * data.weights
        data.weights = checks.weights(both, len(both), model.dtype, "sample_weight times class_weight")
    validation = checks.parts("validation_data", validation_data)
    if validation is not None and split:
        raise ValueError("validation_data and validation_split must not both be given")
    if validation is not None:
        X, y, weight = (*validation, None)[:3]
        frames.check_names(names, frames.as_array(X, "validation X")[1], "validation X")
        return data, labelled(model, X, y, weight, "validation ")
    return data.split(split) if split else (data, None)


def _check_levels(embedding: Embedding, X: Any, shift: Any, scale: Any, name: str) -> None:
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
