"""Activations, losses and optimizers by name or as objects, as `Model` takes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from ..kernels.activations import ACTIVATIONS
from ..kernels.entries.activation import Activation
from ..kernels.entries.loss import Loss, PointLoss
from ..kernels.entries.optimizer import Optimizer
from ..kernels.losses import INTERNAL, LOSSES, CrossEntropy
from ..kernels.optimizers import OPTIMIZERS
from . import checks

T = TypeVar("T")
PRECISIONS = ("bfloat16",)
CALLED: dict[str, Activation] = ACTIVATIONS | {
    alias: F for F in ACTIVATIONS.values() for alias in (*F.elsewhere.aliases, F.elsewhere.torch) if alias
}
ALSO_LOSSES: dict[str, type[Loss]] = LOSSES | {alias: loss for loss in LOSSES.values() for alias in loss.aliases}
OF_ONE: dict[str, type[Loss]] = {alias: loss for loss in LOSSES.values() for alias in loss.aliases_of_one}
HALF = "'squared_error', which is half the square, summed over the outputs"
NEARLY: dict[str, dict[str, str]] = {
    "loss": {
        **dict.fromkeys(("mse", "mean_squared_error", "MSELoss", "l2", "l2_loss"), HALF),
        **dict.fromkeys(
            ("categorical_crossentropy", "nll_loss"), "'cross_entropy', which takes class numbers, y.argmax(axis=1)"
        ),
        "log_loss": "'cross_entropy', or 'binary_cross_entropy' for one output",
        "PoissonNLLLoss": "'poisson', which has a term of y more",
        "ce": "'cross_entropy'",
    },
    "activation": {
        "softmax": "the loss 'cross_entropy', whose outputs are softmax(t)",
        **dict.fromkeys(("gelu_tanh", "gelu_new", "gelu_pytorch_tanh", "gelu_approximate"), "'gelu', which is exact"),
        "none": "'identity'",
    },
    "optimizer": dict.fromkeys(("momentum", "nesterov"), "fastbp.optimizers.SGD(momentum=..., nesterov=...)"),
}  # names of other libraries for what differs from ours, and what to say


def named(what: str, value: Any, known: Mapping[str, T], also: Mapping[str, T] | None = None) -> T:
    """Return the entry of this name, or of one in `also`. The error lists `known` and suggests the nearest of all."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string or an object of fastbp.{_module(what)}, got {value!r}")
    every = also or known
    if (found := checks.spelled(value, every)) is not None:
        return every[found]
    nearly = NEARLY.get(what.partition("[")[0], {})
    other = checks.spelled(value, nearly)
    hint = checks.meant(value, every) if other is None else f" - did you mean {nearly[other]}?"
    raise ValueError(f"{what} {value!r} is not known{hint}; known are {', '.join(map(repr, known))}")


def _with_settings(what: str, value: Any) -> tuple[Any, dict[str, Any]]:
    """Return a name and settings, given a name or, as `Model.get_config` has it, a dict of both."""
    if not isinstance(value, Mapping):
        return value, {}
    if "name" not in value:
        raise ValueError(f"{what} must have a 'name', got {dict(value)!r}")
    return value["name"], {key: setting for key, setting in value.items() if key != "name"}


def _module(what: str) -> str:
    """Return the name of the module that has such objects: "losses" for "loss"."""
    word = what.partition("[")[0]
    return {"loss": "losses", "activation": "activations"}.get(word, f"{word}s")


def _of_classes(what: str, value: T, classes: Iterable[type]) -> T:
    """Return an object of one of these classes; refuse one of a subclass, which has no kernels of its own."""
    if type(value) not in classes:
        module, kind = _module(what), type(value).__name__
        raise TypeError(
            f"{what} must be of a class that fastbp.{module} lists, not of its base or a subclass, got {kind}"
        )
    return value


def activation(value: Any, what: str = "activation") -> Activation:
    """Return an activation, given by name or as an object."""
    if not isinstance(value, Activation):
        return named(what, value, ACTIVATIONS, CALLED)
    if not value.is_own and ACTIVATIONS.get(value.name) is not value:
        raise ValueError(f"{what} {value.name!r} has functions of tiles, which only built-in activations may have")
    return value


def activations(value: Any, hidden: int) -> Activation | tuple[Activation, ...]:
    """Return the activation of all hidden layers, or a tuple of one for each."""
    if isinstance(value, Activation) or not checks.is_iterable(value):
        return activation(value)
    each = tuple(activation(one, f"activation[{i}]") for i, one in enumerate(value))
    if len(each) != hidden:
        raise ValueError(
            f"activation must be one for all hidden layers or one for each of the {hidden}, got {len(each)}"
        )
    refuse_one_name(each)
    return each


