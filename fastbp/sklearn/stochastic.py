"""The epochs of the solvers with minibatches, drawn and stopped as in scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from .. import schedules
from ..data.samples import Labelled
from .compiled import Compiled, refuse_no_weight

PARAMETERS = "coefs_", "intercepts_", "gains_", "offsets_", "slopes_"


class Stochastic(Compiled):
    """Training by minibatches, until one of scikit-learn's rules ends it."""

    _steps_done = 0  # since the weights were drawn, also by earlier calls: where a schedule goes on

    def _fit_stochastic(
        self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *work: Any
    ) -> None:  # the last of `work` says whether this is partial_fit
        incremental, self.solver = work[-1], self._asked
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        plan = self._prepare(incremental)
        self.validation_loss_curve_: list[float] = []
        (X, y, sample_weight), validation = self._split(X, y, sample_weight)
        data, n = self._labelled(X, y, sample_weight, plan), X.shape[0]
        held_out = None if validation[0] is None else self._targets(plan, *validation)
        batch_size = self._batch_size(n)
        order = np.arange(n)
        try:
            self.n_iter_ = 0
            for _ in range(self.max_iter):
                if self.shuffle:
                    order = order[self._shuffled(n)]
                ends = self._watched_epoch(plan, data, order, batch_size, held_out, *validation)
                if ends or self._stops() or incremental:
                    break
                if self.n_iter_ == self.max_iter:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                        "hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        self._store(plan)
        self._optimizer_state = plan.get_slots(), plan.steps
        if self.early_stopping:
            self._restore_best()

    def _restore_best(self) -> None:
        """Restore the weights of the best validation score; without a finite one, warn and keep the last weights."""
        if np.isfinite(self.best_validation_score_):
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
            self.gains_, self.offsets_, self.slopes_ = self._best_vectors
        elif self.validation_scores_:
            warnings.warn(
                f"Early stopping saw no finite validation score in {self.n_iter_} epochs; the last weights are kept. "
                "The validation data may have too few rows or one class only.",
                RuntimeWarning,
                stacklevel=5,
            )

    def _prepare(self, incremental: bool) -> Any:
        """Return the plan to train with. `partial_fit` keeps the optimizer's state, `fit` starts with a new one."""
        begin = not incremental or not hasattr(self, "_optimizer")
        if begin and self.solver == "sgd":
            self._optimizer = SGDOptimizer(
                [], self.learning_rate_init, self.learning_rate, self.momentum, self.nesterovs_momentum, self.power_t
            )
        elif begin:
            self._optimizer = AdamOptimizer([], self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon)
        plan = self._new_plan(self._rule())
        kept = None if begin else getattr(self, "_optimizer_state", None)
        if kept is not None and set(kept[0]) == set(plan.optimizer.rule.slots):
            plan.set_slots(kept[0])
            plan.steps = kept[1]
        self._load(plan)
        return plan

    def _split(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> tuple[Any, Any]:
        """Return (X, y, weights) of training and of validation, split as scikit-learn does."""
        given = getattr(self, "_validation", None)
        if given is not None:
            return (X, y, sample_weight), self._own_validation(*given)
        if not self.early_stopping:
            return (X, y, sample_weight), (None, None, None)
        arrays = (X, y) if sample_weight is None else (X, y, sample_weight)
        stratify = y if is_classifier(self) and self.n_outputs_ == 1 else None
        parts = train_test_split(
            *arrays, random_state=self._random_state, test_size=self.validation_fraction, stratify=stratify
        )
        train, validation = [*parts[::2], None][:3], [*parts[1::2], None][:3]
        if validation[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        if is_classifier(self):
            validation[1] = self._label_binarizer.inverse_transform(validation[1])
        return train, validation

    def _batch_size(self, n: int) -> int:
        if self.batch_size == "auto":
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

    def _watched_epoch(self, plan: Any, *work: Any) -> bool:
        """Train one epoch between the hooks of scikit-learn's callbacks; return whether one of them ends training."""
        if self._watched is None:
            self._epoch(plan, *work)
            return False
        context = self._callback_fit_ctx.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(estimator=self, **self._watched)
        self._epoch(plan, *work)
        self._store(plan)
        return context.call_on_fit_task_end(estimator=self, **self._watched, reconstruction_attributes=self._fitted)

    def _fitted(self) -> dict[str, list[np.ndarray]]:
        """Return copies of what a fitted estimator predicts with."""
        return {name: [array.copy() for array in getattr(self, name)] for name in PARAMETERS}

    def _epoch(
        self, plan: Any, data: Labelled, order: np.ndarray, batch_size: int, held_out: Labelled | None, *validation: Any
    ) -> None:
        plan.optimizer, n = self._rule(), len(order)
        refuse_no_weight(data.weights, order, batch_size, "a minibatch")
        if plan.draws:
            plan.key = int(self._random_state.randint(2**31))
        *_, sums = plan.train_epoch(data, order, batch_size, self._rates(plan, n, batch_size))
        self.n_iter_ += 1
        self._steps_done += -(-n // batch_size)
        self.loss_ = self._loss(sums)
        self.t_ += n
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        if held_out is not None:
            self._store(plan)
            loss, accuracy = plan.evaluate(held_out)
            self.validation_loss_curve_.append(loss / (self.n_outputs_ if self.out_activation_ == "identity" else 1))
            self._score_told = self._told(plan, held_out, accuracy)
        self._update_no_improvement_count(self.early_stopping, *validation)
        self._optimizer.iteration_ends(self.t_)

    def _targets(self, plan: Any, X: Any, y: Any, weight: Any) -> Labelled:
        """Return rows with the user's y as the plan takes them."""
        if is_classifier(self):
            y = self._label_binarizer.transform(y)
        return self._labelled(X, np.asarray(y).reshape(X.shape[0], -1), weight, plan)

    def _rates(self, plan: Any, n: int, batch_size: int) -> np.ndarray | None:
        """Return the learning rate of each step of the epoch, or None if it is constant."""
        if self.schedule is None:
            return None
        steps = -(-n // batch_size)
        epochs = max(1, self.max_iter - plan.steps // steps)  # those to come, if partial_fit is called max_iter times
        return schedules.rates(self.schedule, plan.optimizer.learning_rate, self._steps_done, steps, epochs)

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
