"""What an estimator keeps between calls of `predict`: nothing of its parameters, which users may edit at any time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data.samples import Samples
from ..data.sparse import is_csr, sparse_rows
from ..execution.in_place import InPlacePredictor
from ..execution.pool import PlanPool
from ..execution.rows import Layers

KEPT = 4  # combinations of settings and dtypes that are kept
_READ = (
    "activation", "out_activation_", "loss", "delta", "label_smoothing", "alpha", "l1", "dropout", "layer_norm",
    "clip_value", "clip_norm", "precision", "n_threads",
)  # fmt: skip
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


@dataclass(frozen=True, slots=True)
class Served:
    """What predicts with some settings, and the function of the outputs where users have set `out_activation_`."""

    predictor: InPlacePredictor
    output: Callable[[np.ndarray], Any] | None
    vectors: list[tuple[bool, bool]]  # whether each layer is normalized, and whether its activation has a parameter


@dataclass(slots=True)
class Serving:
    """Plans of one estimator. Several threads may ask at once."""

    pool: PlanPool = field(default_factory=PlanPool)
    _kept: dict[Any, Served] = field(default_factory=dict)

    def find(self, key: Any, make: Callable[[], Served]) -> Served:
        """Return what was made for these settings, or make it."""
        try:
            found = self._kept.get(key)
        except TypeError:  # a setting such as an array has no hash
            return make()
        if found is None:
            found = make()
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found


def settings(estimator: Any, kind: np.dtype) -> tuple[Any, ...]:
    """Return all that a network depends on, as a key."""
    values = [getattr(estimator, name, None) for name in _READ]
    targets = getattr(getattr(estimator, "_label_binarizer", None), "y_type_", None)
    return (
        type(estimator), kind, targets, tuple(map(np.shape, estimator.coefs_)), len(estimator.intercepts_),
        *[tuple(value) if isinstance(value, list) else value for value in values],
    )  # fmt: skip


def layers_of(estimator: Any, served: Served) -> Layers | None:
    """Return the fitted W and vectors of each layer, or None if one has another shape than the network's."""
    gains, offsets, slopes = (iter(getattr(estimator, name, ())) for name in ("gains_", "offsets_", "slopes_"))
    layers: Layers = []
    for W, b, (norm, sloped), shapes in zip(
        estimator.coefs_, estimator.intercepts_, served.vectors, served.predictor.shapes, strict=True
    ):
        layer = [W, b]
        if norm:
            layer += [next(gains, ()), next(offsets, ())]
        if sloped:
            layer.append(next(slopes, ()))
        layers.append(tuple([np.asarray(array) for array in layer]))
        if tuple([array.shape for array in layers[-1]]) != shapes:
            return None
    return layers


def samples(X: Any, checked: bool = False) -> Samples:
    """Return rows whose shape and dtype stay when those of the user's own array change.

    With `checked`, the column indices of a sparse array have been, or are left to the kernels.
    """
    rows: Any = X.view() if isinstance(X, np.ndarray) else sparse_rows(X, "X", indices=not checked)
    return Samples(rows)


def needs_no_check(estimator: Any, X: Any) -> bool:
    """Return whether checks of X could only find NaN, infinity or wrong column indices, as compiled kernels do."""
    return (
        (type(X) is np.ndarray or is_csr(X))
        and X.dtype in _DTYPES
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == getattr(estimator, "n_features_in_", None)
        and not hasattr(estimator, "feature_names_in_")
    )
