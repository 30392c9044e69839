"""MLPClassifier and MLPRegressor of scikit-learn, computed by this library's kernels.

The classes inherit from scikit-learn's: parameters, checks, stopping rules and fitted attributes are the same, and so
are the weights and minibatches that a `random_state` draws. A compiled call does many minibatches; there are about
twenty calls a second.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

try:
    from sklearn import neural_network
except ImportError as error:
    raise ImportError(f"fastbp.sklearn needs scikit-learn: pip install 'fastbp[sklearn]' ({error})") from error

from ..data.choices import CALLED, PRECISIONS
from ..kernels.entries.activation import Activation
from ..kernels.entries.loss import Loss
from ..kernels.losses import LOSSES
from ..model.initializers import INITIALIZERS
from . import private
from .compiled import ADDED_SOLVERS, NUMBERS, STEPS
from .documentation import CLASSIFIER, REGRESSOR, class_docstring
from .fitting import SCORES, Fitting
from .private import HasMethods, Interval, StrOptions
from .twins import KINDS, register_converters, register_if_imported

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Self

    from .tabular import TabularClassifier, TabularRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "TabularClassifier", "TabularRegressor", "register_converters"]

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
    "precision": [None, StrOptions(set(PRECISIONS))],
    "n_threads": [None, Interval(Integral, 1, None, closed="left")],
}
_OWN = {
    "weight_decay": 0.01, "rho": 0.9, "initializer": None, "scoring": None, "dropout": 0.0, "layer_norm": False,
    "l1": 0.0, "clip_value": None, "clip_norm": None, "schedule": None, "precision": None,
    "n_threads": None,
}  # fmt: skip
_OF_CLASSIFIERS = _OWN | {"class_weight": None, "label_smoothing": 0.0}
_OF_REGRESSORS = _OWN | {"delta": 1.0} | private.ADDED


def _init(parent: Any, own: dict[str, Any]) -> Callable[..., None]:
    """Return a constructor with the parent's parameters and ours, which scikit-learn reads from its signature."""
    signature = inspect.signature(parent.__init__)
    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=own[name]) for name in own]
    signature = signature.replace(parameters=[*signature.parameters.values(), *added])

    def __init__(*positional: Any, **settings: Any) -> None:
        given = signature.bind(*positional, **settings)
        given.apply_defaults()
        self = given.arguments.pop("self")
        values = {name: given.arguments.pop(name) for name in own}
        parent.__init__(self, **given.arguments)
        for name, value in values.items():
            setattr(self, name, value)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


class MLPClassifier(Fitting, private.Classifier, neural_network.MLPClassifier):  # noqa: D101, below
    __doc__ = class_docstring(neural_network.MLPClassifier, CLASSIFIER, "accuracy", "make_classification", "200")
    _parameter_constraints = {
        **neural_network.MLPClassifier._parameter_constraints,
        **_EXTENDED,
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }
    if TYPE_CHECKING:

        def __init__(
            self, hidden_layer_sizes: Any = (100,), activation: Any = "relu", *, solver: str = "adam", alpha: float =
            0.0001, batch_size: int | str = "auto", learning_rate: str = "constant", learning_rate_init: float = 0.001,
            power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True, random_state: Any = None, tol: float =
            0.0001, verbose: bool = False, warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool =
            True, early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float =
            0.999, epsilon: float = 1e-08, n_iter_no_change: int = 10, max_fun: int = 15000, weight_decay: float = 0.01,
            rho: float = 0.9, initializer: str | None = None, scoring: Any = None, dropout: Any = 0.0, layer_norm: Any =
            False, l1: float = 0.0, clip_value: float | None = None, clip_norm: float | None = None, schedule: Any =
            None, precision: str | None = None, n_threads: int | None = None, class_weight: dict[Any, float] | str |
            None = None, label_smoothing: float = 0.0,
        ) -> None: ...  # fmt: skip

        classes_: Any  # ndarray, or a list of them for several targets
        class_weight: dict[Any, float] | str | None

        def predict(self, X: Any) -> np.ndarray: ...  # noqa: D102
        def predict_proba(self, X: Any) -> np.ndarray: ...  # noqa: D102
        def predict_log_proba(self, X: Any) -> np.ndarray: ...  # noqa: D102
        def partial_fit(self, X: Any, y: Any, *, classes: Any = None, sample_weight: Any = None) -> Self: ...  # noqa: D102

    else:
        __init__ = _init(neural_network.MLPClassifier, _OF_CLASSIFIERS)


class MLPRegressor(Fitting, private.Regressor, neural_network.MLPRegressor):  # noqa: D101, below
    __doc__ = class_docstring(neural_network.MLPRegressor, REGRESSOR, "R2", "make_regression", "200, 5")
    _parameter_constraints = {
        **neural_network.MLPRegressor._parameter_constraints,
        **_EXTENDED,
        "loss": [StrOptions({name for name, loss in LOSSES.items() if loss.link in NUMBERS}), Loss],
        "delta": [Interval(Real, 0, None, closed="neither")],
    }
    if TYPE_CHECKING:

        def __init__(
            self, loss: str | Loss = "squared_error", hidden_layer_sizes: Any = (100,), activation: Any = "relu", *,
            solver: str = "adam", alpha: float = 0.0001, batch_size: int | str = "auto", learning_rate: str =
            "constant", learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200, shuffle: bool =
            True, random_state: Any = None, tol: float = 0.0001, verbose: bool = False, warm_start: bool = False,
            momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False, validation_fraction:
            float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-08, n_iter_no_change: int = 10,
            max_fun: int = 15000, weight_decay: float = 0.01, rho: float = 0.9, initializer: str | None = None, scoring:
            Any = None, dropout: Any = 0.0, layer_norm: Any = False, l1: float = 0.0, clip_value: float | None = None,
            clip_norm: float | None = None, schedule: Any = None, precision: str | None = None, n_threads: int | None =
            None, delta: float = 1.0,
        ) -> None: ...  # fmt: skip

        def predict(self, X: Any) -> np.ndarray: ...  # noqa: D102
        def partial_fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> Self: ...  # noqa: D102

    else:
        __init__ = _init(neural_network.MLPRegressor, _OF_REGRESSORS)


for _kind, _defaults in ((MLPClassifier, _OF_CLASSIFIERS), (MLPRegressor, _OF_REGRESSORS)):
    _kind._standard = {name: getattr(_kind, name) for name in (*STEPS, *SCORES, "_update_no_improvement_count")}
    _kind._standard_defaults = _defaults
    for _name, _value in _defaults.items():  # for objects whose `__init__` was another
        setattr(_kind, _name, _value)
    KINDS[_kind] = _kind.__name__
register_if_imported()


def __getattr__(name: str) -> Any:
    """Import the estimators of tables when they are first asked for: the others need nothing of what they do."""
    if name in ("TabularClassifier", "TabularRegressor"):
        from . import tabular

        return getattr(tabular, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
