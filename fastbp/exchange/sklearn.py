"""From and to scikit-learn's MLPClassifier and MLPRegressor: the same predictions, to rounding."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

try:
    from sklearn import __version__ as sklearn_version
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import LabelBinarizer
    from sklearn.utils.multiclass import type_of_target
except ImportError as error:
    raise ImportError(
        f"from_sklearn and to_sklearn need scikit-learn: pip install 'fastbp[sklearn]' ({error})"
    ) from error

from ..data import choices
from ..kernels import activations as entries
from ..kernels.entries.loss import Loss
from ..kernels.entries.optimizer import Optimizer
from ..kernels.losses import LOSSES
from ..kernels.optimizers import OPTIMIZERS, Adam
from ..model.model import Model
from .common import LOSS_OF, checked_model, layers_of, quoted, refuse_own_loss, set_parameters, trained_with

AUTO_BATCH = 200  # rows of a minibatch where batch_size="auto"


def from_sklearn(mlp: Any) -> Model:
    """Return a model that predicts what a fitted scikit-learn network predicts.

    Class numbers are places in `mlp.classes_`, whose names the model keeps and predicts; one logistic output is the
    probability of `mlp.classes_[1]`. The optimizer's numbers come along, but not its state: training begins anew, for
    "lbfgs" with "adam" as it is by default. `l2` is alpha over the rows of a minibatch, 200 where that is "auto".

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPClassifier or MLPRegressor
        Those of fastbp.sklearn included.

    Returns
    -------
    Model
        Of the dtype of `mlp.coefs_`.

    Raises
    ------
    TypeError
        Where it is another estimator.
    ValueError
        Where it is not fitted, knows one class only, `out_activation_` is not as `fit` sets it, or a setting has no
        counterpart.
    """
    if not isinstance(mlp, (MLPClassifier, MLPRegressor)):
        hint = "; of a pipeline pass the last step, pipeline[-1]" if hasattr(mlp, "steps") else ""
        raise TypeError(f"mlp must be an MLPClassifier or MLPRegressor, got {type(mlp).__name__}{hint}")
    if not hasattr(mlp, "coefs_"):
        raise ValueError(f"mlp must be fitted, got a {type(mlp).__name__} without coefs_; call its fit first")
    _check_output(mlp)
    names = getattr(mlp, "feature_names_in_", None)
    model = Model(
        [mlp.coefs_[0].shape[0], *(W.shape[1] for W in mlp.coefs_)],
        mlp.activation,
        dtype="float32" if getattr(mlp, "precision", None) else np.result_type(*mlp.coefs_, *mlp.intercepts_),
        optimizer=_optimizer(mlp),
        loss=_loss(mlp),
        l2=mlp.alpha / batch_size(mlp),
        feature_names=None if names is None else [str(name) for name in names],
        class_names=_class_names(mlp) if isinstance(mlp, MLPClassifier) else None,
        **_beyond(mlp),
    )
    return set_parameters(model, list(_layers(mlp, model)))


def _check_output(mlp: Any) -> None:
    """Raise ValueError if `out_activation_` was set to one that no loss of the network goes with."""
    if isinstance(mlp, MLPRegressor):
        usual = choices.loss(mlp.loss).link
    else:
        usual = "softmax" if mlp._label_binarizer.y_type_ == "multiclass" else "logistic"
    if mlp.out_activation_ != usual:
        raise ValueError(
            f"mlp.out_activation_ must be {usual!r}, as fit sets it, got {mlp.out_activation_!r}: a Model's output "
            "follows from its loss"
        )


def _layers(mlp: Any, model: Model) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the fitted parameters of each layer, in the model's order."""
    norms = zip(getattr(mlp, "gains_", ()), getattr(mlp, "offsets_", ()), strict=True)
    slopes = iter(getattr(mlp, "slopes_", ()))
    for W, b, layer in zip(mlp.coefs_, mlp.intercepts_, layers_of(model), strict=True):
        yield W, b, *(next(norms) if layer.norm else ()), *([next(slopes)] if layer.slopes else [])


def batch_size(mlp: Any) -> int:
    """Return the rows of a minibatch."""
    return AUTO_BATCH if mlp.batch_size == "auto" else mlp.batch_size


def _beyond(mlp: Any) -> dict[str, Any]:
    """Return what a model takes from an estimator of fastbp.sklearn alone."""
    if not hasattr(mlp, "layer_norm"):
        return {}
    settings = {name: getattr(mlp, name) for name in ("dropout", "layer_norm", "clip_value", "clip_norm", "precision")}
    return settings | {"l1": mlp.l1 / batch_size(mlp)}


