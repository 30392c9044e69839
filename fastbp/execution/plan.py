"""Plans: what computes a network's steps, predictions and gradients.

A plan holds a working copy of the parameters and the optimizer's state, in the layout that its kernels take. Outside it
the parameters are one vector: W of shape (inputs, outputs) and the vectors of each layer, as `Network.views` takes it
apart. So are gradients and each vector of the optimizer's state. Their shape is called (parameters,) here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from ..data.samples import CONSTANT, NO_SUMS, Labelled, Rates, Samples, Sums
from ..kernels.entries.optimizer import Optimizer
from ..network import Network
from .rows import RowPredictor

KERNELS = ("fast", "elementwise")


class Plan(Protocol):
    """The interface of plans. A plan may be used by one thread at a time, but for `row_predictor`."""

    network: Network
    dtype: np.dtype
    n_threads: int | None
    parameters: np.ndarray  # the working copy, in the plan's own layout
    steps: int
    slots: dict[str, np.ndarray]  # the optimizer's state in the plan's own layout, without those that are still zero
    optimizer: Optimizer
    key: int  # of the random numbers of dropout
    draws: bool  # whether training needs a new key for each epoch
    watch: bool  # whether to raise DivergenceError if an error is not finite

    def load(self, flat: np.ndarray) -> None:
        """Take a copy of the parameters, `flat` of shape (parameters,)."""

    def load_in_place(self, layers: list[tuple[np.ndarray, ...]], samples: Samples) -> bool:
        """Take W and the vectors of each layer for passes over these rows, or return False if `load` must be used.

        The first layer's W is read where it stands, until parameters are loaded anew.
        """

    def store(self, flat: np.ndarray) -> None:
        """Write the parameters back into `flat`, of shape (parameters,)."""

    def get_slots(self) -> dict[str, np.ndarray]:
        """Return copies of the optimizer's state by name, each of shape (parameters,)."""

    def set_slots(self, slots: dict[str, np.ndarray]) -> None:
        """Set the optimizer's state, each vector of shape (parameters,)."""

    def snapshot(self, over: object = None) -> object:
        """Return a copy of the step count and the optimizer's state, for `restore`; it takes the place of `over`."""

    def restore(self, snapshot: object) -> None:
        """Restore a `snapshot`."""

    def train_epoch(
        self, data: Labelled, order: np.ndarray, batch_size: int, rates: Rates = CONSTANT,
        sums: Sums = NO_SUMS,
    ) -> Iterator[Sums]:  # fmt: skip
        """Take a step for each minibatch of the rows `order`; yield the sums so far from time to time and at the end.

        The sums do not depend on how often they are yielded. `order` holds row numbers, of shape (rows,). `rates` holds
        what changes from step to step. `sums` are those of the first
        rows of `order`, whole minibatches, of which the steps are taken already.
        """

    def evaluate(self, data: Labelled) -> tuple[float, float]:
        """Return the weighted means of the rows' errors, and of 1 where they are predicted correctly, else 0."""

    def predict(self, samples: Samples, z: np.ndarray) -> None:
        """Fill z, of shape (rows, outputs), with the outputs."""

    def row_predictor(self, buffer: np.ndarray) -> RowPredictor | None:
        """Return what predicts a few rows from `buffer`, or None if `predict` must be used.

        `buffer` has shape (parameters + ROOM,): the parameters, then room for a last vector
        (kernels/engine/predict_row.py). Several threads may call this, and use what it returns, at once.
        """

    def gradients(self, data: Labelled, gradient: np.ndarray) -> Sums:
        """Fill `gradient`, of shape (parameters,), over all rows as one minibatch; return the sums."""


def make_plan(kernels: str, network: Network, dtype: np.dtype, optimizer: Optimizer, n_threads: int | None) -> Plan:
    """Return a plan that computes with the "fast" or the "elementwise" kernels."""
    if kernels == "elementwise":
        from .elementwise_plan import ElementwisePlan

        return ElementwisePlan(network, dtype, optimizer, n_threads)
    from .fast_plan import FastPlan

    return FastPlan(network, dtype, optimizer, n_threads)
