"""What both estimators compute with kernels instead of numpy: predictions, and the error and gradients of L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.utils.validation import validate_data

from .. import checks, frames, optim, threads
from .. import plan as plans
from ..network import ACTIVATIONS, Network
from ..samples import Labelled, Samples, Sums

_LOSSES = {"softmax": "cross_entropy", "logistic": "log_loss", "identity": "squared_error", "exp": "poisson"}
ALONE_FLOP = 3e7  # of a pass of L-BFGS: below, our threads and those of SciPy's BLAS wait for one another
ADDED_SOLVERS = "adamw", "rmsprop"
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Rule(NamedTuple):
    """An optimizer as plans want it (optim.py), with scikit-learn's wider limits."""

    kernel: str
    slots: tuple[str, ...]
    numbers: tuple[float, ...]


class Compiled:
    """The network, and passes over all rows."""

    if TYPE_CHECKING:  # what the estimators' own classes have
        t_: int
        _no_improvement_count: int

        def __getattr__(self, name: str) -> Any: ...

    # ---- what the network is

    def _network(self) -> Network:
        eps = np.finfo(self._kind()).eps
        sizes = (self.coefs_[0].shape[0], *(W.shape[1] for W in self.coefs_))
        loss = self.loss if self.out_activation_ == "identity" else _LOSSES[self.out_activation_]
        numbers = {"cross_entropy": -np.log(eps), "log_loss": eps}  # scikit-learn clips probabilities
        if loss == "huber":
            numbers[loss] = self.delta
        one = isinstance(self.activation, str)
        return Network(
            sizes,
            self.activation if one else checks.activations(self.activation, len(sizes) - 2, ACTIVATIONS),
            loss,
            alpha=float(self.alpha),
            l1_share=float(self.l1),
            number=float(numbers.get(loss, np.inf)),
            label_smoothing=getattr(self, "label_smoothing", 0.0) if loss == "cross_entropy" else 0.0,
            dropout=checks.shares("dropout", self.dropout, len(sizes) - 2),
            layer_norm=checks.flags("layer_norm", self.layer_norm, len(sizes) - 2),
            clip_value=np.inf if self.clip_value is None else float(self.clip_value),
            clip_norm=np.inf if self.clip_norm is None else float(self.clip_norm),
        )

    def _kind(self) -> np.dtype:
        """Return the dtype that all is computed in."""
        kind = np.result_type(*self.coefs_, *self.intercepts_)
        return kind if kind in _DTYPES else np.dtype(np.float64)

    def _rule(self) -> Rule:
        rate = float(self._optimizer.learning_rate if self.solver == "sgd" else self._optimizer.learning_rate_init)
        if self.solver == "adam":
            return Rule("adam", ("m", "v"), (rate, self.beta_1, self.beta_2, self.epsilon))
        if self.solver in ADDED_SOLVERS:
            kind = optim.OPTIMIZERS[self.solver]
            rule = kind(rate, **{field.name: getattr(self, field.name) for field in fields(kind)[1:]})
            return Rule(rule.kernel, rule.slots, rule.numbers)
        if self.momentum == 0:
            return Rule("sgd", (), (rate,))
        return Rule("nesterov" if self.nesterovs_momentum else "momentum", ("m",), (rate, float(self.momentum)))

    def _new_plan(self, rule: Rule, kind: np.dtype | None = None) -> Any:
        n_threads = checks.threads(self.n_threads, threads.most())
        return plans.make("fast", self._network(), kind or self._kind(), rule, n_threads)  # type: ignore[arg-type]

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
        for views, coef, intercept in zip(network.views(flat), self.coefs_, self.intercepts_, strict=True):
            yield from zip(views, (coef, intercept, *(next(norms) if len(views) > 2 else ())), strict=True)

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
        if plan.network.loss == "log_loss" and self.label_smoothing:
            y = y + plan.dtype.type(self.label_smoothing) * (plan.dtype.type(0.5) - y)
        weights = None if sample_weight is None else np.require(sample_weight, plan.dtype, ["C", "W"])
        return Labelled(Samples(X), y, weights)

    def _loss(self, sums: Sums) -> float:
        """Return what scikit-learn calls the loss: the squared error is its outputs' mean, not their sum."""
        outputs = self.n_outputs_ if self.out_activation_ == "identity" else 1
        return (sums.error / outputs + sums.penalty) / sums.rows

    # ---- passes

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> np.ndarray:
        if check_input:
            frames.refuse_lazy(X, "X")
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        plan = self._new_plan(Rule("sgd", (), (0.0,)))
        self._load(plan)
        z = np.empty((X.shape[0], plan.network.layer_sizes[-1]), plan.dtype)
        plan.predict(Samples(X), z)
        return z

    def _fit_lbfgs(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *work: Any) -> None:
        plan = self._new_plan(Rule("sgd", (), (0.0,)), X.dtype if X.dtype in _DTYPES else np.dtype(np.float64))
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
            plan = self._new_plan(Rule("sgd", (), (0.0,)), np.dtype(np.float64))
            data, packing = self._labelled(X, y, sample_weight, plan), self._packing(plan.network)
        flat = np.empty(len(packing), plan.dtype)
        flat[packing] = packed_coef_inter
        plan.load(flat)
        sums = plan.gradients(data, flat)
        return self._loss(sums), flat[packing]

    @staticmethod
    def _packing(network: Network) -> np.ndarray:
        """Return where each parameter stands in the flat vector: scikit-learn packs all W, then all b."""
        layers = network.views(np.arange(network.n_parameters))
        return np.concatenate([W.ravel() for W, _ in layers] + [b for _, b in layers])
