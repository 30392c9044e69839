"""The passes of both estimators over all rows by compiled kernels: predictions, and errors and gradients of L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np
from sklearn.base import is_classifier

from ..data import checks, choices, frames, sparse
from ..data.samples import Labelled, Samples, Sums
from ..execution import threads
from ..execution.in_place import MOST_ROWS, InPlacePredictor
from ..execution.plan import make_plan
from ..kernels.activations import RELU, RELU_FROM_BELOW
from ..kernels.entries.activation import Activation
from ..kernels.entries.loss import Loss
from ..kernels.losses import Huber, LogLoss, SquaredError
from ..kernels.losses.cross_entropy import ClippedCrossEntropy
from ..kernels.optimizers import OPTIMIZERS
from ..network import Network
from ..training.finite import warn_if_not_finite
from . import serving
from .documentation import Attributes
from .private import OUTPUTS, WEIGHTED, validate_data, with_weights, without_weights
from .running import run_of
from .solver_state import NO_STEPS, Unchecked
from .steps import refuse_no_weight, refuse_ours

ALONE_FLOP = 3e7  # of a pass of L-BFGS: below, our threads and those of SciPy's BLAS wait for one another
ADDED_SOLVERS = tuple(name for name in OPTIMIZERS if name not in ("sgd", "adam"))  # which scikit-learn has itself
NUMBERS = "identity", "exp"  # links of losses of numbers
_POOLS: dict[int, serving.Serving] = {}  # of each estimator by its identity: its attributes stay scikit-learn's
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
STEPS = "_backprop", "_compute_loss_grad", "_forward_pass"  # scikit-learn's methods that compiled steps replace


class Compiled(Attributes):
    """The network of an estimator, and passes over all rows."""

    if TYPE_CHECKING:  # what scikit-learn's networks have besides, and one or the other estimator
        delta: float
        label_smoothing: float
        _best_vectors: tuple[Any, ...]
        _label_binarizer: Any
        _standard: dict[str, Any]
        _unpack: Any

    # ---- what the network is

    def _network(self, loss: Loss | None = None) -> Network:
        if not len(self.coefs_) == len(self.intercepts_) > 0 or any(np.ndim(W) != 2 for W in self.coefs_):
            raise ValueError(misfit(self))
        sizes = (self.coefs_[0].shape[0], *(W.shape[1] for W in self.coefs_))
        F = choices.activations(self.activation, len(sizes) - 2)
        return Network(
            sizes,
            tuple(map(_as_in_scikit_learn, F)) if isinstance(F, tuple) else _as_in_scikit_learn(F),
            loss or self._loss_entry(),
            l1_per_weight=float(self.l1),
            l2_per_weight=float(self.alpha),
            dropout=checks.shares("dropout", self.dropout, len(sizes) - 2),
            layer_norm=checks.flags("layer_norm", self.layer_norm, len(sizes) - 2),
            clip_value=np.inf if self.clip_value is None else float(self.clip_value),
            clip_norm=np.inf if self.clip_norm is None else float(self.clip_norm),
            precision=self.precision,
        )

    def _kernels_ahead(self) -> Iterator[tuple[np.dtype, Network, tuple[Any, ...]]]:
        """Yield what `warmup` compiles for this estimator, of any number of classes or outputs, fitted or not."""
        rules = OPTIMIZERS[self.solver if self.solver in OPTIMIZERS else "sgd"]().rules  # L-BFGS takes gradients alone
        losses: tuple[Loss, ...] = (ClippedCrossEntropy(), LogLoss())
        if not is_classifier(self):
            losses = (choices.loss(self.loss),)
        hidden = len(np.atleast_1d(self.hidden_layer_sizes))
        F = choices.activations(self.activation, hidden)
        F = tuple(map(_as_in_scikit_learn, F)) if isinstance(F, tuple) else _as_in_scikit_learn(F)
        dropout = checks.shares("dropout", self.dropout, hidden)
        norms = checks.flags("layer_norm", self.layer_norm, hidden)
        sizes, precision = (1,) * (hidden + 2), self.precision
        for kind in _DTYPES[: 1 if precision else 2]:
            for loss in losses:
                yield kind, Network(sizes, F, loss, dropout=dropout, layer_norm=norms, precision=precision), rules

    def _loss_entry(self) -> Loss:
        """Return the loss; as in scikit-learn, reported errors clip probabilities away from 0 and 1."""
        eps = float(np.finfo(self._kind()).eps)
        if self.out_activation_ == "softmax":
            return ClippedCrossEntropy(getattr(self, "label_smoothing", 0.0), -float(np.log(eps)))
        if self.out_activation_ == "logistic":
            return LogLoss(eps)
        return Huber(float(self.delta)) if self.loss == "huber" else choices.loss(self.loss)

    def _kind(self, *others: np.dtype) -> np.dtype:
        """Return the dtype of all computations, with rows of other dtypes the wider one; float32 with a precision."""
        kind = _DTYPES[0] if self.precision else np.result_type(*self.coefs_, *self.intercepts_, *others)
        return kind if kind in _DTYPES else np.dtype(np.float64)

    def _link(self) -> str:
        """Return what becomes of a regressor's last layer's t."""
        link = choices.loss(self.loss).link
        if link not in NUMBERS:
            raise ValueError(f"loss must be one of numbers for a regressor, got {self.loss!r}")
        return link

    def _usual_output(self) -> bool:
        """Return whether `out_activation_` is what `fit` sets; users may set it, and change the output alone."""
        if not is_classifier(self):
            return bool(self.out_activation_ == self._link())
        of_one = self._label_binarizer.y_type_ == "multiclass"
        return bool(self.out_activation_ == ("softmax" if of_one else "logistic"))

    def _averaged_outputs(self) -> int:
        """Return over how many outputs errors are averaged in scikit-learn, where they are summed here."""
        return self.n_outputs_ if self.out_activation_ == "identity" else 1

    def _overrides(self, *names: str) -> str:
        """Return the first of scikit-learn's methods that a subclass, or this object, has its own of, else ""."""
        standard = self._standard
        own = (name for name in names if name in vars(self) or getattr(type(self), name) is not standard[name])
        return next(own, "")

    def _own_steps(self) -> str:
        """Return why scikit-learn's steps are taken instead of compiled ones, else ""."""
        if name := self._overrides(*STEPS):
            return f"{type(self).__name__} has its own {name}"
        return "" if self._usual_output() else f"out_activation_ is {self.out_activation_!r}"

    def _new_plan(self, optimizer: Unchecked = NO_STEPS, kind: np.dtype | None = None, loss: Loss | None = None) -> Any:
        n_threads = checks.threads(self.n_threads, threads.most())
        return make_plan("fast", self._network(loss), kind or self._kind(), optimizer, n_threads)

    def _load(self, plan: Any) -> None:
        plan.load_layers(self._layers(plan.network))

    def _store(self, plan: Any, last: bool = False) -> None:
        plan.store_layers(self._layers(plan.network), last)

    def _layers(self, network: Network) -> list[tuple[Any, ...]]:
        """Return the fitted W and vectors of each layer."""
        flat = np.empty(network.n_parameters)
        mine = (mine for _, mine in self._pairs(network, flat))
        return [tuple(next(mine) for _ in layer) for layer in network.views(flat)]

    def _pairs(self, network: Network, flat: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield each array of parameters within `flat` with its fitted attribute."""
        norms = zip(getattr(self, "gains_", ()), getattr(self, "offsets_", ()), strict=True)
        slopes = iter(getattr(self, "slopes_", ()))
        each = zip(self.coefs_, self.intercepts_, network.layer_norms, network.activations, strict=True)
        for views, (coef, intercept, norm, F) in zip(network.views(flat), each, strict=True):
            mine = (coef, intercept, *(next(norms, ()) if norm else ()), *([next(slopes, ())] if F.parameter else []))
            if [view.shape for view in views] != [np.shape(its) for its in mine]:
                raise ValueError(misfit(self))
            yield from zip(views, mine, strict=True)

    def _check_shapes(self, X: Any) -> None:
        """Raise ValueError if the fitted arrays, which users can set, do not fit each other or X."""
        network = self._network(SquaredError())  # any loss, as out_activation_ may be the user's
        list(self._pairs(network, np.empty(network.n_parameters)))
        if X.shape[1] != network.layer_sizes[0]:
            raise ValueError(f"X must have {network.layer_sizes[0]} columns, as coefs_[0] has rows, got {X.shape[1]}")

    def _labelled(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, plan: Any) -> Labelled:
        rows, (columns, *_, outputs) = X.shape[0], plan.network.layer_sizes
        if X.shape[1] != columns or y.shape != (rows, outputs):  # a kernel would read past their ends
            raise ValueError(
                f"X and y must have {columns} and {outputs} columns and as many rows, got shapes {X.shape}, {y.shape}"
            )
        if sample_weight is not None and sample_weight.shape != (rows,):
            raise ValueError(f"sample_weight must have shape ({rows},), got {sample_weight.shape}")
        y = y.argmax(axis=1) if plan.network.of_classes else np.require(y, plan.dtype, ["C", "W"])
        if plan.network.loss.name == "log_loss" and self.label_smoothing:
            y = y + plan.dtype.type(self.label_smoothing) * (plan.dtype.type(0.5) - y)
        weights = None if sample_weight is None else np.require(sample_weight, plan.dtype, ["C", "W"]).view()
        refuse_no_weight(weights, np.arange(rows), rows, "all rows, of training or of validation")
        return Labelled(serving.samples(X), y.view(), weights)

    def _loss(self, sums: Sums) -> np.float64:
        """Return the loss as scikit-learn defines it: the squared error is the mean over outputs, not the sum."""
        return np.float64((sums.error / self._averaged_outputs() + sums.penalty) / sums.rows)

    # ---- passes

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> np.ndarray:
        known = check_input and serving.needs_no_check(self, X)
        if check_input and not known:
            X = self._checked(X)
        served = self._served(self._kind(X.dtype))
        network, layers = served.predictor.network, serving.layers_of(self, served)
        if layers is None:
            raise ValueError(misfit(self))
        columns, *_, outputs = network.layer_sizes
        if X.shape[1] != columns:  # a kernel would read past its end
            raise ValueError(f"X must have {columns} columns, one for each row of coefs_[0], got {X.shape[1]}")
        z, finite = np.empty((X.shape[0], outputs), served.predictor.dtype), None
        try:
            samples = serving.samples(X, checked=check_input)
            if isinstance(samples.X, np.ndarray) and X.shape[0] <= MOST_ROWS and not network.precision:
                finite = served.predictor.predict(layers, samples, z)
            else:
                self._predict_packed(network, layers, samples, z)
        except ValueError:
            if known:
                self._checked(X)  # whose error for NaN and infinity is scikit-learn's
            raise
        if served.output is not None:
            served.output(z)
        return z if finite else warn_if_not_finite(z)

    def _checked(self, X: Any) -> Any:
        """Return X as scikit-learn's own `predict` checks it."""
        frames.refuse_lazy(X, "X")
        sparse.check(X, "X")
        frames.refuse_dates(X, "X")
        return validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)

    def _served(self, kind: np.dtype) -> serving.Served:
        """Return what predicts: made once for the present settings and shapes."""
        return _serving(self).find(serving.settings(self, kind), lambda: self._new_served(kind))

    def _new_served(self, kind: np.dtype) -> serving.Served:
        usual = self._usual_output()
        if not usual and self.out_activation_ not in OUTPUTS:
            raise ValueError(f"out_activation_ must be one of {sorted(OUTPUTS)}, got {self.out_activation_!r}")
        network = self._network(None if usual else SquaredError())
        predictor = InPlacePredictor(network, kind, checks.threads(self.n_threads, threads.most()))
        vectors = [(norm, bool(F.parameter)) for norm, F in zip(network.layer_norms, network.activations, strict=True)]
        return serving.Served(predictor, None if usual else OUTPUTS[self.out_activation_], vectors)

    def _predict_packed(self, network: Network, layers: Any, samples: Samples, z: np.ndarray) -> None:
        """Fill z with a plan that holds a packed copy of the parameters, or for sparse rows of all but the first W."""
        n_threads = checks.threads(self.n_threads, threads.most())
        with _serving(self).pool.plan(
            network, z.dtype, n_threads, lambda: make_plan("fast", network, z.dtype, NO_STEPS, n_threads)
        ) as plan:
            if not plan.load_in_place(layers, samples):
                self._load(plan)
            plan.predict(samples, z)

    def _fit_lbfgs(self, X: Any, y: np.ndarray, *given: Any) -> None:
        run, (sample_weight, work) = run_of(self), without_weights(self, given)
        sample_weight = run.weighed(sample_weight)
        if why := self._own_steps():
            refuse_ours(self, why)
        else:
            plan = self._new_plan(NO_STEPS, X.dtype if X.dtype in _DTYPES else np.dtype(np.float64))
            if self.n_threads is None and 6 * X.shape[0] * plan.network.n_parameters < ALONE_FLOP:
                plan.n_threads = 1
            run.lbfgs = plan, self._labelled(X, y, sample_weight, plan), self._packing(plan.network)
        run.began = True
        super()._fit_lbfgs(X, y, *(with_weights(sample_weight) if why or WEIGHTED else ()), *work)  # type: ignore[misc]

    def _loss_grad_lbfgs(
        self, packed_coef_inter: np.ndarray, X: Any, y: np.ndarray, *given: Any
    ) -> tuple[float, np.ndarray]:
        if (known := run_of(self).lbfgs) is not None:
            plan, data, packing = known
        elif self._own_steps():
            return super()._loss_grad_lbfgs(packed_coef_inter, X, y, *given)  # type: ignore[misc]
        else:
            plan = self._new_plan(NO_STEPS, np.dtype(np.float64))
            data, packing = self._labelled(X, y, without_weights(self, given)[0], plan), self._packing(plan.network)
        self._unpack(packed_coef_inter)  # what an exception leaves, and what methods of a subclass read
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


def _as_in_scikit_learn(F: Activation) -> Activation:
    """Return an activation with F'(0) as in scikit-learn, where that of ReLU is 0."""
    return RELU_FROM_BELOW if F == RELU else F


def _serving(estimator: Any) -> serving.Serving:
    """Return the plans of an estimator, which need not be hashable. They go when it does."""
    known = _POOLS.get(id(estimator))
    if known is None:
        known = _POOLS.setdefault(id(estimator), serving.Serving())
        finalize(estimator, _POOLS.pop, id(estimator), None).atexit = False
    return known


def misfit(estimator: Any) -> str:
    """Return what is wrong with parameters that a user has set."""
    shapes = [np.shape(W) for W in estimator.coefs_], [np.shape(b) for b in estimator.intercepts_]
    return (
        "coefs_ and intercepts_ must hold W of shape (inputs, outputs) and b of shape (outputs,) of each layer, and "
        f"gains_, offsets_ and slopes_ must fit them, got coefs_ and intercepts_ of shapes {shapes[0]}, {shapes[1]}"
    )
