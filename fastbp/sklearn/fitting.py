"""`fit` of the estimators: weights, validation data, callbacks and solvers around scikit-learn's own `_fit`."""

from __future__ import annotations

import warnings
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils.class_weight import compute_sample_weight

from ..data import checks, choices, frames, sparse
from ..data.samples import Labelled
from ..data.sources.source import Source
from ..kernels.entries.activation import Activation
from ..model import initializers
from ..training.scores import r2
from .compiled import ADDED_SOLVERS, misfit
from .private import CallbackSupportMixin, base_methods, with_callbacks
from .running import Run, run_of, running, unchanged_if_refused
from .stochastic import Stochastic
from .twins import Twin, register_if_imported

if TYPE_CHECKING:
    from typing_extensions import Self

_NOT_FOR_LBFGS = "clip_value", "clip_norm", "schedule", "scoring", "precision"
SCORES = "_predict", "_forward_pass_fast", "_score", "_score_with_function"  # what a told score replaces

_fit, _initialize = base_methods(*ADDED_SOLVERS)


class Fitting(CallbackSupportMixin, Stochastic, Twin):
    """`fit`, with what it adds to scikit-learn's own."""

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit to X and y.

        Parameters
        ----------
        X : array-like, sparse array or data frame of shape (rows, columns)
            Inputs.
        y : array-like of shape (rows,) or (rows, outputs)
            Labels of a classifier, numbers of a regressor.
        sample_weight : array-like of shape (rows,), optional
            Weights of the rows.
        X_val : array-like, sparse array or data frame, optional
            Inputs of validation data. Early stopping uses them instead of a part of X, and `validation_loss_curve_`
            holds their loss after each epoch. In a pipeline, name it in `transform_input`.
        y_val : array-like, optional
            What y is, of the validation data.
        sample_weight_val : array-like, optional
            Weights of the rows of the validation data.

        Returns
        -------
        self : object
            The fitted estimator.

        See Also
        --------
        partial_fit : One epoch over the rows given, which goes on from the weights that are there.

        Examples
        --------
        >>> import numpy as np
        >>> from fastbp.sklearn import MLPClassifier
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), ["low", "low", "high", "high"]
        >>> estimator = MLPClassifier((8,), solver="lbfgs", random_state=0)
        >>> estimator.fit(X, y).predict([[0.5], [2.5]]).tolist()
        ['low', 'high']
        """
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must both be given or neither")
        if X_val is None and sample_weight_val is not None:
            raise ValueError("sample_weight_val must come with X_val and y_val")
        with running(Run(self, None if X_val is None else (X_val, y_val, sample_weight_val))):
            return super().fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False) -> Any:
        register_if_imported()
        if isinstance(X, Source):
            raise TypeError(
                "X must be an array, not a source of rows, whose pieces partial_fit takes: "
                "for X, y in rows: estimator.partial_fit(X, y); fit of a fastbp.Model takes the source"
            )
        sample_weight = run_of(self).weights if sample_weight is None else sample_weight
        if self.solver == "lbfgs":
            self._refuse_for_lbfgs()
        if hasattr(self, "coefs_") and (self.warm_start or incremental):
            self._refuse_other_layers()
        if sample_weight is not None:
            frames.refuse_dates(sample_weight, "sample_weight")
        data = {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}}
        watched = hasattr(self, "_skl_callbacks") and not incremental
        if watched:
            epochs = 0 if self.solver == "lbfgs" else self.max_iter
            self._init_callback_context(max_subtasks=epochs).call_on_fit_task_begin(estimator=self, **data)
        run = Run(self, None if incremental else run_of(self).validation, data if watched else None)
        with running(run), unchanged_if_refused(run):
            _fit(self, X, y, sample_weight, incremental)
            added = [array for name in ("gains_", "offsets_", "slopes_") for array in getattr(self, name, ())]
            if not all(np.isfinite(array).all() for array in added):
                raise ValueError(
                    "Solver produced non-finite gains, offsets or slopes; scale X or lower the learning rate"
                )
        if watched:
            self._callback_fit_ctx.call_on_fit_task_end(estimator=self, **data, reconstruction_attributes=self._fitted)
        return self

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> Any:
        frames.refuse_lazy(X, "X")
        sparse.check(X, "X")
        frames.refuse_dates(X, "X")
        if not is_classifier(self):
            frames.refuse_dates(y, "y")
        given = y
        X, y = super()._validate_input(X, y, incremental, reset)
        run_of(self).class_weights = self._class_weights(given, incremental)
        return (_as_float32(X), y) if self.precision else (X, y)

    def _check_solver(self) -> bool:
        return self.solver in ADDED_SOLVERS or super()._check_solver()

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        if self.initializer is None:
            F = self.activation
            logistic = isinstance(F, (str, Activation)) and choices.activation(F).name == "logistic"
            bound = np.sqrt((2 if logistic else 6) / (fan_in + fan_out))
            W, rows = np.empty((fan_in, fan_out), dtype), max(1, initializers.DRAWN // fan_out)
            for first in range(0, fan_in, rows):  # scikit-learn's numbers, without all of them in float64
                part = W[first : first + rows]
                part[...] = self._random_state.uniform(-bound, bound, part.shape)
            return W, self._random_state.uniform(-bound, bound, fan_out).astype(dtype)
        rng = np.random.default_rng(self._random_state.randint(2**31))
        return initializers.weights(self.initializer, (fan_in, fan_out), rng, dtype), np.zeros(fan_out, dtype)

    def _initialize(self, y: Any, layer_units: list[int], dtype: Any) -> None:
        layer_units = [index(size) for size in layer_units]  # products of NumPy's small integers overflow
        _initialize(self, y, layer_units, dtype)
        self._steps_done = 0
        if not self.early_stopping:  # which alone restores them: no copies are kept
            self._best_coefs, self._best_intercepts = self.coefs_, self.intercepts_
        if not is_classifier(self):
            self.out_activation_ = self._link()
        hidden = layer_units[1:-1]
        norms = checks.flags("layer_norm", self.layer_norm, len(hidden))
        normalized = [size for size, norm in zip(hidden, _each(norms, hidden), strict=True) if norm]
        self.gains_ = [np.ones(size, dtype) for size in normalized]
        self.offsets_ = [np.zeros(size, dtype) for size in normalized]
        F_of_layers = _each(choices.activations(self.activation, len(hidden)), hidden)
        parameters = [(size, F.parameter) for size, F in zip(hidden, F_of_layers, strict=True) if F.parameter]
        self.slopes_ = [np.full(size, value, dtype) for size, (_, value) in parameters]
        self._best_vectors = self.gains_, self.offsets_, self.slopes_

    def _refuse_other_layers(self) -> None:
        """Raise ValueError for settings that need other parameters than the fitted ones that training goes on with."""
        dimensions = [(2, W) for W in self.coefs_] + [(1, b) for b in self.intercepts_]
        if any(not isinstance(array, np.ndarray) or array.ndim != n for n, array in dimensions):
            raise ValueError(misfit(self))
        hidden = [W.shape[1] for W in self.coefs_[:-1]]
        asked = np.atleast_1d(self.hidden_layer_sizes).tolist()
        norms = _each(checks.flags("layer_norm", self.layer_norm, len(asked)), asked)
        each = _each(choices.activations(self.activation, len(asked)), asked)
        normalized = [size for size, norm in zip(asked, norms, strict=True) if norm]
        sloped = [size for size, F in zip(asked, each, strict=True) if F.parameter]
        for name, wanted, found in (
            ("hidden_layer_sizes", asked, hidden),
            ("layer_norm", normalized, [len(g) for g in getattr(self, "gains_", ())]),
            ("activation", sloped, [len(slope) for slope in getattr(self, "slopes_", ())]),
        ):
            if wanted != found:
                raise ValueError(
                    f"{name} must be as it was when warm_start or partial_fit go on from fitted weights, got "
                    f"{getattr(self, name)!r} for fitted hidden layers of {hidden} units; fit with warm_start=False"
                )

    def _refuse_for_lbfgs(self) -> None:
        """Raise ValueError for settings that only solvers with minibatches have."""
        F = self.activation
        each = F if isinstance(F, (list, tuple)) else [F]
        asked = {f"activation {one}": bool(choices.activation(one).parameter) for one in each}
        asked |= {name: bool(np.any(getattr(self, name))) for name in ("dropout", "layer_norm")}
        asked |= {name: getattr(self, name) is not None for name in _NOT_FOR_LBFGS}
        asked["X_val"] = run_of(self).validation is not None
        for name in (name for name, given in asked.items() if given):
            raise ValueError(f"{name} must not be given for solver 'lbfgs'; the others have it")

    def _update_no_improvement_count(self, early_stopping: bool, *validation: Any) -> None:
        best = self.best_validation_score_ if early_stopping else None
        super()._update_no_improvement_count(early_stopping, *validation)
        if early_stopping and self.best_validation_score_ != best:
            vectors = (getattr(self, name, ()) for name in ("gains_", "offsets_", "slopes_"))
            self._best_vectors = tuple([a.copy() for a in each] for each in vectors)

    def _class_weights(self, y: Any, incremental: bool) -> np.ndarray | None:
        """Return the weight of each row's class."""
        kind = getattr(self, "class_weight", None)
        if kind is None:
            return None
        if incremental and kind == "balanced":
            raise ValueError("class_weight must not be 'balanced' in partial_fit, which doesn't see all rows")
        return compute_sample_weight(kind, y)

    def _told(self, plan: Any, held_out: Labelled, loss: float, accuracy: float) -> float | None:
        """Return the score of early stopping if a pass over the rows gave it, else None."""
        if self.scoring == "loss":
            return -loss
        if not self.early_stopping or self.scoring is not None or self._overrides(*SCORES):
            return None
        if is_classifier(self) and self.n_outputs_ == len(self.classes_) == 1:  # z > 1/2 would be a second class
            return None
        if not np.isfinite(loss):
            return np.nan
        if is_classifier(self):
            return accuracy
        z = np.empty_like(held_out.y)
        plan.predict(held_out.samples, z)
        return r2(held_out.y, z, held_out.weights)  # scikit-learn's checks take longer than a small epoch

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score of early stopping; larger is better."""
        if (told := run_of(self).score) is not None:
            return told
        sample_weight = run_of(self).weights_val if sample_weight is None else sample_weight
        if self.scoring is None:
            return super()._score(X, y, sample_weight)
        if not np.isfinite(self.validation_loss_curve_[-1]):
            return np.nan
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")  # they were checked and taken off
            return float(check_scoring(self, self.scoring)(self, X, y, **weight))


def _as_float32(X: Any) -> Any:
    """Return X as float32, in whose dtype weights are then made; raise ValueError where a number is too large."""
    if X.dtype == np.float32:
        return X
    with np.errstate(over="ignore"):
        found = X.astype(np.float32)
    if not np.isfinite(found.data if hasattr(found, "indptr") else found).all():
        raise ValueError("X must hold numbers within float32 for precision='bfloat16', got larger ones")
    return found


def _each(value: Any, layers: list[int]) -> Any:
    """Return what a setting says of each hidden layer."""
    return value if isinstance(value, tuple) else [value] * len(layers)
