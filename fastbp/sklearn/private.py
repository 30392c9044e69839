"""Everything of scikit-learn's that is private, in the form of its newest version, for all that are supported.

No other module touches it. scikit-learn before 1.7 has networks without weights of rows and without a loss for counts:
here are the methods that take them. Before 1.9 it has no callbacks, and before 1.6 no function `validate_data`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from numbers import Number
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if

from .running import Run, run_of, running

OLDEST, NEWEST = (1, 4), (1, 9)  # the minor versions that are known; before 1.6, only test_sklearn_private.py runs
VERSION = tuple(map(int, re.findall(r"\d+", sklearn.__version__)[:2]))
_FOUND = f"found {sklearn.__version__}"
if VERSION < OLDEST:
    raise ImportError(
        f"fastbp.sklearn needs scikit-learn {OLDEST[0]}.{OLDEST[1]} or newer, {_FOUND}: pip install -U scikit-learn"
    )
try:
    from sklearn.neural_network._base import ACTIVATIONS, LOSS_FUNCTIONS
    from sklearn.neural_network._multilayer_perceptron import _STOCHASTIC_SOLVERS, BaseMultilayerPerceptron
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, BaseOptimizer, SGDOptimizer
    from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
    from sklearn.utils.validation import _check_sample_weight as check_sample_weight
except ImportError as error:
    raise ImportError(
        f"fastbp.sklearn needs scikit-learn {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, {_FOUND} ({error})"
    ) from error
try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: there are no callbacks."""

    def with_callbacks(fit: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method as it is."""
        return fit


try:
    from sklearn.utils.validation import validate_data
except ImportError:  # before 1.6

    def validate_data(estimator: Any, X: Any, **settings: Any) -> Any:
        """Return X, checked against what the estimator was fitted to."""
        return estimator._validate_data(X, **settings)


__all__ = [
    "ADDED",
    "LOSS_FUNCTIONS",
    "OUTPUTS",
    "WEIGHTED",
    "AdamOptimizer",
    "BaseOptimizer",
    "CallbackSupportMixin",
    "Classifier",
    "HasMethods",
    "Interval",
    "Regressor",
    "SGDOptimizer",
    "StrOptions",
    "base_methods",
    "check_array_with_gaps",
    "check_weights",
    "judged_rows",
    "validate_data",
    "with_callbacks",
    "with_weights",
    "without_weights",
]
_TAKEN = {
    "_backprop": "X y sample_weight activations deltas coef_grads intercept_grads",
    "_compute_loss_grad": "layer sw_sum activations deltas coef_grads intercept_grads",
    "_fit": "X y sample_weight incremental",
    "_fit_lbfgs": "X y sample_weight activations deltas coef_grads intercept_grads layer_units",
    "_fit_stochastic": "X y sample_weight activations deltas coef_grads intercept_grads layer_units incremental",
    "_forward_pass": "activations",
    "_forward_pass_fast": "X check_input",
    "_init_coef": "fan_in fan_out dtype",
    "_initialize": "y layer_units dtype",
    "_loss_grad_lbfgs": "packed_coef_inter X y sample_weight activations deltas coef_grads intercept_grads",
    "_unpack": "packed_parameters",
    "_update_no_improvement_count": "early_stopping X y sample_weight",
}  # parameters of the methods that are called or overridden, as the newest version has them
_FORMER = {"n_samples": "sw_sum", "X_val": "X", "y_val": "y"}  # their names before 1.7
WEIGHTED = "sample_weight" in inspect.signature(BaseMultilayerPerceptron._backprop).parameters
ADDED = {} if WEIGHTED else {"loss": "squared_error"}  # parameters of a regressor that scikit-learn's own lacks
OUTPUTS: dict[str, Callable[[np.ndarray], Any]] = {"exp": lambda z: np.exp(z, out=z), **ACTIVATIONS}


def refuse_other_methods(methods: dict[str, str] = _TAKEN) -> None:
    """Raise ImportError if a later scikit-learn has other private methods than those known here."""
    for name, expected in methods.items():
        method = getattr(BaseMultilayerPerceptron, name, None)
        found = [_FORMER.get(p, p) for p in inspect.signature(method).parameters][1:] if method else None
        if found != [p for p in expected.split() if WEIGHTED or p != "sample_weight"]:
            newest = ".".join(map(str, NEWEST))
            raise ImportError(
                f"fastbp.sklearn needs scikit-learn {'.'.join(map(str, OLDEST))} to {newest}, {_FOUND}, whose "
                f"BaseMultilayerPerceptron.{name} differs: pip install 'scikit-learn<{NEWEST[0]}.{NEWEST[1] + 1}'"
            )


refuse_other_methods()


def base_methods(*solvers: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return scikit-learn's `_fit` and `_initialize`, for which these solvers have minibatches, too."""
    names = {"_STOCHASTIC_SOLVERS": (*_STOCHASTIC_SOLVERS, *solvers)}
    fit, initialize = (_knowing(getattr(BaseMultilayerPerceptron, name), names) for name in ("_fit", "_initialize"))

    def weighted_fit(self: Any, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Any:
        run_of(self).weights = sample_weight
        return fit(self, X, y, incremental)

    return fit if WEIGHTED else weighted_fit, initialize


def _knowing(function: Any, names: dict[str, Any]) -> Callable[..., Any]:
    """Return a function of scikit-learn's for which these names of its module stand for other values."""
    assert isinstance(function, FunctionType)
    mine = FunctionType(
        function.__code__, function.__globals__ | names, function.__name__, function.__defaults__, function.__closure__
    )
    mine.__kwdefaults__ = function.__kwdefaults__
    return mine


def with_weights(sample_weight: Any) -> tuple[Any, ...]:
    """Return the weights as an argument of scikit-learn's own methods, or none where these take none."""
    if WEIGHTED:
        return (sample_weight,)
    if sample_weight is not None:
        raise NotImplementedError(
            "sample_weight must be None where scikit-learn's own steps train: before scikit-learn 1.7, which is "
            f"needed, they know no weights ({_FOUND})"
        )
    return ()


def without_weights(estimator: Any, work: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Return the weights that scikit-learn's `_fit` hands on, and the arguments after them."""
    return (work[0], work[1:]) if WEIGHTED else (run_of(estimator).weights, work)


def judged_rows(estimator: Any, validation: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return rows of validation as `_update_no_improvement_count` takes them, for `_score`."""
    if WEIGHTED:
        return validation
    run_of(estimator).weights_val = validation[2]
    return validation[:2]


def check_array_with_gaps(X: Any, **settings: Any) -> np.ndarray:
    """Return X as `check_array` does, but that NaN and infinity stay."""
    known = inspect.signature(check_array).parameters
    finite = "ensure_all_finite" if "ensure_all_finite" in known else "force_all_finite"  # before 1.6
    return check_array(X, **{finite: False}, **settings)


def check_weights(given: Any, rows: int, name: str, negative: bool = True) -> np.ndarray:
    """Return a weight for each row, from one number or an array; raise ValueError that names the argument."""
    if isinstance(given, Number):
        given = np.full(rows, given)
    weights = check_array(given, ensure_2d=False, dtype=[np.float64, np.float32], input_name=name)
    if weights.shape != (rows,):
        raise ValueError(f"{name} must have shape ({rows},), one number for each row, got {weights.shape}")
    if not negative and (weights < 0).any():
        raise ValueError(f"{name} must not be negative, got {weights[weights < 0][0]}")
    return weights


class _Weights:
    """What the networks of scikit-learn 1.7 do with weights, for earlier ones."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        with running(Run(self, run_of(self).validation, weights=sample_weight)):
            return super().fit(X, y)  # type: ignore[misc]

    def _validate_input(self, X: Any, y: Any, *others: Any, **more: Any) -> Any:
        X, y = super()._validate_input(X, y, *others, **more)  # type: ignore[misc]
        run = run_of(self)
        if run.weights is not None:
            run.weights = check_sample_weight(run.weights, X)
        return X, y

    def _score_with_function(self: Any, X: Any, y: Any, score_function: Any, sample_weight: Any = None) -> float:
        predicted = self._predict(X, check_input=False)
        if np.issubdtype(predicted.dtype, np.floating) and not np.isfinite(predicted).all():
            return np.nan
        return score_function(y, predicted, sample_weight=sample_weight)

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        score = accuracy_score if is_classifier(self) else r2_score
        return self._score_with_function(X, y, score, sample_weight)


class _WeightsOfClassifier(_Weights):
    @available_if(lambda estimator: estimator._check_solver())
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Train one epoch over the rows given.

        Parameters
        ----------
        X : array-like or sparse array of shape (rows, columns)
        y : array-like of shape (rows,) or (rows, outputs)
        classes : array-like, optional
            All classes, which the first call needs. It comes third, as in the scikit-learn that is installed.
        sample_weight : array-like of shape (rows,), optional

        Returns
        -------
        self : object
        """
        with running(Run(self, weights=sample_weight)):
            return super().partial_fit(X, y, classes)  # type: ignore[misc]


class _WeightsOfRegressor(_Weights):
    @available_if(lambda estimator: estimator._check_solver())
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train one epoch over the rows given.

        Parameters
        ----------
        X : array-like or sparse array of shape (rows, columns)
        y : array-like of shape (rows,) or (rows, outputs)
        sample_weight : array-like of shape (rows,), optional

        Returns
        -------
        self : object
        """
        with running(Run(self, weights=sample_weight)):
            return super().partial_fit(X, y)  # type: ignore[misc]


class _Nothing:
    """What is added to a class that has it all."""


if TYPE_CHECKING:

    class Classifier(_Nothing): ...  # noqa: D101

    class Regressor(_Nothing): ...  # noqa: D101

else:
    Classifier = _Nothing if WEIGHTED else _WeightsOfClassifier
    Regressor = _Nothing if WEIGHTED else _WeightsOfRegressor
