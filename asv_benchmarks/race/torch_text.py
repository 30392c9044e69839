"""The network of scikit-learn's MLPClassifier on sparse rows in PyTorch, for the race of estimators.

Its first layer is an embedding bag, which sums the rows of W that a document's words name, each times its weight:
x W without a dense x. The gradient of W is dense and so is Adam's step, as in scikit-learn.
"""

from __future__ import annotations

from typing import Any

import libraries
import numpy as np
import torch

BATCH, HIDDEN, ALPHA = 200, 100, 1e-4  # scikit-learn's defaults
Rows = list[tuple[torch.Tensor, ...]]  # of each minibatch: columns, where rows begin, numbers


class MLPClassifier:
    """Takes the parameters of scikit-learn's that the race sets, for solvers "adam" and "sgd"."""

    def __init__(self, solver: str, max_iter: int, early_stopping: bool, random_state: int) -> None:
        if solver not in ("adam", "sgd") or early_stopping:
            raise NotImplementedError("PyTorch races with adam and sgd, without early stopping")
        self.solver, self.max_iter, self.seed = solver, max_iter, random_state

    def fit(self, X: Any, y: np.ndarray) -> MLPClassifier:
        """Train from new weights."""
        torch.set_num_threads(libraries.cpus())
        torch.manual_seed(self.seed)
        kind, rng = torch.from_numpy(X.data[:0]).dtype, np.random.default_rng(self.seed)
        self.bag = torch.nn.EmbeddingBag(X.shape[1], HIDDEN, mode="sum", include_last_offset=True, dtype=kind)
        self.rest = torch.nn.Linear(HIDDEN, int(y.max()) + 1, dtype=kind)
        self.bias = torch.nn.Parameter(torch.zeros(HIDDEN, dtype=kind))
        with torch.no_grad():
            for W in (self.bag.weight, self.rest.weight):
                torch.nn.init.xavier_uniform_(W)
        optimizer = self._optimizer()
        for _ in range(self.max_iter):
            order = rng.permutation(X.shape[0])
            targets = torch.from_numpy(y[order]).split(BATCH)
            for rows, labels in zip(_batches(X[order], BATCH), targets, strict=True):
                optimizer.zero_grad(set_to_none=True)
                torch.nn.functional.cross_entropy(self._logits(*rows), labels).backward()
                optimizer.step()
        return self

    def score(self, X: Any, y: np.ndarray) -> float:
        """Return the accuracy."""
        with torch.inference_mode():
            found = torch.cat([self._logits(*rows).argmax(1) for rows in _batches(X.tocsr(), 2000)])
        return float((found.numpy() == y).mean())

    def _optimizer(self) -> torch.optim.Optimizer:
        groups = [
            {"params": [self.bag.weight, self.rest.weight], "weight_decay": ALPHA / BATCH},
            {"params": [self.bias, self.rest.bias]},
        ]
        if self.solver == "adam":
            return torch.optim.Adam(groups, lr=0.001, fused=True)
        return torch.optim.SGD(groups, lr=0.001, momentum=0.9, nesterov=True, fused=True)

    def _logits(self, columns: torch.Tensor, starts: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return self.rest(torch.relu(self.bag(columns, starts, per_sample_weights=numbers) + self.bias))


def _batches(X: Any, size: int) -> Rows:
    """Return the rows in minibatches, as an embedding bag takes them."""
    starts, columns, numbers = (torch.from_numpy(array) for array in (X.indptr, X.indices, X.data))
    found = []
    for first in range(0, X.shape[0], size):
        here = starts[first : first + size + 1]
        begin, end = int(here[0]), int(here[-1])
        found.append((columns[begin:end], here - begin, numbers[begin:end]))
    return found
