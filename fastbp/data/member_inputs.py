"""What the first and the last layer of members take in, as plain loops read it: the rows of one member after another.

Each member has R rows. The last of them repeat a row and weigh nothing where a minibatch has fewer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.program.state import lanes_of, padded
from ..kernels.specification import members, paper
from .inputs import DenseInputs
from .samples import Labelled

Run = Callable[..., Any]


def layers_of(network: Any, flat: np.ndarray) -> list[tuple[Any, ...]]:
    """Return (W, b, ...) of each layer; of the last one with members W and b are lists, one for each."""
    layers, members = network.views(flat), network.n_members
    return layers if members == 1 else [*layers[:-members], tuple(map(list, zip(*layers[-members:], strict=True)))]


def rows_of(network: Any, rows: int, dtype: np.dtype) -> int:
    """Return the rows of the layers: as many, or with members as many for each as the fast kernels have."""
    return network.n_members * padded(rows, lanes_of(dtype)) if network.n_members > 1 else rows


def filled_up(array: np.ndarray, R: int) -> np.ndarray:
    """Return R rows: those of an array, the last of them repeated."""
    return np.concatenate([array, np.repeat(array[-1:], R - len(array), axis=0)])


def for_each(data: Labelled, network: Any, dtype: np.dtype) -> Labelled:
    """Return targets and weights of R rows for each member; rows that fill up weigh 0."""
    n_members = network.n_members
    if n_members == 1:
        return data
    R = rows_of(network, len(data.y), dtype) // n_members
    weights = np.ones(len(data.y), dtype) if data.weights is None else data.weights
    weights = np.concatenate([weights, np.zeros(R - len(weights), dtype)])
    y = filled_up(data.y, R)
    return Labelled(data.samples, np.concatenate([y] * n_members), np.concatenate([weights] * n_members))


def of_each(array: np.ndarray, n_members: int) -> np.ndarray:
    """Return a view of shape (members, R, columns)."""
    return array.reshape(n_members, -1, array.shape[1])


class SharedInputs(DenseInputs):
    """Inputs of a layer that members share, or of their output layers: W, b, dW and db of these are lists."""

    def linear(self, run: Run, t: np.ndarray, W: Any, b: Any, rectified: bool) -> None:
        """Fill t with x W + b, or with max(0, t) of it (eqs. 7, 40)."""
        if not isinstance(W, list):
            return super().linear(run, t, W, b, rectified)
        for each in zip(of_each(t, len(W)), of_each(self._x, len(W)), W, b, strict=True):
            run(paper.linear, 2 * each[0].size * len(each[2]), *each)
        return None

    def backward(self, run: Run, dW: Any, db: Any, dt: np.ndarray) -> None:
        """Fill dW and db with the gradients of W and b (eqs. 52, 53)."""
        if not isinstance(dW, list):
            return super().backward(run, dW, db, dt)
        for each in zip(dW, db, of_each(self._x, len(dW)), of_each(dt, len(dW)), strict=True):
            run(paper.linear_backward_params, 2 * each[3].size * len(each[0]), *each)
        return None


class MemberInputs(SharedInputs):
    """Rows of X as each member scales them."""

    def __init__(self, run: Run, x: np.ndarray, scales: np.ndarray, R: int) -> None:
        self._raw = filled_up(x, R)
        spread = np.empty((len(scales), *self._raw.shape), x.dtype)
        run(members.spread_members, spread.size, spread, self._raw, scales)
        super().__init__(spread.reshape(-1, x.shape[1]))

    def scales_backward(self, run: Run, ds: np.ndarray, dt: np.ndarray, W: Any) -> None:
        """Fill ds with the gradients of the scales, from dE/dt of the layer and its W."""
        dx = np.empty_like(self._x)
        input_backward(run, dx, dt, W)
        run(members.member_scales_backward, 2 * dx.size, ds, of_each(dx, len(ds)), self._raw)


def input_backward(
    run: Run, dx: np.ndarray, dt: np.ndarray, W: Any, inputs: type[DenseInputs] = DenseInputs
) -> None:  # fmt: skip
    """Fill dx with dE/dt W^T of layers with such inputs, of each member with its W where W is a list (eqs. 17, 32)."""
    Ws = W if isinstance(W, list) else [W]
    for each in zip(of_each(dx, len(Ws)), of_each(dt, len(Ws)), Ws, strict=True):
        inputs.input_backward(run, *each)


def merge(run: Run, outputs: Any, t: np.ndarray, link: str, n_members: int) -> np.ndarray:
    """Return the t of which the output is the mean of the members' outputs, of R rows.

    `outputs` makes z of t.
    """

    def mean(each: np.ndarray) -> np.ndarray:
        found = np.empty_like(of_each(t, n_members)[0])
        run(members.mean_of_members, t.size, found, of_each(each, n_members))
        return found

    if link == "identity":
        return mean(t)
    merged = np.empty_like(of_each(t, n_members)[0])
    run(members.log_of_mean, t.size, merged, mean(outputs(t)))
    if link == "logistic":
        other = np.empty_like(merged)
        run(members.log_of_mean, t.size, other, mean(outputs(-t)))
        merged -= other
    return merged
