"""The network computed with the equations as printed: slow, and readable to the last loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import threads
from .kernels import descent, elementwise
from .network import Network
from .optim import Optimizer
from .samples import Samples

PARALLEL_FLOP = 2_000_000  # of a launch, from which a second thread pays for its start
BLOCK_ROWS = 1024  # rows computed at once outside training


class ElementwisePlan:
    """Layers are numbered from 0; h[l] is the input of layer l, so h[0] is x. See `plan.Plan`."""

    def __init__(self, network: Network, dtype: np.dtype, optimizer: Optimizer, n_threads: int | None) -> None:
        self.network, self.dtype, self.optimizer, self.n_threads = network, dtype, optimizer, n_threads
        self.flat = np.empty(network.n_parameters, dtype)
        self.slots = {name: np.zeros_like(self.flat) for name in optimizer.slots}
        self.steps = 0

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
        self, samples: Samples, y: np.ndarray, order: np.ndarray, batch_size: int
    ) -> Iterator[tuple[int, float, int]]:
        """Yield after each minibatch."""
        self._allocate(min(batch_size, len(order)))
        gradient = np.empty_like(self.flat)
        for start in range(0, len(order), batch_size):
            picked = order[start : start + batch_size]
            samples.gather(self.h[0][: len(picked)], picked)
            self._forward(len(picked))
            E, right = self._loss(y[picked])
            self._backward(gradient, len(picked))
            self._update(gradient)
            yield len(picked), E * len(picked), right

    def evaluate(self, samples: Samples, y: np.ndarray) -> tuple[float, int]:
        """Block after block."""
        total, hits = 0.0, 0
        for block, t in self._blocks(samples, BLOCK_ROWS):
            E, right = self._loss(y[block])
            total, hits = total + E * len(t), hits + right
        return total, hits

    def predict(self, samples: Samples, z: np.ndarray) -> None:
        """Block after block."""
        for block, t in self._blocks(samples, BLOCK_ROWS):
            self._run(elementwise.softmax, 5 * t.size, z[block], t)

    def predict_rows(self, buffer: np.ndarray, samples: Samples, z: np.ndarray) -> bool:
        """Leave a few rows to `predict`, too."""
        return False

    def gradients(self, samples: Samples, y: np.ndarray, gradient: np.ndarray) -> float:
        """All rows in one block."""
        for _ in self._blocks(samples, len(y)):
            E, _ = self._loss(y)
        self._backward(gradient, len(y))
        return E

    def _allocate(self, rows: int) -> None:
        self.h = [np.empty((rows, size), self.dtype) for size in self.network.layer_sizes]
        self.dt = [np.empty((rows, outputs), self.dtype) for _, outputs in self.network.shapes]
        self.e, self.c = np.empty(rows, self.dtype), np.empty(rows, np.int64)

    def _blocks(self, samples: Samples, rows: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield where each block of rows stands, and its logits."""
        n = len(samples.X)
        self._allocate(min(rows, n))
        for start in range(0, n, rows):
            block = slice(start, min(start + rows, n))
            samples.gather(self.h[0][: block.stop - start], block)
            yield block, self._forward(block.stop - start)

    def _forward(self, rows: int) -> np.ndarray:
        """Return the logits of the first `rows` rows of h[0] (eqs. 42-44)."""
        layers = self.network.views(self.flat)
        for layer, (W, b) in enumerate(layers):
            kernel = elementwise.linear if layer == len(layers) - 1 else elementwise.linear_relu
            self._run(kernel, 2 * rows * W.size, self.h[layer + 1][:rows], self.h[layer][:rows], W, b)
        return self.h[-1][:rows]

    def _loss(self, y: np.ndarray) -> tuple[float, int]:
        """Return E and how many rows are right, and leave dE/dt of the last layer (eqs. 45-47)."""
        rows, t = len(y), self.h[-1][: len(y)]
        E = self._run(elementwise.softmax_cross_entropy, 8 * t.size, self.dt[-1][:rows], self.e[:rows], t, y)
        self._run(elementwise.predicted_class, t.size, self.c[:rows], t)
        return E, int(np.count_nonzero(self.c[:rows] == y))

    def _backward(self, gradient: np.ndarray, rows: int) -> None:
        """Fill `gradient` from dE/dt of the last layer (eqs. 48-53)."""
        layers, gradients = self.network.views(self.flat), self.network.views(gradient)
        for layer in reversed(range(len(layers))):
            (W, _), (dW, db) = layers[layer], gradients[layer]
            x, dt = self.h[layer][:rows], self.dt[layer][:rows]
            self._run(elementwise.linear_backward_params, 2 * rows * W.size, dW, db, x, dt)
            if layer > 0:  # eq. 53 is the end: dE/dx is not needed
                below = self.dt[layer - 1][:rows]
                self._run(elementwise.linear_relu_backward_input, 2 * rows * W.size, below, dt, W, x)

    def _update(self, gradient: np.ndarray) -> None:
        self.steps += 1
        numbers = [self.dtype.type(number) for number in self.optimizer.numbers]
        work, W, states = 2 * self.flat.size, self.flat, self.slots.values()
        if self.optimizer.kernel == "sgd":
            self._run(elementwise.sgd_update, work, W, gradient, numbers[0])
        elif self.optimizer.kernel == "adam":  # in float64: 1 - b2 would lose digits
            self._run(descent.adam_update, 6 * work, W, *states, gradient, *self.optimizer.numbers, self.steps)
        else:
            kernel = {"momentum": descent.momentum_update, "nesterov": descent.nesterov_update}
            self._run(kernel[self.optimizer.kernel], 2 * work, W, *states, gradient, *numbers)

    def _run(self, kernel: Any, flop: int, *args: Any) -> Any:
        return threads.launch(kernel, *args, n_threads=1 if flop < PARALLEL_FLOP else self.n_threads)
