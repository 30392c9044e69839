"""What people and type checkers are told of the estimators: docstrings, scikit-learn's and ours, and types."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing_extensions import Self

_SUMMARY = """scikit-learn's {name}, computed by compiled kernels.

It has the parameters, attributes and methods of `sklearn.neural_network.{name}`, draws the same random numbers
and gives the same results up to rounding. Some parameters take more values, and some are added.
"""
_PARAMETERS = """solver : str, default="adam"
    "lbfgs" or the name of any optimizer in `fastbp.optimizers`, which takes those of its settings that are parameters
    here. "lbfgs" has no minibatches: it refuses dropout, layer_norm, activations with a trained parameter, clip_value,
    clip_norm, schedule, scoring and X_val.
activation : str, Activation or list of them, default="relu"
    One for all hidden layers or one for each, from `fastbp.activations`. `slopes_` holds the trained parameters of
    those that have one.
weight_decay : float, default=0.01
    Setting of the solvers that have it, as in `fastbp.optimizers`.
rho : float, default=0.9
    Setting of the solvers that have it, as in `fastbp.optimizers`.
initializer : str, optional
    Of the weights, as in `fastbp.Model`. By default scikit-learn's own.
scoring : str or callable, optional
    What early stopping uses: "loss", or a scorer or its name. By default {score}.
dropout : float or list of float, default=0.0
    Share of the outputs of all hidden layers, or of each, that a training step drops.
layer_norm : bool or list of bool, default=False
    Whether all hidden layers, or each, are normalized before the activation. `gains_` and `offsets_` hold the trained
    parameters of those that are.
l1 : float, default=0.0
    Strength of a penalty on the magnitudes of the weights, divided by the number of rows as `alpha` is.
clip_value : float, optional
    Largest magnitude of an element of the gradient.
clip_norm : float, optional
    Largest norm of the gradient.
schedule : object of fastbp.schedules, optional
    Factors of the learning rate from step to step. With `warm_start`, and in `partial_fit`, they go on from the steps
    that were taken. The schedule's total is the end of `max_iter` epochs, in `partial_fit` of so many calls.
precision : {{"bfloat16"}}, optional
    "bfloat16" rounds what products take to bfloat16, as in `fastbp.Model`. Weights and their training are float32 then,
    also where X is float64. Not for "lbfgs".
n_threads : int, optional
    Largest number of threads. Results are the same to the bit for any number.
"""
CLASSIFIER = """class_weight : dict of {class: weight} or "balanced", optional
    Weight of the rows of each class in training. Rows of validation are not weighed by their classes.
label_smoothing : float, default=0.0
    Share of y that is spread over all classes.
"""
REGRESSOR = """loss : str or Loss, default="squared_error"
    Error of an output, averaged over outputs and rows: any loss of numbers in `fastbp.losses`.
delta : float, default=1.0
    Residual size at which the loss "huber" becomes linear.
"""
_ATTRIBUTES = """validation_loss_curve_ : list of float
    Loss of the validation data after each epoch, where there are any.
gains_ : list of ndarray
    Trained factors of the hidden layers that are normalized.
offsets_ : list of ndarray
    Trained summands of the hidden layers that are normalized.
slopes_ : list of ndarray
    Trained parameters of the activations that have one.
"""
_REST = """
See Also
--------
sklearn.neural_network.{name} : The class that this one inherits from.
fastbp.Model : The same networks with fewer checks, class numbers for labels and all losses.

Notes
-----
From scikit-learn 1.9 on, `set_callbacks` takes callbacks of its protocol. Each epoch is a task, after which a callback
may end training; with "lbfgs" the whole fit is one task.

Examples
--------
>>> from sklearn.datasets import {data}
>>> from fastbp.sklearn import {name}
>>> X, y = {data}({arguments}, random_state=0)
>>> estimator = {name}(hidden_layer_sizes=(16,), solver="lbfgs", tol=0.01, random_state=0)
>>> estimator.fit(X, y).score(X, y) > 0.9
True
"""


def _described(parent: Any, section: str, *ours: str) -> str:
    """Return a section of the parent's docstring with our entries, which take the place of its own of the same name."""
    sections = re.split(r"^(.+)\n-+\n", inspect.getdoc(parent) or "", flags=re.MULTILINE)
    theirs = dict(zip(sections[1::2], sections[2::2], strict=True)).get(section, "")
    entries = {}
    for text in (theirs, *ours):
        for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
            if entry.strip():
                entries[entry.partition(" ")[0]] = entry.rstrip()
    return f"\n{section}\n{'-' * len(section)}\n" + "\n".join(entries.values()) + "\n"


def class_docstring(parent: Any, own: str, score: str, data: str, arguments: str) -> str:
    """Return the docstring of a class: the parent's parameters and attributes, with ours."""
    filled = {"name": parent.__name__, "score": score, "data": data, "arguments": arguments}
    parameters = _described(parent, "Parameters", _PARAMETERS.format(**filled), own)
    return (
        _SUMMARY.format(**filled) + parameters + _described(parent, "Attributes", _ATTRIBUTES) + _REST.format(**filled)
    )


class Attributes:
    """Types of what both estimators have from scikit-learn, which has none, and from their constructors."""

    hidden_layer_sizes: Any
    activation: Any
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: int
    max_fun: int
    weight_decay: float
    rho: float
    initializer: str | None
    scoring: Any
    dropout: Any
    layer_norm: Any
    l1: float
    clip_value: float | None
    clip_norm: float | None
    schedule: Any
    precision: str | None
    n_threads: int | None

    # ---- after `fit`

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    n_features_in_: int
    n_outputs_: int
    n_layers_: int
    out_activation_: str
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    n_iter_: int
    t_: int

    if TYPE_CHECKING:
        loss: Any  # a regressor's is its parameter
        feature_names_in_: np.ndarray  # where X had names

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...  # noqa: D102
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...  # noqa: D102
        def set_params(self, **params: Any) -> Self: ...  # noqa: D102
