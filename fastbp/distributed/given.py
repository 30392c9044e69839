"""The rows that each rank hands to `Model.fit`, checked: some ranks may have none."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import classes, frames
from ..data.labelled import labelled
from ..data.samples import Labelled, Samples
from .ranks import Ranks
from .rows import Joined, joined


def own_rows(model: Any, X: Any, y: Any, sample_weight: Any, prefix: str = "") -> Labelled:
    """Return this rank's rows; unlike in a training without ranks, there may be none, and all may weigh 0."""
    if len(X) == 0:
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            _require_no_rows(f"{prefix}{name}", value, f"{prefix}X")
        shape = (0,) if model.network.of_classes else (0, model.layer_sizes[-1])
        X = np.empty((0, model.layer_sizes[0]), model.dtype)
        y = np.empty(shape, np.int64 if model.network.of_classes else model.dtype)
        return Labelled(Samples(X, model.input_shift, model.input_scale, f"{prefix}X"), y)
    zero = sample_weight is not None and not np.any(np.asarray(sample_weight) != 0)
    data = labelled(model, X, y, np.ones(np.shape(sample_weight)) if zero else sample_weight, prefix)
    if zero:
        data.weights = np.zeros(len(data.y), model.dtype)
    return data


def _require_no_rows(name: str, value: Any, rows: str) -> None:
    """Raise ValueError if a rank hands y or weights although its X has no rows."""
    if value is None:
        return
    shape = np.shape(frames.as_target(value, name))
    if shape[:1] != (0,):
        raise ValueError(f"{name} must have no rows, as {rows} has none, got shape {shape}")


def names_of_all(ranks: Ranks, known: list[str] | None, names: list[str] | None) -> list[str] | None:
    """Return the names of X's columns: those that rank 0's model knows, or else the first that a rank hands.

    Raise ValueError on every rank if some rank's columns have others.
    """
    known = ranks.comm.bcast(known)
    if known is None:
        known = next((each for each in ranks.comm.allgather(names) if each is not None), None)
    with ranks.together():
        frames.check_names(known, names, "X")
    return known


def all_rows(ranks: Ranks, model: Any, data: Labelled, class_weight: Any) -> Joined:
    """Return the rows of all ranks, weighted by class if asked; raise an error on every rank if all weigh 0."""
    if ranks.any(class_weight is not None):
        with ranks.together():
            own = classes.counts(data.y, model.network)
        counts = sum(ranks.comm.allgather(own))
        with ranks.together():
            weights = classes.weights(class_weight, model.network, model.class_names, counts)
            each = weights[classes.of_rows(data.y, model.network)]
            both = each if data.weights is None else each * data.weights
            data.weights = both.astype(model.dtype)
    return _weighed(ranks, joined(ranks, data, model.dtype), "sample_weight")


def _weighed(ranks: Ranks, data: Joined, name: str) -> Joined:
    """Return the rows of all ranks; raise ValueError on every rank if all of them weigh 0."""
    if data.weighs:
        total = data.total()
        with ranks.together():
            if not 0 < total < np.inf:
                raise ValueError(f"{name} must not be zero for all rows, nor infinite in sum")
    return data


def split(ranks: Ranks, data: Joined, share: float, kind: np.dtype) -> tuple[Joined, Joined]:
    """Return the first rows of all and the last ones, which are this share of all; at least one of each."""
    n = len(data.y)
    first = n - max(1, round(n * share))
    with ranks.together():
        if first < 1:
            raise ValueError(f"validation_split must leave at least one row to train on, got {share} of {n} rows")
    at = int(np.clip(first - data.starts[ranks.rank], 0, len(data.own.y)))
    parts = [joined(ranks, data.own._slice(rows), kind) for rows in (slice(0, at), slice(at, None))]
    with ranks.together():
        if not all(part.total() > 0 for part in parts):
            raise ValueError(
                f"validation_split must leave rows of weight above 0 on both sides, got {share} of {n} rows"
            )
    return parts[0], parts[1]


def validation_rows(ranks: Ranks, model: Any, given: tuple[Any, ...] | None, names: list[str] | None) -> Joined | None:
    """Return the validation rows of all ranks, or None if none is given any."""
    if not ranks.any(given is not None):
        return None
    with ranks.together():
        if given is None:
            raise ValueError("validation_data must be given on every rank or on none; X may have no rows")
        X, y, weight = (*given, None)[:3]
        X, found = frames.as_array(X, "validation X")
        frames.check_names(names, found, "validation X")
        own = own_rows(model, X, y, weight, "validation ")
    return _weighed(ranks, joined(ranks, own, model.dtype), "validation sample_weight")
