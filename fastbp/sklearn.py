"""scikit-learn's MLPClassifier and MLPRegressor, computed by this library's kernels: change one import.

They are scikit-learn's own classes: parameters, checks, stopping rules and fitted attributes are inherited, and the
same `random_state` draws the same weights and minibatches. What runs over rows and weights is replaced: an epoch is
one compiled call, a pass over the data another.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

try:
    from sklearn import neural_network
    from sklearn.base import is_classifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
    from sklearn.utils.validation import validate_data
except ImportError as error:
    raise ImportError(f"fastbp.sklearn needs scikit-learn 1.9: pip install 'fastbp[sklearn]' ({error})") from error

from . import plan as plans
from .network import Network
from .samples import Labelled, Samples, Sums

_LOSSES = {"softmax": "cross_entropy", "logistic": "log_loss", "identity": "squared_error", "exp": "poisson"}
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Rule(NamedTuple):
    """An optimizer as plans want it (optim.py), with scikit-learn's wider limits."""

    kernel: str
    slots: tuple[str, ...]
    numbers: tuple[float, ...]


class _Compiled:
    """What both estimators compute with kernels instead of numpy."""

    if TYPE_CHECKING:  # what the estimators' own classes have
        t_: int
        _no_improvement_count: int

        def __getattr__(self, name: str) -> Any: ...

    # ---- what the network is

    def _network(self) -> Network:
        eps = np.finfo(self._kind()).eps
        sizes = (self.coefs_[0].shape[0], *(W.shape[1] for W in self.coefs_))
        loss = _LOSSES[self.out_activation_]
        number = {"cross_entropy": -np.log(eps), "log_loss": eps}.get(loss, np.inf)  # scikit-learn clips probabilities
        return Network(sizes, self.activation, loss, alpha=float(self.alpha), number=float(number))

    def _kind(self) -> np.dtype:
        """Return the dtype that all is computed in."""
        kind = np.result_type(*self.coefs_, *self.intercepts_)
        return kind if kind in _DTYPES else np.dtype(np.float64)

    def _rule(self) -> Rule:
        rate = float(self._optimizer.learning_rate_init if self.solver == "adam" else self._optimizer.learning_rate)
        if self.solver == "adam":
            return Rule("adam", ("m", "v"), (rate, self.beta_1, self.beta_2, self.epsilon))
        if self.momentum == 0:
            return Rule("sgd", (), (rate,))
        return Rule("nesterov" if self.nesterovs_momentum else "momentum", ("m",), (rate, float(self.momentum)))

    def _new_plan(self, rule: Rule, kind: np.dtype | None = None) -> Any:
        return plans.make("fast", self._network(), kind or self._kind(), rule, None)  # type: ignore[arg-type]

    def _load(self, plan: Any) -> None:
        flat = np.empty(plan.network.n_parameters, plan.dtype)
        for (W, b), coef, intercept in zip(plan.network.views(flat), self.coefs_, self.intercepts_, strict=True):
            W[...], b[...] = coef, intercept
        plan.load(flat)

    def _store(self, plan: Any) -> None:
        flat = np.empty(plan.network.n_parameters, plan.dtype)
        plan.store(flat)
        for (W, b), coef, intercept in zip(plan.network.views(flat), self.coefs_, self.intercepts_, strict=True):
            coef[...], intercept[...] = W, b

    def _labelled(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, plan: Any) -> Labelled:
        if plan.network.of_classes:
            y = y.argmax(axis=1)
        else:
            y = np.require(y, plan.dtype, ["C", "W"])
        weights = None if sample_weight is None else np.require(sample_weight, plan.dtype, ["C", "W"])
        return Labelled(Samples(X), y, weights)

    def _loss(self, sums: Sums) -> float:
        """Return what scikit-learn calls the loss: the squared error is its outputs' mean, not their sum."""
        outputs = self.n_outputs_ if self.out_activation_ == "identity" else 1
        return (sums.error / outputs + sums.penalty) / sums.rows

    # ---- passes

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> np.ndarray:
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        plan = self._new_plan(Rule("sgd", (), (0.0,)))
        self._load(plan)
        z = np.empty((X.shape[0], plan.network.layer_sizes[-1]), plan.dtype)
        plan.predict(Samples(X), z)
        return z

    def _fit_lbfgs(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *work: Any) -> None:
        plan = self._new_plan(Rule("sgd", (), (0.0,)), np.dtype(np.float64))
        self._lbfgs = plan, self._labelled(X, y, sample_weight, plan)
        try:
            super()._fit_lbfgs(X, y, sample_weight, *work)  # type: ignore[misc]
        finally:
            del self._lbfgs

    def _loss_grad_lbfgs(
        self, packed_coef_inter: np.ndarray, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *work: Any
    ) -> tuple[float, np.ndarray]:
        self._unpack(packed_coef_inter)
        if hasattr(self, "_lbfgs"):
            plan, data = self._lbfgs
        else:
            plan = self._new_plan(Rule("sgd", (), (0.0,)), np.dtype(np.float64))
            data = self._labelled(X, y, sample_weight, plan)
        self._load(plan)
        gradient = np.empty(plan.network.n_parameters)
        sums = plan.gradients(data, gradient)
        layers = plan.network.views(gradient)
        packed = [W.ravel() for W, _ in layers] + [b for _, b in layers]
        return self._loss(sums), np.concatenate(packed)

    # ---- the stochastic solvers

    def _fit_stochastic(
        self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *work: Any
    ) -> None:  # the last of `work` says whether this is partial_fit
        incremental = work[-1]
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        plan = self._prepare(incremental)
        (X, y, sample_weight), validation = self._split(X, y, sample_weight)
        data = self._labelled(X, y, sample_weight, plan)
        n = len(data.y)
        batch_size = self._batch_size(n)
        order = np.arange(n)
        try:
            self.n_iter_ = 0
            for _ in range(self.max_iter):
                if self.shuffle:
                    order = order[self._shuffled(n)]
                self._epoch(plan, data, order, batch_size, *validation)
                if self._stops() or incremental:
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
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts

    def _prepare(self, incremental: bool) -> Any:
        """Return the plan to train with: partial_fit goes on with the optimizer's state, fit begins anew."""
        begin = not incremental or not hasattr(self, "_optimizer")
        if begin and self.solver == "sgd":
            self._optimizer = SGDOptimizer(
                [], self.learning_rate_init, self.learning_rate, self.momentum, self.nesterovs_momentum, self.power_t
            )
        elif begin:
            self._optimizer = AdamOptimizer([], self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon)
        plan = self._new_plan(self._rule())
        kept = None if begin else getattr(self, "_optimizer_state", None)
        if kept is not None and set(kept[0]) == set(plan.optimizer.slots):
            plan.set_slots(kept[0])
            plan.steps = kept[1]
        self._load(plan)
        return plan

    def _split(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> tuple[Any, Any]:
        """Return (X, y, weights) to train on and to stop by, drawn as scikit-learn draws them."""
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
        """Return what sklearn.utils.shuffle draws for n rows."""
        order = np.arange(n)
        self._random_state.shuffle(order)
        return order

    def _epoch(self, plan: Any, data: Labelled, order: np.ndarray, batch_size: int, *validation: Any) -> None:
        plan.optimizer = self._rule()
        parts = list(plan.train_epoch(data, order, batch_size))
        n = len(order)
        self.n_iter_ += 1
        self.loss_ = self._loss(Sums(*map(sum, zip(*parts, strict=True))))
        self.t_ += n
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        if self.early_stopping:
            self._store(plan)
        self._update_no_improvement_count(self.early_stopping, *validation)
        self._optimizer.iteration_ends(self.t_)

    def _stops(self) -> bool:
        """Whether training ends here; the adaptive rate may be lowered instead."""
        if self._no_improvement_count <= self.n_iter_no_change:
            return False
        of = "Validation score" if self.early_stopping else "Training loss"
        message = f"{of} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive epochs."
        if self._optimizer.trigger_stopping(message, self.verbose):
            return True
        self._no_improvement_count = 0
        return False


class MLPClassifier(_Compiled, neural_network.MLPClassifier):
    """scikit-learn's MLPClassifier on compiled kernels: see `sklearn.neural_network.MLPClassifier`."""


class MLPRegressor(_Compiled, neural_network.MLPRegressor):
    """scikit-learn's MLPRegressor on compiled kernels: see `sklearn.neural_network.MLPRegressor`."""
