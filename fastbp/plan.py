"""How a network runs: its workspace, and which kernel computes what. The only place that picks kernels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import threads
from .kernels import elementwise
from .kernels._jit import Kernel
from .network import Network
from .optim import SGD
from .samples import Samples

# FLOP of a launch from which a second thread pays for its start
PARALLEL_FLOP = 2_000_000


class Plan:
    """A workspace for up to `batch_size` rows and one network, with the passes over it.

    Layers are numbered from 0; h[l] is the input of layer l, so h[0] is x. One plan serves one thread.
    """

    def __init__(self, network: Network, dtype: np.dtype, batch_size: int) -> None:
        self.network, self.dtype, self.batch_size = network, dtype, batch_size
        self.h = [np.empty((batch_size, size), dtype) for size in network.layer_sizes]
        self.dt = [np.empty((batch_size, outputs), dtype) for _, outputs in network.shapes]
        self.e = np.empty(batch_size, dtype)
        self.c = np.empty(batch_size, np.int64)

    def forward(self, flat: np.ndarray, rows: int) -> np.ndarray:
        """Return the logits of the first `rows` rows of h[0] (eqs. 42-44)."""
        layers = self.network.views(flat)
        for layer, (W, b) in enumerate(layers):
            last = layer == len(layers) - 1
            kernel = elementwise.linear if last else elementwise.linear_relu
            x, out = self.h[layer][:rows], self.h[layer + 1][:rows]
            _run(kernel, 2 * rows * W.size, out, x, W, b)
        return self.h[-1][:rows]

    def loss(self, y: np.ndarray) -> tuple[float, int]:
        """Return E and how many rows are classified rightly, and leave dE/dt of the last layer (eqs. 45-47)."""
        rows, t = len(y), self.h[-1][: len(y)]
        E = _run(elementwise.softmax_cross_entropy, 8 * t.size, self.dt[-1][:rows], self.e[:rows], t, y)
        _run(elementwise.predicted_class, t.size, self.c[:rows], t)
        return E, int(np.count_nonzero(self.c[:rows] == y))

    def backward(self, flat: np.ndarray, gradient: np.ndarray, rows: int) -> None:
        """Fill `gradient` from dE/dt of the last layer (eqs. 48-53)."""
        layers, gradients = self.network.views(flat), self.network.views(gradient)
        for layer in reversed(range(len(layers))):
            (W, _), (dW, db) = layers[layer], gradients[layer]
            x, dt = self.h[layer][:rows], self.dt[layer][:rows]
            _run(elementwise.linear_backward_params, 2 * rows * W.size, dW, db, x, dt)
            if layer > 0:  # eq. 53 is the end: dE/dx is not needed
                below = self.dt[layer - 1][:rows]
                _run(elementwise.linear_relu_backward_input, 2 * rows * W.size, below, dt, W, x)

    def train_epoch(
        self,
        flat: np.ndarray,
        gradient: np.ndarray,
        optimizer: SGD,
        samples: Samples,
        y: np.ndarray,
        order: np.ndarray,
    ) -> Iterator[tuple[int, float, int]]:
        """Update `flat` batch after batch; yield each batch's rows, E and count of right classes."""
        alpha = self.dtype.type(optimizer.learning_rate)
        for start in range(0, len(order), self.batch_size):
            picked = order[start : start + self.batch_size]
            rows, labels = len(picked), y[picked]
            samples.gather(self.h[0][:rows], picked)
            self.forward(flat, rows)
            E, right = self.loss(labels)
            self.backward(flat, gradient, rows)
            _run(elementwise.sgd_update, 2 * flat.size, flat, gradient, alpha)
            yield rows, E, right

    def blocks(self, samples: Samples, flat: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield, for block after block of all rows, where it stands and its logits."""
        for start in range(0, len(samples.X), self.batch_size):
            block = slice(start, min(start + self.batch_size, len(samples.X)))
            rows = block.stop - block.start
            samples.gather(self.h[0][:rows], block)
            yield block, self.forward(flat, rows)


def softmax(z: np.ndarray, t: np.ndarray) -> None:
    """Z <- softmax(t) (eq. 33)."""
    _run(elementwise.softmax, 5 * t.size, z, t)


def predicted_class(c: np.ndarray, t: np.ndarray) -> None:
    """C <- the class of each row's largest logit (eq. 33's argmax)."""
    _run(elementwise.predicted_class, t.size, c, t)


def _run(kernel: Kernel, flop: int, *args: Any) -> Any:
    return threads.launch(kernel, *args, parallel=flop >= PARALLEL_FLOP)
