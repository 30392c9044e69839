"""The epochs of the solvers with minibatches, drawn and stopped as in scikit-learn."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target, unique_labels

from ..data import choices, frames, sparse
from . import solver_state
from .compiled import Compiled
from .private import check_weights, judged_rows, validate_data, without_weights
from .running import run_of
from .steps import CompiledSteps, ScikitSteps, refuse_ours

PARAMETERS = "coefs_", "intercepts_", "gains_", "offsets_", "slopes_"


class Stochastic(Compiled):
    """Training by minibatches, until one of scikit-learn's rules ends it."""

    gains_: list[np.ndarray]
    offsets_: list[np.ndarray]
    slopes_: list[np.ndarray]
    if TYPE_CHECKING:  # what scikit-learn's networks have besides
        _best_coefs: list[np.ndarray]
        classes_: np.ndarray
        _best_intercepts: list[np.ndarray]
        _callback_fit_ctx: Any
        _no_improvement_count: int
        _random_state: Any
        _update_no_improvement_count: Any

    _steps_done = 0  # since the weights were drawn, also by earlier calls: where a schedule goes on

    def _fit_stochastic(self, X: Any, y: np.ndarray, *given: Any) -> None:
        sample_weight, (*_, incremental) = without_weights(self, given)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        anew = not incremental or not hasattr(self, "_optimizer")
        if anew:
            self._optimizer = solver_state.new(self)
        self.validation_loss_curve_: list[float] = []
        (X, y, sample_weight), validation = self._split(X, y, sample_weight)
        steps = self._steps(X, y, sample_weight, anew)
        held_out = None if validation[0] is None else steps.targets(*self._encoded(*validation))
        batch_size = self._batch_size(X.shape[0])
        run_of(self).began = True
        try:
            self._epochs(steps, X.shape[0], batch_size, incremental, held_out, *validation)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        finally:  # an exception leaves what was reached, as in scikit-learn
            run_of(self).score = None
            steps.end()
        if self.early_stopping:
            self._restore_best()

    def _restore_best(self) -> None:
        """Restore the weights of the best validation score; without a finite one, warn and keep the last weights."""
        best = self.best_validation_score_
        if best is not None and np.isfinite(best):
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
            self.gains_, self.offsets_, self.slopes_ = self._best_vectors
        elif self.validation_scores_:
            warnings.warn(
                f"Early stopping saw no finite validation score in {self.n_iter_} epochs; the last weights are kept. "
                "The validation data may have too few rows or one class only.",
                RuntimeWarning,
                stacklevel=5,
            )

    def _steps(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, anew: bool) -> Any:
        """Return compiled steps, or scikit-learn's where a method, the output or the optimizer is the user's."""
        self._check_shapes(X)
        why = self._own_steps()
        if not why and not solver_state.is_compiled(self._optimizer, [a.shape for a in self.coefs_ + self.intercepts_]):
            why = f"_optimizer is {type(self._optimizer).__name__} of the user's"
        if not why:
            choices.fitting(solver_state.rule(self._optimizer), self._kind())
            return CompiledSteps(self, X, y, sample_weight, anew)
        refuse_ours(self, why)
        return ScikitSteps(self, X, y, sample_weight)

    def _epochs(self, steps: Any, n: int, batch_size: int, incremental: bool, *validation: Any) -> None:
        """Train epoch after epoch until a rule, a callback or `max_iter` ends it."""
        order = np.arange(n)
        self.n_iter_ = 0
        for _ in range(self.max_iter):
            if self.shuffle:
                order = order[self._shuffled(n)]
            ends = self._watched_epoch(steps, order, batch_size, *validation)
            if ends or self._stops() or incremental:
                break
            if self.n_iter_ == self.max_iter:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                    "hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=5,
                )

    def _split(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> tuple[Any, Any]:
        """Return (X, y, weights) of training and of validation, split as scikit-learn does."""
        run = run_of(self)
        weighed = run.weighed(sample_weight)  # classes weigh in training alone
        if run.validation is not None:
            return (X, y, weighed), self._own_validation(*run.validation)
        if not self.early_stopping:
            return (X, y, weighed), (None, None, None)
        arrays = [X, y, *(weights for weights in (weighed, sample_weight) if weights is not None)]
        stratify = y if is_classifier(self) and self.n_outputs_ == 1 else None
        parts = train_test_split(
            *arrays, random_state=self._random_state, test_size=self.validation_fraction, stratify=stratify
        )
        train = [*parts[::2], None][:3]
        validation = [parts[1], parts[3], None if sample_weight is None else parts[-1]]
        if validation[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        if is_classifier(self):
            validation[1] = self._label_binarizer.inverse_transform(validation[1])
        return train, validation

    def _own_validation(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Return the checked validation data of `fit`."""
        frames.refuse_lazy(X, "X_val")
        sparse.check(X, "X_val")
        frames.refuse_dates(X, "X_val")
        if not is_classifier(self):
            frames.refuse_dates(y, "y_val")
        check = check_array(X, accept_sparse=["csr", "csc"], estimator=self, input_name="X_val")
        if check.shape[1] != self.n_features_in_:
            raise ValueError(f"X_val has {check.shape[1]} features, but X has {self.n_features_in_}")
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)  # names of columns, too
        weight = None if sample_weight is None else check_weights(sample_weight, X.shape[0], "sample_weight_val")
        y = check_array(y, ensure_2d=False, dtype=None if is_classifier(self) else "numeric", input_name="y_val")
        if len(y) != X.shape[0]:
            raise ValueError(f"X_val and y_val must have as many rows, got {X.shape[0]} and {len(y)}")
        if y.ndim == 2 and y.shape[1] == 1:
            y = y.ravel()
        kind = self._label_binarizer.y_type_ if is_classifier(self) else ""
        if kind.startswith("multilabel") != (type_of_target(y) == "multilabel-indicator") and kind:
            raise ValueError(f"y_val must be of the kind of y, {kind}, got {type_of_target(y)}")
        if kind and not kind.startswith("multilabel"):
            unseen = np.setdiff1d(unique_labels(y), self.classes_)
            if unseen.size:
                raise ValueError(f"y_val must hold classes of y, {self.classes_.tolist()}, got {unseen.tolist()}, too")
        return X, y, weight

    def _batch_size(self, n: int) -> int:
        if isinstance(self.batch_size, str):  # "auto"
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=5
            )
        return int(np.clip(self.batch_size, 1, n))

    def _shuffled(self, n: int) -> np.ndarray:
        """Return the order that sklearn.utils.shuffle draws for n rows."""
        order = np.arange(n)
        self._random_state.shuffle(order)
        return order

    def _watched_epoch(self, steps: Any, *work: Any) -> bool:
        """Train one epoch between the hooks of scikit-learn's callbacks; return whether one of them ends training."""
        if (watched := run_of(self).watched) is None:
            self._epoch(steps, *work)
            return False
        context = self._callback_fit_ctx.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(estimator=self, **watched)
        self._epoch(steps, *work)
        steps.show()
        return context.call_on_fit_task_end(estimator=self, **watched, reconstruction_attributes=self._fitted)

    def _fitted(self) -> dict[str, list[np.ndarray]]:
        """Return copies of what a fitted estimator predicts with."""
        return {name: [array.copy() for array in getattr(self, name)] for name in PARAMETERS}

    def _epoch(self, steps: Any, order: np.ndarray, batch_size: int, held_out: Any, *validation: Any) -> None:
        loss = steps.epoch(order, batch_size)
        self.n_iter_ += 1
        self._steps_done += -(-len(order) // batch_size)
        self.loss_ = loss
        self.t_ += len(order)
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        if held_out is not None:
            loss, run_of(self).score = steps.evaluate(held_out)
            self.validation_loss_curve_.append(loss)
        judged = judged_rows(self, validation)
        if self._overrides("_update_no_improvement_count"):
            steps.show()
            self._update_no_improvement_count(self.early_stopping, *judged)
            steps.read()
        else:
            self._update_no_improvement_count(self.early_stopping, *judged)
        self._optimizer.iteration_ends(self.t_)

    def _encoded(self, X: Any, y: Any, weight: Any) -> tuple[Any, np.ndarray, Any]:
        """Return rows with the user's y as the network's outputs are."""
        if is_classifier(self):
            y = self._label_binarizer.transform(y)
        return X, np.asarray(y).reshape(X.shape[0], -1), weight

    def _stops(self) -> bool:
        """Return whether training ends here; the "adaptive" rate is lowered instead while it can be."""
        if self._no_improvement_count <= self.n_iter_no_change:
            return False
        of = "Validation score" if self.early_stopping else "Training loss"
        message = f"{of} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive epochs."
        if self._optimizer.trigger_stopping(message, self.verbose):
            return True
        self._no_improvement_count = 0
        return False
