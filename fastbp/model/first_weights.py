"""First weights from rows of data: each unit's sum has deviation 1, and its bias lies within what it sums up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import checks
from ..data.labelled import samples
from ..execution.plan import make_plan
from ..kernels.losses import SquaredError

if TYPE_CHECKING:
    from ..data.samples import Samples
    from .model import Model

MIXED = 5  # rows of which a unit's first bias is a mix


def initialize_from_data(model: Model, X: Any, *, seed: int | None = None) -> None:
    """Draw the first weights anew, layer after layer, from rows of X (Holzmueller, Grinsztajn and Steinwart, 2024).

    The weights of each unit are normal numbers, divided by the deviation of x W over the rows, also in the last layer.
    Its bias is minus a mix of x W of five rows, drawn for each unit, with weights that are exponential numbers over
    their sum (Steinwart, 2019, "A sober look at neural network initializations"). Where x W is the same in all rows,
    W is not divided. Other parameters stay as they are, and so does the state of the optimizer.

    Parameters
    ----------
    model : Model
        Its parameters change.
    X : array-like of shape (rows, inputs)
        Rows to train on, all of them or some.
    seed : int, optional
        Fixes the weights; by default the model's random numbers are used.

    Raises
    ------
    ValueError, TypeError
        For bad input. Nothing is changed then.
    RuntimeError
        If another call is changing the model.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X = np.random.default_rng(0).standard_normal((300, 4))
    >>> model = fastbp.Model([4, 8, 1], loss="squared_error", seed=0)
    >>> fastbp.initialize_from_data(model, X)
    >>> W, b = model.parameters[0]
    >>> (X @ W).std(axis=0).round(3)
    array([1., 1., 1., 1., 1., 1., 1., 1.])
    """
    if model.network.n_members > 1:
        raise ValueError("initialize_from_data takes no model of Members(...), whose networks share their weights")
    rows = samples(model, X)
    random = model._random if seed is None else np.random.default_rng(checks.seed(seed))
    with model._use.changing():
        before, state = model._flat.copy(), model._random.bit_generator.state
        try:
            for layer in range(len(model.parameters)):
                _draw(model, layer, rows, random)
        except BaseException:
            model._flat[:], model._random.bit_generator.state = before, state
            raise


def _draw(model: Model, layer: int, rows: Samples, random: np.random.Generator) -> None:
    """Draw W and b of a layer; those below are drawn."""
    W, b, *_ = model.parameters[layer]
    W[:], b[:] = random.standard_normal(W.shape) * model.network.sigmas[layer], 0
    t = _sums(model, layer, rows)
    deviation = t.std(axis=0, dtype=np.float64)
    deviation[deviation <= 1e-7 * abs(t).max(axis=0)] = 1  # no more than rounding
    W /= deviation
    picked, shares = random.integers(len(t), size=(len(b), MIXED)), random.standard_exponential((len(b), MIXED))
    mix = (np.take_along_axis(t.T, picked, axis=1) * shares).sum(axis=1) / shares.sum(axis=1)
    b[:] = -mix / deviation


def _sums(model: Model, layer: int, rows: Samples) -> np.ndarray:
    """Return x W + b of a layer, of shape (rows, units): the output of a network that ends there."""
    network, flat = model.network, model._flat
    part = replace(
        network, layer_sizes=network.layer_sizes[: layer + 2], activation=tuple(network.activations[:layer]),
        dropout=tuple(network.dropouts[:layer]), layer_norm=tuple(network.layer_norms[:layer]), loss=SquaredError(),
    )  # fmt: skip
    W, b, *_ = model.parameters[layer]
    below = [array.ravel() for parts in model.parameters[:layer] for array in parts]
    behind = flat[sum(array.size for parts in model.parameters for array in parts) :]
    plan = make_plan(model.kernels, part, model.dtype, model.optimizer, model.n_threads)
    plan.load(np.concatenate([*below, W.ravel(), b, behind]))
    t = np.empty((rows.X.shape[0], len(b)), model.dtype)
    plan.predict(rows, t)
    return t
