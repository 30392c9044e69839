"""Rows as users give them, arrays or a source, and what they become: `Labelled` or `Streamed`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .. import checks, frames
from ..labelled import labelled, weigh_classes
from ..samples import Labelled
from ..sparse import SparseRows
from .pieces import Pieces, is_given, is_iterator
from .source import Source

if TYPE_CHECKING:
    from ...model.model import Model
    from .streamed import Streamed

Rows: TypeAlias = "Labelled | Streamed"


def source(X: Any, y: Any = None, name: str = "X") -> Source | None:
    """Return the source that X is, or None for an array, a frame or a list.

    Raises TypeError for an iterator, which gives its rows once only, and for a dataset of Arrow, whose target is not
    known; ValueError for y beside a source, which brings its own.
    """
    if isinstance(X, (np.ndarray, list, SparseRows)):
        return None
    if isinstance(X, Source):
        found = X
    elif is_iterator(X):
        raise TypeError(
            f"{name} is a {type(X).__name__}, which gives its rows once only; give a function that returns a fresh one"
        )
    elif type(X).__module__.startswith("pyarrow._dataset"):
        raise TypeError(f"{name} is a dataset of Arrow; give fastbp.data.Arrow({name}, target=...)")
    elif y is None and is_given(X):
        found = Pieces(X)
    else:
        return None
    if y is not None:
        raise ValueError(f"y must be left out where {name} is a source, which brings it")
    return found


def rows(model: Model, X: Any, y: Any, sample_weight: Any = None, name: str = "X") -> Rows:
    """Return labelled rows of X, which may be a source, checked."""
    found = source(X, y, name)
    if found is None:
        return labelled(model, X, _given(X, y), sample_weight, name.removesuffix("X"))
    if sample_weight is not None:
        raise ValueError(f"sample_weight must be left out where {name} is a source, which brings the weights of rows")
    from .streamed import Streamed  # here, as most programs train on arrays

    return Streamed(model, found, name)


def for_training(
    model: Model, X: Any, y: Any, sample_weight: Any, class_weight: Any, validation_data: Any, validation_split: float
) -> tuple[Rows, Rows | None, list[str] | None]:
    """Return the rows to train on, those to validate on, if any, and the names of X's columns; see `Model.fit`."""
    share = checks.share("validation_split", validation_split)
    if source(X, y) is not None:
        streamed = rows(model, X, y, sample_weight)
        assert not isinstance(streamed, Labelled)
        if class_weight is not None:
            streamed.weigh_classes(class_weight)
        if share:
            raise ValueError("validation_split is for arrays; of a source, give validation_data a source of its own")
        return streamed, _validation(model, validation_data, streamed.feature_names), streamed.feature_names
    y = _given(X, y)
    X, names = frames.as_array(X, "X")
    frames.check_names(model.feature_names, names, "X")
    data = labelled(model, X, y, sample_weight)
    if validation_data is not None and share:
        checks.parts("validation_data", validation_data)
        raise ValueError("validation_data and validation_split must not both be given")
    to_train, validation = data.split(share) if share else (data, _validation(model, validation_data, names))
    weigh_classes(model, to_train, class_weight)
    return to_train, validation, names


def _validation(model: Model, validation_data: Any, names: list[str] | None) -> Rows | None:
    """Return the rows to validate on, if any: of (X, y), (X, y, sample_weight) or a source."""
    if validation_data is None:
        return None
    if not isinstance(validation_data, (tuple, list)) and source(validation_data, None, "validation_data") is not None:
        streamed = rows(model, validation_data, None, None, "validation_data")
        assert not isinstance(streamed, Labelled)
        frames.check_names(names, streamed.feature_names, "validation_data")
        return streamed
    X, y, weight = (*(checks.parts("validation_data", validation_data) or ()), None)[:3]
    frames.check_names(names, frames.as_array(X, "validation X")[1], "validation X")
    return labelled(model, X, y, weight, "validation ")


def _given(X: Any, y: Any) -> Any:
    if y is not None:
        return y
    if isinstance(X, (str, os.PathLike)):
        raise TypeError("X must be rows, got a path: give fastbp.data.Csv(path, target=...), or Parquet or Npy")
    raise TypeError("y must be given where X is an array; only sources bring their own")
