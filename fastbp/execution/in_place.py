"""Predictions from parameters that stay where the user has them, such as the arrays of an estimator.

Nothing is kept of the parameters from one call to the next, so that users may assign or edit them at any time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.samples import NO_SUMS, Labelled, Samples, Sums
from ..kernels.entries.records import address
from ..kernels.optimizers import SGD
from ..kernels.program.state import ROWS
from ..network import Network
from .fast_plan import FastPlan
from .rows import Layers, RowPredictor

MOST_ROWS = 256  # for which W is read in place: for more it takes less time to pack it once


class InPlacePlan(FastPlan):
    """A plan that predicts, reading each W where it stands row by row. The bits are those of a `FastPlan`."""

    def predict_layers(self, layers: Layers, samples: Samples, z: np.ndarray) -> None:
        """Fill z with the outputs. `layers` holds W and the vectors of each layer, W C-contiguous and of the dtype."""
        self._addresses = [address(W) for W, *_ in layers]
        for (_, *vectors), at, step in zip(layers, self._starts, self._steps, strict=True):
            for number, vector in enumerate(vectors):
                self.parameters[at + number * step :][: len(vector)] = vector
        self.predict(samples, z)

    def __init__(self, network: Network, dtype: np.dtype, n_threads: int | None) -> None:
        super().__init__(network, dtype, SGD(0.1), n_threads)
        self._starts, self._steps = self.layers["b"].tolist(), self.layers["columns"].tolist()

    def _call(
        self, work: Any, made: tuple[Any, ...], data: Labelled, order: np.ndarray, batch_size: int,
        fields: dict[str, Any], before: Sums = NO_SUMS,
    ) -> Sums:  # fmt: skip
        """Run a program over the rows `order` in blocks as even as whole tiles allow."""
        workers, tiles = self.buffers.shape.workers, -(-len(order) // ROWS)
        blocks = -(-len(order) // batch_size // workers) * workers
        even = min(batch_size, -(-tiles // blocks) * ROWS)
        layers = self.buffers["layers"]
        layers["W_address"], layers["separate"] = self._addresses, 0  # a task has all columns, so several are packed
        fields = fields | {"strips": self.buffers.strips()}
        return super()._call(work, (*made, "linear_in_place"), data, order, even, fields, before)


class InPlacePredictor:
    """Predicts from the parameters of each call. Several threads may use it at once.

    Parameters
    ----------
    network : Network
    dtype : numpy.dtype
    n_threads : int or None
    """

    network: Network
    dtype: np.dtype
    n_threads: int | None
    shapes: list[tuple[tuple[int, ...], ...]]

    def __init__(self, network: Network, dtype: np.dtype, n_threads: int | None) -> None:
        self.network, self.dtype, self.n_threads = network, dtype, n_threads
        self.shapes = [tuple(array.shape for array in layer) for layer in network.views(np.empty(network.n_parameters))]
        self._rows = RowPredictor(network, dtype, n_threads)
        self._idle: list[InPlacePlan] = []

    def predict(self, layers: Layers, samples: Samples, z: np.ndarray) -> bool | None:
        """Fill z, of shape (rows, outputs), for at most some `MOST_ROWS` rows; return whether it is finite, if known.

        `layers` holds W and the vectors of each layer in the shapes of `shapes`.
        """
        layers = [(self._readable(W), *vectors) for W, *vectors in layers]
        if (finite := self._rows.predict(samples, z, layers)) is not None:
            return finite
        try:
            plan = self._idle.pop()
        except IndexError:  # as many threads at once as never before
            plan = InPlacePlan(self.network, self.dtype, self.n_threads)
        plan.predict_layers(layers, samples, z)
        self._idle.append(plan)
        return None

    def _readable(self, W: np.ndarray) -> np.ndarray:
        """Return W, or a copy if kernels cannot read it in place."""
        flags = W.flags
        if W.dtype == self.dtype and flags.c_contiguous and flags.aligned:
            return W
        return np.array(W, self.dtype, order="C")
