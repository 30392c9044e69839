"""The steps of the solvers with minibatches: compiled ones, or scikit-learn's own where its methods are overridden."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from sklearn.utils import gen_batches

from ..data.samples import CONSTANT, Labelled, Rates
from ..kernels.compiler.signals import held
from ..training import rates
from . import solver_state
from .private import LOSS_FUNCTIONS, with_weights
from .running import run_of

_PLAIN = {
    "dropout": 0.0, "layer_norm": False, "l1": 0.0, "clip_value": None, "clip_norm": None, "schedule": None,
    "label_smoothing": 0.0, "precision": None,
}  # settings of ours that scikit-learn's steps do not have, and their values without effect  # fmt: skip
_KNOWN = {
    "activation": ("identity", "logistic", "tanh", "relu"),
    "loss": tuple(LOSS_FUNCTIONS),
}  # values that they have
LARGE = 4_000_000  # bytes of weights of which no second copy is kept while a plan trains them


class CompiledSteps:
    """Steps of a plan. The estimator's attributes follow where `show` is called, and at the end."""

    estimator: Any
    optimizer: Any
    plan: Any
    data: Labelled

    def __init__(
        self, estimator: Any, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, anew: bool = False
    ) -> None:
        self.estimator, self.optimizer = estimator, estimator._optimizer
        self.plan = estimator._new_plan(solver_state.rule(self.optimizer))
        self.steps_before = estimator._steps_done if anew else 0
        if not anew:
            solver_state.read(self.optimizer, self.plan)
        estimator._load(self.plan)
        self.data = self.targets(X, y, sample_weight)

    def targets(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> Labelled:
        """Return rows as the plan takes them."""
        return self.estimator._labelled(X, y, sample_weight, self.plan)

    def epoch(self, order: np.ndarray, batch_size: int) -> np.float64:
        """Train one epoch; return its loss."""
        estimator, plan = self.estimator, self.plan
        if run_of(estimator).watched is None:  # callbacks see the weights before an epoch, too
            _let_go(estimator.coefs_)
        refuse_no_weight(self.data.weights, order, batch_size, "a minibatch")
        plan.optimizer = solver_state.rule(self.optimizer)
        if plan.draws:
            plan.key = int(estimator._random_state.randint(2**31))
        *_, sums = plan.train_epoch(self.data, order, batch_size, self._rates(len(order), batch_size))
        return estimator._loss(sums)

    def _rates(self, n: int, batch_size: int) -> Rates:
        """Return the learning rate of each step of the epoch, where it changes."""
        estimator, plan = self.estimator, self.plan
        if estimator.schedule is None:
            return CONSTANT
        steps = -(-n // batch_size)
        done = (estimator._steps_done - self.steps_before) // steps
        epochs = max(1, estimator.max_iter - done)  # to come, if partial_fit is called max_iter times
        rate, first = plan.optimizer.learning_rate, estimator._steps_done
        return Rates(rates.rates(estimator.schedule, rate, first, steps, epochs))

    def evaluate(self, held_out: Labelled) -> tuple[float, float | None]:
        """Return the loss of other rows, and their score if the pass tells it."""
        estimator = self.estimator
        estimator._store(self.plan)
        loss, accuracy = self.plan.evaluate(held_out)
        loss /= estimator._averaged_outputs()
        return loss, estimator._told(self.plan, held_out, loss, accuracy)

    def show(self) -> None:
        """Write weights and the optimizer's state to the estimator's attributes."""
        self.estimator._store(self.plan)
        solver_state.write(self.optimizer, self.plan)

    def end(self) -> None:
        """Do what `show` does for the last time, and let go of what is written: two copies take memory."""
        held(self._end)  # nothing else has the weights now

    def _end(self) -> None:
        self.estimator._store(self.plan, last=True)
        self.plan.release()
        solver_state.write(self.optimizer, self.plan, last=True)

    def read(self) -> None:
        """Take weights and the optimizer's state from the attributes, which a method of the user's may have changed."""
        if self.estimator._optimizer is not self.optimizer:
            raise NotImplementedError("_optimizer must not be replaced while fit runs; its attributes may be changed")
        self.estimator._load(self.plan)
        solver_state.read(self.optimizer, self.plan)


def _let_go(arrays: list[np.ndarray]) -> None:
    """Replace large arrays that nothing else refers to by zeros, which take no memory until they are written."""
    alone = _references([np.empty(0)], 0)
    for number in range(len(arrays)):  # no name stands for an array here: it would refer to it
        if arrays[number].nbytes >= LARGE and arrays[number].base is None and _references(arrays, number) == alone:
            arrays[number] = np.zeros(arrays[number].shape, arrays[number].dtype)


def _references(arrays: list[np.ndarray], number: int) -> int:
    return sys.getrefcount(arrays[number])


class ScikitSteps:
    """scikit-learn's steps: `_backprop` of each minibatch, then `_optimizer.update_params`, on the attributes."""

    estimator: Any
    rows: Any
    parameters: list[np.ndarray]
    gradients: list[list[np.ndarray]]
    layers: int

    def __init__(self, estimator: Any, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> None:
        self.estimator, self.rows = estimator, self.targets(X, y, sample_weight)
        self.parameters = estimator.coefs_ + estimator.intercepts_
        W_of_layers, b_of_layers = estimator.coefs_, estimator.intercepts_
        self.gradients = [[np.empty_like(a) for a in arrays] for arrays in (W_of_layers, b_of_layers)]
        self.layers = len(W_of_layers)

    def targets(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> Any:
        """Return rows as `_backprop` takes them."""
        with_weights(sample_weight)  # refused if it takes none
        return X, y, sample_weight

    def epoch(self, order: np.ndarray, batch_size: int) -> Any:
        """Train one epoch; return its loss."""
        estimator, (X, y, weights), total = self.estimator, self.rows, 0.0
        activations, deltas = [None] * (self.layers + 1), [None] * self.layers
        for part in gen_batches(len(order), batch_size):
            rows = order[part]
            batch, w = X[rows], None if weights is None else weights[rows]
            activations[0] = batch
            loss, *self.gradients = estimator._backprop(
                batch, y[rows], *with_weights(w), activations, deltas, *self.gradients
            )
            total += loss * len(rows)
            dW, db = self.gradients
            estimator._optimizer.update_params(self.parameters, dW + db)
        return total / len(order)

    def evaluate(self, held_out: Any) -> tuple[float, float | None]:
        """Return the loss of other rows; no score."""
        X, y, weights = held_out
        estimator = self.estimator
        name = estimator.loss
        if name == "log_loss" and estimator.out_activation_ == "logistic":
            name = "binary_log_loss"
        z = estimator._forward_pass_fast(X, check_input=False)
        loss = float(LOSS_FUNCTIONS[name](y, z, *with_weights(weights)))
        return loss, -loss if estimator.scoring == "loss" else None

    def show(self) -> None:
        """Do nothing: the attributes are what is trained."""

    def read(self) -> None:
        """Do nothing, likewise."""

    def end(self) -> None:
        """Do nothing, likewise."""


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


def refuse_ours(estimator: Any, why: str) -> None:
    """Raise NotImplementedError if scikit-learn's steps lack a setting of this estimator."""
    wrong = [name for name, value in _PLAIN.items() if _given(getattr(estimator, name, value), value)]
    for name, known in _KNOWN.items():
        value = getattr(estimator, name)
        wrong += [] if isinstance(value, str) and value in known else [name]
    if isinstance(getattr(estimator, "_optimizer", None), solver_state.AddedOptimizer):
        wrong.append("solver")
    for name in wrong:
        raise NotImplementedError(
            f"{why}, so that scikit-learn's own steps train, which do not have {name}={getattr(estimator, name)!r}"
        )


def _given(value: Any, default: Any) -> bool:
    return value is not None if default is None else bool(np.any(value))