def _loss(mlp: Any) -> Loss:
    """Return the loss of an estimator, with the settings that those of fastbp.sklearn have."""
    name = mlp.loss if isinstance(mlp, MLPRegressor) else LOSS_OF[mlp.out_activation_]
    if isinstance(name, Loss):
        return name
    kind = LOSSES[name]
    return kind(**{field.name: getattr(mlp, field.name) for field in fields(kind) if hasattr(mlp, field.name)})


def _loss_of_regressor(model: Model) -> dict[str, str]:
    """Return the parameter `loss` of a regressor, which scikit-learn has since 1.7."""
    name = LOSS_OF[model.loss.link]
    if "loss" in MLPRegressor._get_param_names():
        return {"loss": name}
    if name == "poisson":
        raise ValueError(f"loss {model.loss.name!r} needs scikit-learn 1.7 or newer, found {sklearn_version}")
    return {}


def _optimizer(mlp: Any) -> Optimizer:
    """Return the optimizer of an estimator, with its settings."""
    if mlp.solver == "lbfgs":
        return Adam()
    kind = OPTIMIZERS[mlp.solver]
    settings = {field.name: getattr(mlp, field.name) for field in fields(kind)[1:] if hasattr(mlp, field.name)}
    if mlp.solver == "sgd":
        settings["nesterov"] = bool(mlp.nesterovs_momentum)
    return kind(float(mlp.learning_rate_init), **settings)


def _class_names(mlp: Any) -> list[str]:
    """Return a name for each class: whole numbers without a point, whatever their dtype."""
    if len(mlp.classes_) < 2:
        raise ValueError(f"mlp must know two classes or more, got one: {mlp.classes_.tolist()[0]!r}")
    classes = mlp.classes_.tolist()
    return [str(int(c) if isinstance(c, float) and c.is_integer() else c) for c in classes]


def to_sklearn(model: Model, classes: Any = None) -> MLPClassifier | MLPRegressor:
    """Return a fitted scikit-learn network that predicts what a model predicts.

    It scores, and trains on with `partial_fit` or `warm_start`, with an optimizer that begins anew. Its classes are
    sorted, as scikit-learn has them, and its last layer's columns with them. Two softmax outputs become one logistic
    output with the difference of their weights, the only form that scikit-learn has for two classes. The scales of a
    scaling layer become part of the first layer's weights.

    Parameters
    ----------
    model : Model
    classes : array-like of labels, optional
        What y calls the classes, in the order of the outputs; of one logistic output both its 0 and its 1. By default
        `class_names`, as integers where all of them are, or numbers from 0; for one logistic output 0 and 1.

    Returns
    -------
    MLPClassifier or MLPRegressor
        The latter for losses of numbers and counts.

    Warns
    -----
    UserWarning
        Where it would train on with another loss of numbers, or without label smoothing, `l1`, `dropout`, clipping,
        scaling layer, parametrization "ntk" or `rate_factors`.

    Raises
    ------
    TypeError
        Where `model` is none.
    ValueError
        Where scikit-learn has no such network: hidden layers of different activations or of one that it does not know,
        layer normalization, a loss of the user's own, inputs shifted or scaled, a softmax over one class; or where
        `classes` do not fit.
    """
    refuse_own_loss(checked_model(model), "counterpart in scikit-learn", "converted")
    link, layers = model.loss.link, [(layer.W.copy(), layer.b.copy()) for layer in layers_of(model)]
    activation = _activation(model)
    if any(model.network.layer_norms):
        raise ValueError("scikit-learn has no layer normalization, the model has layer_norm")
    if model.input_shift is not None or model.input_scale is not None:
        raise ValueError(
            "scikit-learn's networks take X as it is, but the model has input_shift or input_scale; convert a model "
            "without them and put the scaling before it in a Pipeline (fastbp/exchange/README.md shows how)"
        )
    settings = _settings(model, activation)
    if link in ("identity", "exp"):
        if classes is not None:
            raise ValueError(f"classes must be None for loss {model.loss.name!r}, got {classes!r}")
        mlp = MLPRegressor(**_loss_of_regressor(model), **settings)
    else:
        mlp = MLPClassifier(**settings)
        mlp._label_binarizer, order = _binarizer(model, classes)
        mlp.classes_ = mlp._label_binarizer.classes_
        W, b = layers[-1]
        if link == "softmax" and len(order) == 2:
            link, W, b = "logistic", W[:, order[1:]] - W[:, order[:1]], b[order[1:]] - b[order[:1]]
        elif link == "softmax":
            W, b = W[:, order], b[order]
        elif order[0] == 1:  # the one output is to be the probability of what it was against
            W, b = -W, -b
        layers[-1] = np.ascontiguousarray(W), b
    _set_fitted(mlp, layers, link)
    if model.feature_names is not None:
        mlp.feature_names_in_ = np.array(model.feature_names, dtype=object)
    _warn_of_training(model)
    return mlp


