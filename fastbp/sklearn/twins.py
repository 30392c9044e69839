"""scikit-learn's own networks with the parameters and weights of this library's, and their converter to ONNX."""

from __future__ import annotations

import copy
import sys
import warnings
from typing import Any

from sklearn import neural_network
from sklearn.base import is_classifier

from ..data import choices
from .solver_state import AddedOptimizer

_OURS = "gains_", "offsets_", "slopes_", "validation_loss_curve_", "_best_vectors", "_steps_done"
KINDS: dict[type, str] = {}  # the estimators by their name in scikit-learn
_CALLBACKS = "_skl_callbacks", "_callback_fit_ctx"


class Twin:
    """`to_sklearn` of the estimators, and where their representation in notebooks links to: scikit-learn's pages."""

    _doc_link_module = "fastbp"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        return {"estimator_module": "sklearn.neural_network", "estimator_name": type(self).__name__}

    def to_sklearn(self: Any) -> neural_network.MLPClassifier | neural_network.MLPRegressor:
        """Return scikit-learn's own estimator with the same parameters, weights and predictions.

        For software that knows classes by their type, such as skl2onnx, hummingbird, sklearn2pmml and skops. It trains
        on as scikit-learn's: without dropout and other settings that scikit-learn lacks, with solver "adam" for those
        of this library alone, and with "squared_error" or "poisson" for other losses.

        Returns
        -------
        sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
            Fitted if this estimator is. It shares no arrays with it.

        Warns
        -----
        UserWarning
            If it would train on with another loss.

        Raises
        ------
        ValueError
            If scikit-learn has no network with these predictions: activations that it does not know, different ones, or
            layer normalization. `fastbp.Model.from_sklearn(estimator).to_onnx(path)` writes these to ONNX files.

        Examples
        --------
        >>> from sklearn.datasets import make_regression
        >>> from fastbp.sklearn import MLPRegressor
        >>> X, y = make_regression(50, 3, random_state=0)
        >>> estimator = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", tol=0.1, random_state=0).fit(X, y)
        >>> estimator.to_sklearn()
        MLPRegressor(hidden_layer_sizes=(8,), random_state=0, solver='lbfgs', tol=0.1)
        """
        kind = neural_network.MLPClassifier if is_classifier(self) else neural_network.MLPRegressor
        parameters = {name: getattr(self, name) for name in kind._get_param_names()}
        parameters["activation"] = self._twins_activation()
        if self.solver not in ("lbfgs", "sgd", "adam"):
            parameters["solver"] = "adam"
        if "loss" in parameters:
            ours, parameters["loss"] = parameters["loss"], "poisson" if self._link() == "exp" else "squared_error"
            _warn_of_loss(getattr(ours, "name", ours), parameters["loss"])
        elif not is_classifier(self) and self._link() == "exp":
            raise ValueError(f"scikit-learn has no loss {self.loss!r} before scikit-learn 1.7, which has 'poisson'")
        twin = kind(**copy.deepcopy(parameters))
        left_out = {*self._twins_left_out(), *vars(twin)}
        fitted = {name: value for name, value in vars(self).items() if name not in left_out}
        vars(twin).update(copy.deepcopy(fitted))
        return twin

    def _twins_left_out(self: Any) -> set[str]:
        """Return names of attributes that scikit-learn's estimators do not have."""
        added = isinstance(getattr(self, "_optimizer", None), AddedOptimizer)
        parameters = set(type(self)._standard_defaults)
        return {*_OURS, *_CALLBACKS, *parameters, *(["_optimizer"] if added else [])}

    def _twins_activation(self: Any) -> str:
        """Return the one activation of all hidden layers as scikit-learn calls it."""
        if any(self.layer_norm) if hasattr(self.layer_norm, "__len__") else self.layer_norm:
            raise ValueError(f"scikit-learn has no layer normalization, got layer_norm={self.layer_norm!r}")
        hidden = self.hidden_layer_sizes
        found = choices.activations(self.activation, len(hidden) if hasattr(hidden, "__len__") else 1)
        each = {F.elsewhere.sklearn for F in (found if isinstance(found, tuple) else (found,))} or {"relu"}
        if len(each) > 1 or None in each:
            known = "'identity', 'logistic', 'relu' or 'tanh'"
            raise ValueError(f"scikit-learn has one activation, {known}, got activation={self.activation!r}")
        return str(next(iter(each)))


def _warn_of_loss(ours: str, theirs: str) -> None:
    if ours != theirs:
        message = f"scikit-learn's network predicts the same, but would train on with the loss {theirs!r} in place of"
        warnings.warn(f"{message} {ours!r}", UserWarning, stacklevel=3)


def register_converters() -> None:
    """Tell skl2onnx how to convert the estimators: as their `to_sklearn`.

    Importing `fastbp.sklearn` and each `fit` do this if skl2onnx is imported by then. Call it after importing skl2onnx
    to convert an estimator that was loaded from a file.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> from fastbp.sklearn import register_converters
    >>> register_converters()  # doctest: +SKIP
    """
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common import _registration as known

    for kind, alias in KINDS.items():
        if kind in sklearn_operator_name_map:
            continue
        theirs = f"Sklearn{alias}"
        update_registered_converter(
            kind,
            f"Fastbp{alias}",
            known.get_shape_calculator(theirs),
            _converter(known.get_converter(theirs)),
            options={"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [True, False]}
            if alias == "MLPClassifier"
            else None,
        )


def register_if_imported() -> None:
    """Register the converters if skl2onnx has been imported."""
    if getattr(sys.modules.get("skl2onnx"), "update_registered_converter", None) is not None:
        register_converters()


def _converter(convert: Any) -> Any:
    """Return a converter that hands scikit-learn's estimator to skl2onnx's own."""

    def converter(scope: Any, operator: Any, container: Any) -> None:
        ours = operator.raw_operator
        many = not is_classifier(ours) and ours.n_outputs_ > 1
        if ours.out_activation_ == "exp" or many:  # which skl2onnx's converter does not know
            what = "several outputs of a regressor" if many else "out_activation_ 'exp'"
            raise NotImplementedError(
                f"skl2onnx does not convert {what}; use fastbp.Model.from_sklearn(estimator).to_onnx(path)"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # files train no further
            operator.raw_operator = ours.to_sklearn()
        try:
            convert(scope, operator, container)
        finally:
            operator.raw_operator = ours

    return converter
