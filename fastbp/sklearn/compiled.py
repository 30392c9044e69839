"""The passes of both estimators over all rows by compiled kernels: predictions, and errors and gradients of L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.utils.validation import validate_data

from ..data import checks, choices, frames
from ..data.samples import Labelled, Samples, Sums
from ..execution import threads
from ..execution.plan import make_plan
from ..execution.pool import PlanPool
from ..kernels.entries.loss import Loss
from ..kernels.entries.optimizer import Rule
from ..kernels.losses import Huber, LogLoss
from ..kernels.losses.cross_entropy import ClippedCrossEntropy
from ..kernels.optimizers import OPTIMIZERS, RULES
from ..network import Network

ALONE_FLOP = 3e7  # of a pass of L-BFGS: below, our threads and those of SciPy's BLAS wait for one another
ADDED_SOLVERS = tuple(name for name in OPTIMIZERS if name not in ("sgd", "adam"))  # which scikit-learn has itself
NUMBERS = "identity", "exp"  # links of losses of numbers
_POOLS: WeakKeyDictionary[Any, PlanPool] = WeakKeyDictionary()  # of each estimator: its attributes stay scikit-learn's
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Unchecked(SimpleNamespace):
    """An optimizer as plans take it: rule, learning rate and settings, within scikit-learn's wider limits."""

    rule: Rule
    learning_rate: float


NO_STEPS = Unchecked(rule=RULES["sgd"], learning_rate=0.0)  # of passes that update nothing


def refuse_no_weight(weights: np.ndarray | None, order: np.ndarray, batch_size: int, where: str) -> None:
    """Raise ValueError if weights sum to 0, but for rounding, in a minibatch of the rows `order`: it has no mean error.

    Sums below 0 are divided by as scikit-learn does.
    """
    if weights is None or weights.min() > 0:
        return
    w, starts = weights[order].astype(np.float64), np.arange(0, len(order), batch_size)
    empty = np.abs(np.add.reduceat(w, starts)) <= np.finfo(weights.dtype).eps * np.add.reduceat(np.abs(w), starts)
    if empty.any():
        first = starts[int(np.argmax(empty))]
        raise ValueError(
            f"sample_weight must not sum to 0 over {where}, got {w[first : first + 5]} ... for rows "
            f"{order[first : first + 5]} ...; leave out rows of weight 0, or raise batch_size"
        )