def refuse_one_name(functions: Iterable[Activation | Loss]) -> None:
    """Raise ValueError where two different functions of a user's have one name: a saved model keeps the name alone."""
    found: dict[str, Activation | Loss] = {}
    for own in functions:
        if isinstance(own, PointLoss) or (isinstance(own, Activation) and own.is_own):
            if found.setdefault(own.name, own) != own:
                raise ValueError(
                    f"different functions of activation and loss must have different names, got two of {own.name!r}"
                )


def loss(value: Any, label_smoothing: Any = None, outputs: int = 1) -> Loss:
    """Return a loss, given as an object, by name, for "cross_entropy" with its label smoothing, or as a dict.

    Names of other libraries' losses that are means over outputs are taken for one output only.
    """
    if not isinstance(value, Loss):
        name, settings = _with_settings("loss", value)
        kind = named("loss", name, LOSSES, ALSO_LOSSES | OF_ONE)
        if outputs > 1 and checks.spelled(name, ALSO_LOSSES) is None:
            raise ValueError(
                f"loss {name!r} is a mean over outputs in other libraries, for {outputs} outputs - "
                f"did you mean {kind.name!r}, which is the sum over outputs?"
            )
        if label_smoothing is None:
            return kind(**settings)
        if kind is CrossEntropy:
            return CrossEntropy(**settings | {"label_smoothing": label_smoothing})
        raise ValueError(f"label_smoothing is for loss 'cross_entropy', got loss {value!r}")
    if label_smoothing is not None:
        raise ValueError(f"label_smoothing must be set on the loss object, not beside it; got loss={value}")
    return _of_classes("loss", value, (*LOSSES.values(), *INTERNAL, PointLoss))


def require_two_classes(value: Any, outputs: int, class_names: Any) -> None:
    """Raise ValueError for one output of a loss of classes, unless an object or a name for the class asks for that.

    There is nothing to learn then: the probability of the only class is 1.
    """
    if outputs > 1 or class_names is not None or not isinstance(value, str):
        return
    found = checks.spelled(value, ALSO_LOSSES)
    if found is not None and ALSO_LOSSES[found] is CrossEntropy:
        raise ValueError(
            f"layer_sizes must end in an output for each class, at least 2, for loss {value!r}, got 1; "
            "one output tells 0 from 1 with loss 'binary_cross_entropy', and for numbers use loss 'squared_error'"
        )


def optimizer(value: Any, learning_rate: Any) -> Optimizer:
    """Return an optimizer, given as an object, by name in any case with a learning rate or None, or as a dict."""
    if isinstance(value, Optimizer):
        if learning_rate is not None:
            raise ValueError(f"learning_rate must be set on the optimizer object, not beside it; got optimizer={value}")
        return _of_classes("optimizer", value, OPTIMIZERS.values())
    name, settings = _with_settings("optimizer", value)
    kind = named("optimizer", name, OPTIMIZERS)
    if learning_rate is not None:
        settings["learning_rate"] = checks.rate("learning_rate", learning_rate)
    return kind(**settings)


def fitting(given: Any, dtype: np.dtype) -> Any:
    """Return an optimizer whose epsilon is no 0 in numbers of this dtype, where a gradient of 0 would give 0 / 0."""
    epsilon, least = getattr(given, "epsilon", None), float(np.finfo(dtype).tiny)
    if getattr(given, "epsilon_after_correction", False):
        least /= math.sqrt(1 - given.beta_2)  # which epsilon is multiplied by in the first step
    if epsilon is not None and epsilon < least:
        raise ValueError(f"optimizer must have an epsilon of at least {least:.2g} in {dtype.name}, got {epsilon:g}")
    return given


def precision(value: Any, dtype: np.dtype, n_members: int = 1, embeds: bool = False) -> str | None:
    """Return what the operands of products are rounded to in a network of this dtype; None where they are not."""
    if value is None:
        return None
    found = checks.choice("precision", value, PRECISIONS)
    if dtype != np.float32:
        raise ValueError(f"precision {found!r} goes with dtype 'float32', got dtype {dtype.name!r}")
    if n_members > 1:
        raise ValueError(f"precision {found!r} does not go with Members, got {n_members} of them")
    if embeds:
        raise ValueError(f"precision {found!r} does not go with an embedding; leave one of them out")
    return found
