"""scikit-learn's MLPClassifier and MLPRegressor, computed by this library's kernels: change one import.

They are scikit-learn's own classes: parameters, checks, stopping rules and fitted attributes are inherited, and the
same `random_state` draws the same weights and minibatches. What runs over rows and weights is replaced: an epoch is
one compiled call, a pass over the data another.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

try:
    from sklearn import neural_network
    from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
except ImportError as error:
    raise ImportError(f"fastbp.sklearn needs scikit-learn 1.9: pip install 'fastbp[sklearn]' ({error})") from error

from ..init import INITIALIZERS
from ..network import ACTIVATIONS
from .compiled import ADDED_SOLVERS
from .fitting import Fitting

__all__ = ["MLPClassifier", "MLPRegressor"]

_EXTENDED = {
    "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
    "solver": [StrOptions({"lbfgs", "sgd", "adam", *ADDED_SOLVERS})],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "rho": [Interval(Real, 0, 1, closed="left")],
    "initializer": [None, StrOptions(set(INITIALIZERS))],
    "scoring": [None, str, callable],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "layer_norm": ["boolean", "array-like"],
    "l1": [Interval(Real, 0, None, closed="left")],
    "clip_value": [None, Interval(Real, 0, None, closed="neither")],
    "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
    "schedule": [None, HasMethods("factors")],
    "n_threads": [None, Interval(Integral, 1, None, closed="left")],
}
_MORE = """

    Beyond scikit-learn's parameters:

    solver : "adamw" and "rmsprop", too
    weight_decay, rho : of those, as fastbp.Model has them
    loss, delta : of the regressor: "absolute_error" and "huber", too, where errors above delta count by their size
    initializer : of the weights, as fastbp.Model names them; by default scikit-learn's own
    scoring : what early stopping goes by: "loss", or a scorer or its name; by default accuracy or R2
    activation : one name for all hidden layers or a list of one each; "leaky_relu", "gelu" and "silu", too
    dropout : share of all hidden layers' outputs, or of each one's, that a training step leaves out
    layer_norm : whether all hidden layers, or each, are normalized before the activation; `gains_` and `offsets_` hold
        what is trained of those that are
    l1 : strength of a penalty on the sizes of the weights, which is divided by the sample size as alpha's is
    clip_value, clip_norm : limits of each element of a step's gradient, and of its length
    schedule : factors of the learning rate from step to step, of fastbp.schedules
    n_threads : threads at most; it changes no bit
    class_weight, label_smoothing : of the classifier, as fastbp.Model's fit and Model have them

    "lbfgs" has no minibatches, so that it refuses dropout, layer_norm, limits, schedules, `scoring` and `X_val`.

    `fit` takes `X_val`, `y_val` and `sample_weight_val`, too: early stopping then goes by them, and
    `validation_loss_curve_` holds their loss after each epoch. `set_callbacks` takes callbacks of scikit-learn's
    protocol: each epoch is a task, and a callback may end training; with "lbfgs" the whole fit is one.
    """


_OWN = {
    "weight_decay": 0.01, "rho": 0.9, "initializer": None, "scoring": None, "dropout": 0.0, "layer_norm": False,
    "l1": 0.0, "clip_value": None, "clip_norm": None, "schedule": None, "n_threads": None,
}  # fmt: skip


def _init(parent: Any, own: dict[str, Any]) -> Callable[..., None]:
    """Return a constructor with the parent's parameters and ours, which scikit-learn reads off the signature."""
    signature = inspect.signature(parent.__init__)
    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=own[name]) for name in own]
    signature = signature.replace(parameters=[*signature.parameters.values(), *added])

    def __init__(*positional: Any, **settings: Any) -> None:
        given = signature.bind(*positional, **settings)
        given.apply_defaults()
        self = given.arguments.pop("self")
        for name in own:
            setattr(self, name, given.arguments.pop(name))
        parent.__init__(self, **given.arguments)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


class MLPClassifier(Fitting, neural_network.MLPClassifier):  # noqa: D101, below
    __doc__ = "scikit-learn's MLPClassifier on compiled kernels: see sklearn.neural_network.MLPClassifier." + _MORE
    _parameter_constraints = {
        **neural_network.MLPClassifier._parameter_constraints,
        **_EXTENDED,
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }
    __init__ = _init(neural_network.MLPClassifier, _OWN | {"class_weight": None, "label_smoothing": 0.0})


class MLPRegressor(Fitting, neural_network.MLPRegressor):  # noqa: D101, below
    __doc__ = "scikit-learn's MLPRegressor on compiled kernels: see sklearn.neural_network.MLPRegressor." + _MORE
    _parameter_constraints = {
        **neural_network.MLPRegressor._parameter_constraints,
        **_EXTENDED,
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "poisson"})],
        "delta": [Interval(Real, 0, None, closed="neither")],
    }
    __init__ = _init(neural_network.MLPRegressor, _OWN | {"delta": 1.0})