class Compiled:
    """The network of an estimator, and passes over all rows."""

    if TYPE_CHECKING:  # what the estimators' own classes have
        activation: Any
        t_: int
        _best_vectors: tuple[Any, ...]
        _no_improvement_count: int

        def __getattr__(self, name: str) -> Any: ...

    # ---- what the network is

    def _network(self) -> Network:
        sizes = (self.coefs_[0].shape[0], *(W.shape[1] for W in self.coefs_))
        return Network(
            sizes,
            choices.activations(self.activation, len(sizes) - 2),
            self._loss_entry(),
            l1_per_weight=float(self.l1),
            l2_per_weight=float(self.alpha),
            dropout=checks.shares("dropout", self.dropout, len(sizes) - 2),
            layer_norm=checks.flags("layer_norm", self.layer_norm, len(sizes) - 2),
            clip_value=np.inf if self.clip_value is None else float(self.clip_value),
            clip_norm=np.inf if self.clip_norm is None else float(self.clip_norm),
        )

    def _loss_entry(self) -> Loss:
        """Return the loss; as in scikit-learn, reported errors clip probabilities away from 0 and 1."""
        eps = float(np.finfo(self._kind()).eps)
        if self.out_activation_ == "softmax":
            return ClippedCrossEntropy(getattr(self, "label_smoothing", 0.0), -float(np.log(eps)))
        if self.out_activation_ == "logistic":
            return LogLoss(eps)
        return Huber(float(self.delta)) if self.loss == "huber" else choices.loss(self.loss)

    def _kind(self) -> np.dtype:
        """Return the dtype of all computations."""
        kind = np.result_type(*self.coefs_, *self.intercepts_)
        return kind if kind in _DTYPES else np.dtype(np.float64)

    def _rule(self) -> Unchecked:
        rate = float(self._optimizer.learning_rate if self.solver == "sgd" else self._optimizer.learning_rate_init)
        if self.solver == "sgd":
            name = ("nesterov" if self.nesterovs_momentum else "momentum") if self.momentum else "sgd"
            return Unchecked(rule=RULES[name], learning_rate=rate, momentum=float(self.momentum))
        optimizer = OPTIMIZERS[self.solver]()
        settings = {name: getattr(self, name, value) for name, value in optimizer.settings().items()}
        return Unchecked(rule=optimizer.rule, learning_rate=rate, **settings)

    def _new_plan(self, optimizer: Unchecked = NO_STEPS, kind: np.dtype | None = None) -> Any:
        n_threads = checks.threads(self.n_threads, threads.most())
        return make_plan("fast", self._network(), kind or self._kind(), optimizer, n_threads)

    def _load(self, plan: Any) -> None:
        flat = np.empty(plan.network.n_parameters, plan.dtype)
        for array, mine in self._pairs(plan.network, flat):
            array[...] = mine
        plan.load(flat)

    def _store(self, plan: Any) -> None:
        flat = np.empty(plan.network.n_parameters, plan.dtype)
        plan.store(flat)
        for array, mine in self._pairs(plan.network, flat):
            mine[...] = array

    def _pairs(self, network: Network, flat: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield each array of parameters within `flat` with its fitted attribute."""
        norms = zip(getattr(self, "gains_", ()), getattr(self, "offsets_", ()), strict=True)
        slopes = iter(getattr(self, "slopes_", ()))
        each = zip(self.coefs_, self.intercepts_, network.layer_norms, network.activations, strict=True)
        for views, (coef, intercept, norm, F) in zip(network.views(flat), each, strict=True):
            mine = (coef, intercept, *(next(norms) if norm else ()), *([next(slopes)] if F.parameter else []))
            yield from zip(views, mine, strict=True)

    def _labelled(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, plan: Any) -> Labelled:
        rows, (columns, *_, outputs) = X.shape[0], plan.network.layer_sizes
        if X.shape[1] != columns or y.shape != (rows, outputs):  # a kernel would read past their ends
            raise ValueError(
                f"X and y must have {columns} and {outputs} columns and as many rows, got shapes {X.shape}, {y.shape}"
            )
        if plan.network.of_classes:
            y = y.argmax(axis=1)
        else:
            y = np.require(y, plan.dtype, ["C", "W"])
        if plan.network.loss.name == "log_loss" and self.label_smoothing:
            y = y + plan.dtype.type(self.label_smoothing) * (plan.dtype.type(0.5) - y)
        weights = None if sample_weight is None else np.require(sample_weight, plan.dtype, ["C", "W"])
        refuse_no_weight(weights, np.arange(rows), rows, "all rows, of training or of validation")
        return Labelled(Samples(X), y, weights)

    def _loss(self, sums: Sums) -> float:
        """Return the loss as scikit-learn defines it: the squared error is the mean over outputs, not the sum."""
        outputs = self.n_outputs_ if self.out_activation_ == "identity" else 1
        return (sums.error / outputs + sums.penalty) / sums.rows

    # ---- passes

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> np.ndarray:
        if check_input:
            frames.refuse_lazy(X, "X")
            frames.refuse_dates(X, "X")
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        network, kind = self._network(), self._kind()
        n_threads = checks.threads(self.n_threads, threads.most())
        pool = _POOLS.setdefault(self, PlanPool())
        with pool.plan(network, kind, n_threads, lambda: make_plan("fast", network, kind, NO_STEPS, n_threads)) as plan:
            self._load(plan)
            z = np.empty((X.shape[0], network.layer_sizes[-1]), kind)
            plan.predict(Samples(X), z)
        return z

    def _fit_lbfgs(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *work: Any) -> None:
        plan = self._new_plan(NO_STEPS, X.dtype if X.dtype in _DTYPES else np.dtype(np.float64))
        if self.n_threads is None and 6 * X.shape[0] * plan.network.n_parameters < ALONE_FLOP:
            plan.n_threads = 1
        self._lbfgs = plan, self._labelled(X, y, sample_weight, plan), self._packing(plan.network)
        try:
            super()._fit_lbfgs(X, y, sample_weight, *work)  # type: ignore[misc]
        finally:
            del self._lbfgs

    def _loss_grad_lbfgs(
        self, packed_coef_inter: np.ndarray, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *work: Any
    ) -> tuple[float, np.ndarray]:
        if hasattr(self, "_lbfgs"):
            plan, data, packing = self._lbfgs
        else:
            plan = self._new_plan(NO_STEPS, np.dtype(np.float64))
            data, packing = self._labelled(X, y, sample_weight, plan), self._packing(plan.network)
        flat = np.empty(len(packing), plan.dtype)
        flat[packing] = packed_coef_inter
        plan.load(flat)
        sums = plan.gradients(data, flat)
        return self._loss(sums), flat[packing]

    @staticmethod
    def _packing(network: Network) -> np.ndarray:
        """Return the place of each parameter in the flat vector: scikit-learn packs all W, then all b."""
        layers = network.views(np.arange(network.n_parameters))
        return np.concatenate([W.ravel() for W, _ in layers] + [b for _, b in layers])
