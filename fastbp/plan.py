"""How a network runs: which kernels compute it, and on what workspace. The only place that picks kernels.

A plan holds a working copy of the parameters and the state of the optimizer, in whatever layout its kernels want.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from .network import Network
from .optim import Optimizer
from .samples import Labelled, Samples, Sums

KERNELS = ("fast", "elementwise")


class Plan(Protocol):
    """What `Model` asks of a plan. One plan serves one thread at a time."""

    steps: int
    optimizer: Optimizer
    key: int  # of dropout's random numbers
    draws: bool  # whether training takes random numbers of its own, for dropout
    watch: bool  # whether an error that is not finite raises Diverged

    def load(self, flat: np.ndarray) -> None:
        """Take a copy of the parameters."""

    def store(self, flat: np.ndarray) -> None:
        """Write the parameters back."""

    def get_slots(self) -> dict[str, np.ndarray]:
        """Return copies of the optimizer's state, each vector in the order of the parameters."""

    def set_slots(self, slots: dict[str, np.ndarray]) -> None:
        """Take over the optimizer's state."""

    def snapshot(self) -> object:
        """Return what `restore` needs to undo training, the parameters aside."""

    def restore(self, snapshot: object) -> None:
        """Take back the optimizer's state."""

    def train_epoch(
        self, data: Labelled, order: np.ndarray, batch_size: int, rates: np.ndarray | None = None
    ) -> Iterator[Sums]:
        """Take a step for each minibatch of rows `order`; yield after every 100 ms or so, and at the end.

        What is yielded are the sums so far: added up row after row, they do not depend on how often that is.
        `rates` holds each step's learning rate; by default it is the optimizer's.
        """

    def evaluate(self, data: Labelled) -> tuple[float, int]:
        """Return the mean of the rows' errors, each by its weight, and how many rows are right."""

    def predict(self, samples: Samples, z: np.ndarray) -> None:
        """Fill z, shape (rows, classes), with each row's probabilities."""

    def predict_rows(self, buffer: np.ndarray, samples: Samples, z: np.ndarray) -> bool:
        """Do the same for a few rows and the parameters in `buffer`, or return False where `predict` is the way.

        `buffer` holds the parameters and, behind them, as many elements as `kernels.row.ROOM` says. Threads may share
        the plan.
        """

    def gradients(self, data: Labelled, gradient: np.ndarray) -> Sums:
        """Fill `gradient`, in the order of the parameters, over all rows as one minibatch."""


def make(kernels: str, network: Network, dtype: np.dtype, optimizer: Optimizer, n_threads: int | None) -> Plan:
    """Return a plan that computes with the kernels named."""
    if kernels == "elementwise":
        from .plan_elementwise import ElementwisePlan

        return ElementwisePlan(network, dtype, optimizer, n_threads)
    from .plan_fast import FastPlan

    return FastPlan(network, dtype, optimizer, n_threads)
