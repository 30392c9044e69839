"""Which values the parameters of the tabular estimators may have, and which of them are the recipe's."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from ..data.choices import CALLED, PRECISIONS
from ..data.members import MOST
from ..kernels.entries.activation import Activation
from ..kernels.entries.optimizer import PARAMETRIZATIONS
from ..tabular.recipe import RECIPES
from .private import Interval, StrOptions

RECIPE = (
    "hidden_layer_sizes", "activation", "learning_rate", "n_epochs", "batch_size", "beta_1", "beta_2", "epsilon",
    "scaling_layer", "n_members", "parametrization", "bias_rate", "scale_rate", "waves", "stop_after_wave", "recipe",
    "dropout", "weight_decay", "number_embedding", "embed_above", "embedding_rate", "slope_rate", "first_weights",
    "clip_outputs", "dtype", "precision", "n_threads",
)  # fmt: skip
CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like"],
    "activation": [None, StrOptions(set(CALLED)), Activation],
    "learning_rate": [None, Interval(Real, 0, None, closed="neither")],
    "n_epochs": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    "scaling_layer": ["boolean"],
    "n_members": [Interval(Integral, 1, MOST, closed="both")],
    "parametrization": [StrOptions(set(PARAMETRIZATIONS))],
    "bias_rate": [Interval(Real, 0, None, closed="left")],
    "scale_rate": [Interval(Real, 0, None, closed="left")],
    "waves": [Interval(Integral, 1, 30, closed="both")],
    "stop_after_wave": ["boolean"],
    "recipe": [StrOptions(set(RECIPES))],
    "dropout": [None, Interval(Real, 0, 1, closed="left")],
    "weight_decay": [None, Interval(Real, 0, None, closed="left")],
    "number_embedding": [None, "boolean"],
    "embed_above": [None, Interval(Integral, 1, None, closed="left")],
    "embedding_rate": [Interval(Real, 0, None, closed="left")],
    "slope_rate": [Interval(Real, 0, None, closed="left")],
    "first_weights": [None, StrOptions({"normal", "data"})],
    "clip_outputs": [None, "boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "n_folds": [None, Interval(Integral, 2, None, closed="left")],
    "categorical_features": [None, "array-like"],
    "numerical_features": [None, "array-like"],
    "max_categories": [Interval(Integral, 2, None, closed="left")],
    "dtype": [StrOptions({"float32", "float64"})],
    "precision": [None, StrOptions(set(PRECISIONS))],
    "n_threads": [None, Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
    "verbose": ["verbose", StrOptions({"auto"})],
}
