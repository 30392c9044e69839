"""TabularClassifier and TabularRegressor: networks that take tables as they are, with scikit-learn's conventions."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..kernels.losses import SquaredError
from ..tabular import fitting
from ..tabular.model import TableModel
from ..tabular.recipe import Recipe
from . import tabular_input
from .tabular_constraints import CONSTRAINTS, RECIPE
from .tabular_documentation import documented


class _Tabular(BaseEstimator):
    """What both estimators share."""

    _parameter_constraints = {name: one for name, one in CONSTRAINTS.items() if name != "clip_outputs"}
    _classes: int | None = None  # of kernels that are compiled ahead, which do not depend on the number

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    def _fit(self, given: tabular_input.Given, classes: int | None = None) -> Any:
        """Train on what is checked, and set the fitted attributes."""
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        own = {"label_smoothing": self.label_smoothing} if classes else {}
        recipe = Recipe(classes, **{name: getattr(self, name) for name in RECIPE if hasattr(self, name)}, **own)
        validation = None if given.y_val is None else fitting.Table(given.X_val, given.y_val, given.weights_val)
        members = fitting.fit(
            fitting.Table(given.X, given.y, given.weights), recipe, np.random.default_rng(seed), validation=validation,
            validation_fraction=self.validation_fraction, n_folds=self.n_folds,
            categorical_features=self.categorical_features, numerical_features=self.numerical_features,
            max_categories=self.max_categories, verbose=self.verbose,
        )  # fmt: skip
        first = members[0]
        tabular_input.warn_of_counts(first.columns.described)
        if first.interrupted:
            warnings.warn("Training interrupted by user.", stacklevel=3)
        self.members_, self.n_rows_without_target_ = members, given.left_out
        self.n_features_in_ = first.columns.n_columns
        if given.names is not None:
            self.feature_names_in_ = np.array(given.names, object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.columns_ = first.columns.described
        self.n_iter_ = len(first.losses)
        self.best_epoch_ = first.best_epoch
        self.loss_curve_, self.validation_errors_ = first.losses, first.errors
        return self

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "members_")
        X = tabular_input.rows(self, X)
        return fitting.outputs(self.members_, X, isinstance(self, ClassifierMixin))

    def save(self, path: Any) -> None:
        """Write the fitted model to a safetensors file, for ``fastbp predict`` and `fastbp.load`; no pickle is in it.

        Parameters
        ----------
        path : str or path-like
            A file there is replaced.
        """
        check_is_fitted(self, "members_")
        TableModel(self.members_, getattr(self, "classes_", None)).save(path)

    def to_onnx(self, path: Any) -> None:
        """Write the fitted model to an ONNX file that takes raw columns: see `fastbp.tabular.model.TableModel.to_onnx`.

        Parameters
        ----------
        path : str or path-like
            A file there is replaced.
        """
        check_is_fitted(self)
        TableModel(self.members_, getattr(self, "classes_", None)).to_onnx(path)

    def _kernels_ahead(self) -> Any:
        """Yield what `warmup` compiles for this estimator."""
        settings = {name: getattr(self, name) for name in RECIPE if hasattr(self, name)}
        recipe = Recipe(self._classes, **settings)
        model = recipe.model(1, np.random.default_rng(0), recipe.embedding([0], {}))
        for dtype, network, rules in model._kernels_ahead():
            yield dtype, network, rules
            if recipe.part("first_weights") == "data":  # which sums of units fix
                yield dtype, replace(network, loss=SquaredError()), rules


class TabularClassifier(ClassifierMixin, _Tabular):  # noqa: D101, below
    __doc__ = documented("classes")
    _classes = 2

    def __init__(
        self,
        hidden_layer_sizes: Any = (256, 256, 256),
        *,
        activation: Any = None,
        learning_rate: float | None = None,
        n_epochs: int = 256,
        batch_size: int = 256,
        beta_1: float = 0.9,
        beta_2: float = 0.95,
        epsilon: float = 1e-8,
        label_smoothing: float = 0.1,
        scaling_layer: bool = True,
        n_members: int = 1,
        parametrization: str = "ntk",
        bias_rate: float = 0.1,
        scale_rate: float = 6.0,
        waves: int = 4,
        stop_after_wave: bool = False,
        recipe: str = "td-s",
        dropout: float | None = None,
        weight_decay: float | None = None,
        number_embedding: bool | None = None,
        embed_above: int | None = None,
        embedding_rate: float = 0.1,
        slope_rate: float = 0.1,
        first_weights: str | None = None,
        validation_fraction: float = 0.2,
        n_folds: int | None = None,
        categorical_features: Any = None,
        numerical_features: Any = None,
        max_categories: int = 1000,
        dtype: str = "float32",
        precision: str | None = None,
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: Any = 0,
    ) -> None:
        tabular_input.set_parameters(self, locals())

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> TabularClassifier:  # fmt: skip
        """Train on a table and its classes.

        Parameters
        ----------
        X : data frame or array of shape (rows, columns)
            Of pandas, polars or Arrow, with columns of any kind; or numbers or objects. Gaps are taken as they are.
        y : array-like of shape (rows,)
            Classes: text, numbers or booleans. Rows without one are left out, and counted.
        sample_weight : array-like of shape (rows,), optional
            Weight of each row in errors and gradients.
        X_val, y_val : optional
            Rows whose error chooses the epoch; then all rows of X train.
        sample_weight_val : array-like, optional
            Weight of each of these rows in that error.

        Returns
        -------
        self
        """
        self._validate_params()
        given = tabular_input.checked(self, X, y, sample_weight, (X_val, y_val, sample_weight_val), "classes")
        tabular_input.refuse_no_classes(given.y)
        classes, numbers = np.unique(given.y, return_inverse=True)
        held = None if given.y_val is None else tabular_input.class_numbers(given.y_val, classes)
        self._fit(given._replace(y=numbers, y_val=held), len(classes))
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : data frame or array of shape (rows, columns)

        Returns
        -------
        ndarray of shape (rows, classes)
            In the order of `classes_`.
        """
        return self._outputs(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each row.

        Parameters
        ----------
        X : data frame or array of shape (rows, columns)
            Columns are found by name where both tables have names. Categories that `fit` did not see count as missing.

        Returns
        -------
        ndarray of shape (rows,)
        """
        numbers = self._outputs(X).argmax(axis=1)
        return self.classes_[numbers]


class TabularRegressor(RegressorMixin, _Tabular):  # noqa: D101, below
    __doc__ = documented("numbers")
    _parameter_constraints = {name: one for name, one in CONSTRAINTS.items() if name != "label_smoothing"}

    def __init__(
        self,
        hidden_layer_sizes: Any = (256, 256, 256),
        *,
        activation: Any = None,
        learning_rate: float | None = None,
        n_epochs: int = 256,
        batch_size: int = 256,
        beta_1: float = 0.9,
        beta_2: float = 0.95,
        epsilon: float = 1e-8,
        scaling_layer: bool = True,
        n_members: int = 1,
        parametrization: str = "ntk",
        bias_rate: float = 0.1,
        scale_rate: float = 6.0,
        waves: int = 4,
        stop_after_wave: bool = False,
        recipe: str = "td-s",
        dropout: float | None = None,
        weight_decay: float | None = None,
        number_embedding: bool | None = None,
        embed_above: int | None = None,
        embedding_rate: float = 0.1,
        slope_rate: float = 0.1,
        first_weights: str | None = None,
        clip_outputs: bool | None = None,
        validation_fraction: float = 0.2,
        n_folds: int | None = None,
        categorical_features: Any = None,
        numerical_features: Any = None,
        max_categories: int = 1000,
        dtype: str = "float32",
        precision: str | None = None,
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: Any = 0,
    ) -> None:
        tabular_input.set_parameters(self, locals())

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> TabularRegressor:  # fmt: skip
        """Train on a table and its numbers.

        Parameters
        ----------
        X : data frame or array of shape (rows, columns)
            Of pandas, polars or Arrow, with columns of any kind; or numbers or objects. Gaps are taken as they are.
        y : array-like of shape (rows,)
            Numbers. Rows without one are left out, and counted.
        sample_weight : array-like of shape (rows,), optional
            Weight of each row in errors and gradients.
        X_val, y_val : optional
            Rows whose error chooses the epoch; then all rows of X train.
        sample_weight_val : array-like, optional
            Weight of each of these rows in that error.

        Returns
        -------
        self
        """
        self._validate_params()
        given = tabular_input.checked(self, X, y, sample_weight, (X_val, y_val, sample_weight_val), "numbers")
        return self._fit(given)

    def predict(self, X: Any) -> np.ndarray:
        """Return the number that is expected for each row.

        Parameters
        ----------
        X : data frame or array of shape (rows, columns)
            Columns are found by name where both tables have names. Categories that `fit` did not see count as missing.

        Returns
        -------
        ndarray of shape (rows,)
        """
        return self._outputs(X)