def _warn_of_training(model: Model) -> None:
    """Warn if scikit-learn lacks what the model is trained with."""
    lacking = trained_with(model)
    known, changes = LOSS_OF[model.loss.link], [f"without {', '.join(lacking)}"] if lacking else []
    if model.loss.link in ("identity", "exp") and model.loss.name != known:
        changes.insert(0, f"with the loss {known!r} in place of {model.loss.name!r}")
    if changes:
        told = f"scikit-learn's network predicts the same, but would train on {' and '.join(changes)}"
        warnings.warn(told, UserWarning, stacklevel=4)


def _activation(model: Model) -> str:
    """Return the one activation of all hidden layers; scikit-learn's default where there are none."""
    each = sorted(set(model.network.activations[:-1]), key=str) or [entries.RELU]
    if len(each) > 1:
        found = quoted(F.name for F in each)
        raise ValueError(f"scikit-learn has one activation for all hidden layers, the model has {found}")
    if each[0].elsewhere.sklearn is None:
        known = quoted(F.elsewhere.sklearn for F in entries.ALL if F.elsewhere.sklearn)
        raise ValueError(f"scikit-learn has no activation {each[0].name!r}, only {known}")
    return each[0].elsewhere.sklearn


def _settings(model: Model, activation: str) -> dict[str, Any]:
    optimizer = model.optimizer.settings()
    if "nesterov" in optimizer:
        optimizer["nesterovs_momentum"] = optimizer.pop("nesterov")
    known = set(inspect.signature(MLPClassifier).parameters)
    return {
        "hidden_layer_sizes": model.layer_sizes[1:-1],
        "activation": activation,
        "solver": model.optimizer.name,
        "learning_rate_init": model.learning_rate,
        "alpha": model.network.l2 * AUTO_BATCH,
        **{name: value for name, value in optimizer.items() if name in known},
    }


def _binarizer(model: Model, classes: Any) -> tuple[LabelBinarizer, np.ndarray]:
    """Return scikit-learn's keeper of the classes, and each class's place among the model's."""
    outputs, binarizer = model.layer_sizes[-1], LabelBinarizer()
    softmax = model.loss.link == "softmax"
    if softmax and outputs == 1:
        raise ValueError("scikit-learn's classifiers know two classes or more, the model has one")
    if not softmax and outputs > 1:
        if classes is not None:
            raise ValueError(f"classes must be None for {outputs} logistic outputs, numbered by scikit-learn")
        return binarizer.fit(np.eye(outputs, dtype=int)), np.arange(outputs)
    count = outputs if softmax else 2
    labels = _labels(model, count) if classes is None else np.asarray(classes)
    if labels.shape != (count,) or len(np.unique(labels)) != count:
        raise ValueError(f"classes must be {count} different labels, got {classes!r}")
    if type_of_target(labels) not in ("binary", "multiclass"):
        raise ValueError(f"classes must be labels that scikit-learn takes for classes, got {classes!r}")
    return binarizer.fit(labels), np.argsort(labels)


def _labels(model: Model, count: int) -> np.ndarray:
    names = model.class_names
    if names is None or len(names) != count:
        return np.arange(count)
    try:
        numbers = [int(name) for name in names]
    except ValueError:
        return np.array(names)
    return np.array(numbers if [str(number) for number in numbers] == names else names)


def _set_fitted(mlp: Any, layers: list[tuple[np.ndarray, np.ndarray]], link: str) -> None:
    """Set what scikit-learn's fit leaves behind, as if no row had been seen yet."""
    mlp.coefs_, mlp.intercepts_ = [W for W, _ in layers], [b for _, b in layers]
    mlp.n_features_in_, mlp.n_outputs_ = layers[0][0].shape[0], layers[-1][0].shape[1]
    mlp.n_layers_, mlp.out_activation_ = len(layers) + 1, link
    mlp.n_iter_, mlp.t_, mlp.loss_curve_ = 0, 0, []
    mlp.loss_ = mlp.best_loss_ = np.inf
    mlp.validation_scores_ = mlp.best_validation_score_ = None
    mlp._no_improvement_count = 0
    mlp._best_coefs, mlp._best_intercepts = [W.copy() for W, _ in layers], [b.copy() for _, b in layers]
