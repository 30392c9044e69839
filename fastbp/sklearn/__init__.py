"""MLPClassifier and MLPRegressor of scikit-learn, computed by this library's kernels.

The classes inherit from scikit-learn's: parameters, checks, stopping rules and fitted attributes are the same, and so
are the weights and minibatches that a `random_state` draws. A compiled call does many minibatches; there are about
twenty calls a second.
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

from ..data.choices import CALLED
from ..kernels.entries.activation import Activation
from ..kernels.entries.loss import Loss
from ..kernels.losses import LOSSES
from ..model.initializers import INITIALIZERS
from .compiled import ADDED_SOLVERS, NUMBERS, STEPS
from .fitting import SCORES, Fitting

__all__ = ["MLPClassifier", "MLPRegressor"]

_EXTENDED = {
    "activation": [StrOptions(set(CALLED)), Activation, "array-like"],
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
_DOC = """scikit-learn's {name}, computed by compiled kernels.

    It has the parameters, attributes and methods of `sklearn.neural_network.{name}`, draws the same random numbers and
    gives the same results up to rounding. These parameters are added or take more values:

    Parameters
    ----------
    solver : str
        "lbfgs" or the name of any optimizer in `fastbp.optimizers`, which takes those of its settings that are
        parameters here. "lbfgs" has no minibatches: it refuses dropout, layer_norm, activations with a trained
        parameter, clip_value, clip_norm, schedule, scoring and X_val.
    activation : str, Activation or list of them
        One for all hidden layers or one for each, from `fastbp.activations`. `slopes_` holds the trained parameters of
        those that have one.
    weight_decay, rho : float
        Settings of the solvers that have them, as in `fastbp.optimizers`.
    initializer : str, optional
        Of the weights, as in `fastbp.Model`. By default scikit-learn's own.
    scoring : str or callable, optional
        What early stopping uses: "loss", or a scorer or its name. By default {score}.
    dropout : float or list of float
        Share of the outputs of all hidden layers, or of each, that a training step drops.
    layer_norm : bool or list of bool
        Whether all hidden layers, or each, are normalized before the activation. `gains_` and `offsets_` hold the
        trained parameters of those that are.
    l1 : float
        Strength of a penalty on the magnitudes of the weights, divided by the number of rows as `alpha` is.
    clip_value, clip_norm : float, optional
        Largest magnitude of an element of the gradient, and largest norm of the gradient.
    schedule : object of fastbp.schedules, optional
        Factors of the learning rate from step to step. With `warm_start`, and in `partial_fit`, they go on from the
        steps that were taken. The schedule's total is the end of `max_iter` epochs, in `partial_fit` of so many calls.
    n_threads : int, optional
        Largest number of threads. Results are the same to the bit for any number.
{own}
    See Also
    --------
    sklearn.neural_network.{name} : The class that this one inherits from.
    fastbp.Model : The same networks with fewer checks, class numbers for labels and all losses.

    Notes
    -----
    `set_callbacks` takes callbacks of scikit-learn's protocol. Each epoch is a task, after which a callback may end
    training; with "lbfgs" the whole fit is one task.

    Examples
    --------
    >>> from sklearn.datasets import {data}
    >>> from fastbp.sklearn import {name}
    >>> X, y = {data}({arguments}, random_state=0)
    >>> estimator = {name}(hidden_layer_sizes=(16,), solver="lbfgs", tol=0.01, random_state=0)
    >>> estimator.fit(X, y).score(X, y) > 0.9
    True
    """
_CLASSIFIER = """    class_weight : dict of {class: weight} or "balanced", optional
        Weight of the rows of each class.
    label_smoothing : float
        Share of y that is spread over all classes.
"""
_REGRESSOR = """    loss : str or Loss
        Error of an output, averaged over outputs and rows: any loss of numbers in `fastbp.losses`.
    delta : float
        Residual size at which the loss "huber" becomes linear.
"""


_OWN = {
    "weight_decay": 0.01, "rho": 0.9, "initializer": None, "scoring": None, "dropout": 0.0, "layer_norm": False,
    "l1": 0.0, "clip_value": None, "clip_norm": None, "schedule": None, "n_threads": None,
}  # fmt: skip
_OF_CLASSIFIERS = _OWN | {"class_weight": None, "label_smoothing": 0.0}
_OF_REGRESSORS = _OWN | {"delta": 1.0}


def _init(parent: Any, own: dict[str, Any]) -> Callable[..., None]:
    """Return a constructor with the parent's parameters and ours, which scikit-learn reads from its signature."""
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
    __doc__ = _DOC.format(
        name="MLPClassifier", score="accuracy", own=_CLASSIFIER, data="make_classification", arguments="200"
    )
    _parameter_constraints = {
        **neural_network.MLPClassifier._parameter_constraints,
        **_EXTENDED,
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }
    __init__ = _init(neural_network.MLPClassifier, _OF_CLASSIFIERS)


class MLPRegressor(Fitting, neural_network.MLPRegressor):  # noqa: D101, below
    __doc__ = _DOC.format(name="MLPRegressor", score="R2", own=_REGRESSOR, data="make_regression", arguments="200, 5")
    _parameter_constraints = {
        **neural_network.MLPRegressor._parameter_constraints,
        **_EXTENDED,
        "loss": [StrOptions({name for name, loss in LOSSES.items() if loss.link in NUMBERS}), Loss],
        "delta": [Interval(Real, 0, None, closed="neither")],
    }
    __init__ = _init(neural_network.MLPRegressor, _OF_REGRESSORS)


for _kind, _defaults in ((MLPClassifier, _OF_CLASSIFIERS), (MLPRegressor, _OF_REGRESSORS)):
    _kind._standard = {name: getattr(_kind, name) for name in (*STEPS, *SCORES, "_update_no_improvement_count")}
    for _name, _value in _defaults.items():  # for objects whose `__init__` was another
        setattr(_kind, _name, _value)
