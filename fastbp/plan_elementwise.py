"""The network computed with the equations as printed: slow, and readable to the last loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import threads
from .kernels import beyond_activations, beyond_errors, beyond_normalization, descent, elementwise
from .kernels.shuffle import random_word
from .kernels.simd import LINE
from .kernels.workspace import padded
from .network import OUTPUTS as output_of
from .network import Network
from .optim import Optimizer
from .samples import NO_SUMS, Diverged, Labelled, Samples, Sums

PARALLEL_FLOP = 2_000_000  # of a launch, from which a second thread pays for its start
BLOCK_ROWS = 1024  # rows computed at once outside training

ACTIVATIONS = {
    "relu": elementwise.relu,
    "leaky_relu": beyond_activations.leaky_relu,
    "logistic": beyond_activations.logistic,
    "tanh": beyond_activations.tanh,
    "gelu": beyond_activations.gelu,
    "silu": beyond_activations.silu,
}
DERIVATIVES = {
    "leaky_relu": beyond_activations.leaky_relu_derivative,
    "logistic": beyond_activations.logistic_derivative,
    "tanh": beyond_activations.tanh_derivative,
    "gelu": beyond_activations.gelu_derivative,
    "silu": beyond_activations.silu_derivative,
}
OF_T = ("gelu", "silu")  # whose derivatives are functions of t, not of h
OUTPUTS = {
    "softmax": elementwise.softmax,
    "logistic": beyond_activations.logistic,
    "identity": beyond_activations.identity,
    "exp": beyond_activations.exponential,
}
LOSSES = {
    "cross_entropy": elementwise.softmax_cross_entropy,
    "binary_cross_entropy": beyond_errors.binary_cross_entropy,
    "squared_error": beyond_errors.squared_error,
    "absolute_error": beyond_errors.absolute_error,
    "huber": beyond_errors.huber,
    "poisson": beyond_errors.poisson,
}


class ElementwisePlan:
    """Layers are numbered from 0; h[l] is the input of layer l, so h[0] is x. See `plan.Plan`."""

    def __init__(self, network: Network, dtype: np.dtype, optimizer: Optimizer, n_threads: int | None) -> None:
        self.network, self.dtype, self.optimizer, self.n_threads = network, dtype, optimizer, n_threads
        self.flat = np.empty(network.n_parameters, dtype)
        self.slots = {name: np.zeros_like(self.flat) for name in optimizer.slots}
        self.steps = self.key = 0
        self.watch, self.draws = False, any(network.dropouts)

    def load(self, flat: np.ndarray) -> None:
        """Take a copy of the parameters."""
        self.flat[...] = flat

    def store(self, flat: np.ndarray) -> None:
        """Write the parameters back."""
        flat[...] = self.flat

    def get_slots(self) -> dict[str, np.ndarray]:
        """Return copies of the optimizer's state."""
        return {name: state.copy() for name, state in self.slots.items()}

    def set_slots(self, slots: dict[str, np.ndarray]) -> None:
        """Take over the optimizer's state."""
        for name, state in slots.items():
            self.slots[name][...] = state

    def snapshot(self) -> Any:
        """Return what `restore` needs."""
        return self.steps, {name: state.copy() for name, state in self.slots.items()}

    def restore(self, snapshot: Any) -> None:
        """Take back the optimizer's state."""
        self.steps, self.slots = snapshot

    def train_epoch(
        self, data: Labelled, order: np.ndarray, batch_size: int, rates: np.ndarray | None = None
    ) -> Iterator[Sums]:
        """Yield after each minibatch."""
        self._allocate(min(batch_size, len(order)))
        gradient, so_far = np.empty_like(self.flat), NO_SUMS
        for start in range(0, len(order), batch_size):
            picked = order[start : start + batch_size]
            data.samples.gather(self.h[0][: len(picked)], picked)
            self._forward(len(picked), dropping=True)
            sums = self._descend(data.picked(picked), gradient, dropping=True)
            if self.watch and not np.isfinite(sums.error):
                raise Diverged(self.steps + 1)
            limits = self.dtype.type(self.network.clip_value), self.dtype.type(self.network.clip_norm)
            if np.isfinite(min(limits)):
                self._run(beyond_errors.limit, gradient.size, gradient, *limits)
            self._update(gradient, self.optimizer.learning_rate if rates is None else rates[start // batch_size])
            so_far = so_far.plus(sums)
            yield so_far

    def evaluate(self, data: Labelled) -> tuple[float, int]:
        """Block after block."""
        error, hits, total = 0.0, 0, 0.0
        for block, t in self._blocks(data.samples, BLOCK_ROWS):
            picked = data.picked(block)
            weight = self._weight(picked)
            error, total = error + self._loss(picked) * weight, total + weight
            hits += self._hits(t, picked.y)
        return error / total, hits

    def predict(self, samples: Samples, z: np.ndarray) -> None:
        """Block after block."""
        for block, t in self._blocks(samples, BLOCK_ROWS):
            self._run(OUTPUTS[output_of[self.network.loss]], 5 * t.size, z[block], t)

    def predict_rows(self, buffer: np.ndarray, samples: Samples, z: np.ndarray) -> bool:
        """Leave a few rows to `predict`, too."""
        return False

    def gradients(self, data: Labelled, gradient: np.ndarray) -> Sums:
        """All rows in one block."""
        for _ in self._blocks(data.samples, len(data.y)):
            pass
        return self._descend(data, gradient)

    def _allocate(self, rows: int) -> None:
        self.h = [np.empty((rows, size), self.dtype) for size in self.network.layer_sizes]
        self.dt = [np.empty((rows, outputs), self.dtype) for _, outputs in self.network.shapes]
        self.t: dict[int, np.ndarray] = {}  # or h, where that is changed before F'(t) is read off it
        self.u: dict[int, np.ndarray] = {}
        self.r: dict[int, np.ndarray] = {}
        self.e, self.c = np.empty(rows, self.dtype), np.empty(rows, np.int64)

    def _blocks(self, samples: Samples, rows: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield where each block of rows stands, and its logits."""
        n = len(samples.X)
        self._allocate(min(rows, n))
        for start in range(0, n, rows):
            block = slice(start, min(start + rows, n))
            samples.gather(self.h[0][: block.stop - start], block)
            yield block, self._forward(block.stop - start)

    def _forward(self, rows: int, dropping: bool = False) -> np.ndarray:
        """Return the logits of the first `rows` rows of h[0] (eqs. 42-44)."""
        layers = zip(self.network.views(self.flat), self.network.activations, strict=True)
        for layer, ((W, b, *norm), F) in enumerate(layers):
            fused = F == "relu" and not norm
            kernel = elementwise.linear_relu if fused else elementwise.linear
            h = self.h[layer + 1][:rows]
            self._run(kernel, 2 * rows * W.size, h, self.h[layer][:rows], W, b)
            if norm:
                self.u[layer], self.r[layer] = np.empty_like(h), np.empty(rows, self.dtype)
                self._run(beyond_normalization.layer_norm, 7 * h.size, h, self.u[layer], self.r[layer], h, *norm)
            if F in OF_T:
                self.t[layer] = h.copy()
            if F in ACTIVATIONS and not fused:
                self._run(ACTIVATIONS[F], 5 * h.size, h, h)
            if dropping:
                if F not in OF_T:
                    self.t[layer] = h.copy()  # F'(t) is read off h as it is now
                self._drop(layer, h)
        return self.h[-1][:rows]

    def _drop(self, layer: int, h: np.ndarray) -> None:
        """Drop what the fast kernels drop: they count the columns that fill up a vector, too."""
        if share := self.network.dropouts[layer]:
            columns = padded(h.shape[1], LINE // self.dtype.itemsize)
            with np.errstate(over="ignore"):  # of 64 bits
                word = random_word.py_func(self.key, self.steps * len(self.network.layer_sizes) + layer)
            key = int(word & np.uint64(0xFFFFFFFF))
            self._run(beyond_activations.dropout, 10 * h.size, h, self.dtype.type(share), columns, key)

    @staticmethod
    def _weight(data: Labelled) -> float:
        return float(len(data.y) if data.weights is None else data.weights.sum(dtype=np.float64))

    def _loss(self, data: Labelled) -> float:
        """Return E, and leave dE/dt of the last layer (eqs. 45-47)."""
        y, rows, weight = data.y, len(data.y), self._weight(data)
        t, dt, e = self.h[-1][:rows], self.dt[-1][:rows], self.e[:rows]
        if self.network.label_smoothing:
            share = self.dtype.type(self.network.label_smoothing)
            self._run(beyond_errors.smoothed_cross_entropy, 8 * t.size, dt, e, t, y, share)
        else:
            delta = [self.dtype.type(self.network.number)] if self.network.loss == "huber" else []
            self._run(LOSSES[self.network.loss], 8 * t.size, dt, e, t, y, *delta)
        if data.weights is not None:
            self._run(
                beyond_errors.weigh, 2 * t.size, dt, e, data.weights, self.dtype.type(rows / weight if weight else 0)
            )
        return float(e.sum(dtype=np.float64) / weight) if weight else 0.0

    def _hits(self, t: np.ndarray, y: np.ndarray) -> int:
        """Return how many rows are right."""
        if self.network.of_classes:
            self._run(elementwise.predicted_class, t.size, self.c[: len(t)], t)
            return int(np.count_nonzero(self.c[: len(t)] == y))
        return int(np.count_nonzero(((self._outputs(t) > 0.5) == (y > 0.5)).all(axis=1)))

    def _outputs(self, t: np.ndarray) -> np.ndarray:
        z = np.empty_like(t)
        self._run(OUTPUTS[output_of[self.network.loss]], 5 * t.size, z, t)
        return z

    def _descend(self, data: Labelled, gradient: np.ndarray, dropping: bool = False) -> Sums:
        """Return E of the rows that were last carried forward, and fill `gradient` (eqs. 45-53)."""
        rows, weight = len(data.y), self._weight(data)
        E, hits, penalty = self._loss(data), self._hits(self.h[-1][:rows], data.y), 0.0
        decay = self.network.l2 + (self.network.alpha / weight if weight else 0.0)
        layers, gradients = self.network.views(self.flat), self.network.views(gradient)
        for layer in reversed(range(len(layers))):
            (W, _, *norm), (dW, db, *dnorm) = layers[layer], gradients[layer]
            x, dt = self.h[layer][:rows], self.dt[layer][:rows]
            if norm:
                self._normalize_backward(layer, dt, norm[0], dnorm)
            self._run(elementwise.linear_backward_params, 2 * rows * W.size, dW, db, x, dt)
            if decay or self.network.l1:
                strengths = self.dtype.type(decay), self.dtype.type(self.network.l1)
                penalty += self._run(beyond_errors.penalize, 4 * W.size, dW.ravel(), W.ravel(), *strengths)
            if layer > 0:  # eq. 53 is the end: dE/dx is not needed
                below = self.dt[layer - 1][:rows]
                F = self.network.activations[layer - 1]
                self._backward_input(below, dt, W, self.t[layer - 1] if F in OF_T or dropping else x, F)
                if dropping:
                    self._drop(layer - 1, below)
        return Sums(rows, E * rows, hits, penalty * rows)

    def _normalize_backward(self, layer: int, dn: np.ndarray, g: np.ndarray, gradients: list[np.ndarray]) -> None:
        """Fill dE/dg and dE/dc, the gradients, and make dE/dt of dE/dn in its place."""
        u, du, work = self.u[layer], np.empty_like(dn), 7 * dn.size
        self._run(beyond_normalization.layer_norm_backward_params, work, du, *gradients, dn, u, g)
        self._run(beyond_normalization.layer_norm_backward_input, work, dn, du, u, self.r[layer])

    def _backward_input(self, below: np.ndarray, dt: np.ndarray, W: np.ndarray, h: np.ndarray, F: str) -> None:
        """Fill dE/dt of the layer below, whose activation is F (eqs. 17, 32)."""
        work = 2 * len(dt) * W.size
        if F == "relu":
            self._run(elementwise.linear_relu_backward_input, work, below, dt, W, h)
            return
        self._run(elementwise.linear_backward_input, work, below, dt, W)
        if F in DERIVATIVES:
            d = np.empty_like(h)
            self._run(DERIVATIVES[F], 2 * h.size, d, h)
            self._run(beyond_activations.hadamard, h.size, below, below, d)

    def _update(self, gradient: np.ndarray, rate: float) -> None:
        self.steps += 1
        settings = float(rate), *self.optimizer.numbers[1:]
        numbers = [self.dtype.type(number) for number in settings]
        work, W, states = 2 * self.flat.size, self.flat, self.slots.values()
        if self.optimizer.kernel == "sgd":
            self._run(elementwise.sgd_update, work, W, gradient, numbers[0])
        elif self.optimizer.kernel in ("adam", "adamw"):  # in float64: 1 - b2 would lose digits
            kernel = descent.adam_update if self.optimizer.kernel == "adam" else descent.adamw_update
            self._run(kernel, 6 * work, W, *states, gradient, *settings, self.steps)
        elif self.optimizer.kernel == "rmsprop":
            rate, rho, _, eps = settings
            self._run(descent.rmsprop_update, 4 * work, W, *states, gradient, rate, rho, eps)
        else:
            kernel = {"momentum": descent.momentum_update, "nesterov": descent.nesterov_update}
            self._run(kernel[self.optimizer.kernel], 2 * work, W, *states, gradient, *numbers)

    def _run(self, kernel: Any, flop: int, *args: Any) -> Any:
        return threads.launch(kernel, *args, n_threads=1 if flop < PARALLEL_FLOP else self.n_threads)
