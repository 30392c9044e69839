"""Parameters and optimizer state that are not finite: how they are found, and what a training goes back to."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..callbacks.warning import warn
from ..data.samples import DivergenceError
from ..execution.plan import Plan
from ..network import Network


def is_finite(array: np.ndarray) -> bool:
    """Return whether all numbers are finite."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())  # a finite sum has finite terms only


def warn_if_not_finite(z: np.ndarray) -> np.ndarray:
    """Return the outputs z of rows; warn if some are not finite: a class predicted of them means nothing."""
    if z.size and not is_finite(z):
        rows = ~np.isfinite(z).all(axis=1)
        warn(
            f"predictions of {rows.sum()} of {len(z)} rows are not finite, the first of row {rows.argmax()}: there "
            f"products of X and the parameters exceed {z.dtype}; X should be scaled as it was for training"
        )
    return z


def require_finite(network: Network, flat: np.ndarray, whose: str) -> None:
    """Raise ValueError if a parameter is NaN or infinite."""
    if not is_finite(flat):
        raise ValueError(f"parameters must be finite, but those {whose} are not in layer {_broken(network, flat)[0]}")


def _broken(network: Network, flat: np.ndarray) -> list[int]:
    """Return the numbers of the layers that hold parameters that are not finite, from 1; scales count as the first."""
    first, *others = network.views(flat)
    embedded = flat[network.n_parameters - sum(network.embedding.n_parameters) :] if network.embedding else flat[:0]
    layers = enumerate([(*first, network.scales(flat), embedded), *others], 1)
    return [n for n, layer in layers if not all(map(is_finite, layer))]


class LastFinite:
    """The last finite parameters of a plan in training, and its optimizer's state of the same step.

    Parameters
    ----------
    network : Network
    plan : Plan
    flat : ndarray of shape (parameters,)
        The model's parameters, from which the plan's were loaded.
    """

    network: Network
    plan: Plan
    flat: np.ndarray
    snapshot: object
    epochs: int

    def __init__(self, network: Network, plan: Plan, flat: np.ndarray) -> None:
        self.network, self.plan, self.flat = network, plan, flat
        self.snapshot, self.epochs, self._begun = plan.snapshot(), 0, "from before this call"
        self._parameters: np.ndarray | None = None  # those of the snapshot as the plan has them; None: they are in flat
        self._checked = -1  # the step after which all was finite

    def begin_anew(self, begun: str) -> None:
        """Take the plan's present state for the one at the beginning, of which errors say `begun`."""
        self.snapshot, self._begun = self.plan.snapshot(), begun
        self.keep_parameters()

    def take(self) -> None:
        """Write the plan's parameters into the model's; raise DivergenceError if they, or the state, are not finite."""
        self._check()
        self.plan.store(self.flat)

    def store(self, flat: np.ndarray) -> None:
        """Write the plan's parameters into `flat`, checked as `take` does unless this has been done since the step."""
        if self._checked != self.plan.steps:
            self._check()
        self.plan.store(flat)

    def keep(self, epochs: int) -> None:
        """Let later errors come back to here; raise DivergenceError if something is not finite.

        `epochs` is how many of this call are done. The model's parameters are left as they are.
        """
        self._check()
        self.snapshot = self.plan.snapshot(self.snapshot if self.epochs else None)
        self.epochs = epochs
        self.keep_parameters()

    def keep_parameters(self) -> None:
        """Let later errors come back to the plan's present parameters."""
        if self._parameters is None:
            self._parameters = np.empty_like(self.plan.parameters)
        np.copyto(self._parameters, self.plan.parameters)

    def _check(self) -> None:
        self._checked = -1
        if not (is_finite(self.plan.parameters) or is_finite(self._stored())):  # what fills up panels may be NaN
            raise DivergenceError(self.plan.steps, f"a parameter is not finite after step {self.plan.steps}")
        if not self._state_is_finite():
            what = "the optimizer's state is not finite"
            raise DivergenceError(self.plan.steps, f"{what} after step {self.plan.steps}")
        self._checked = self.plan.steps

    def _stored(self) -> np.ndarray:
        """Return a copy of the plan's parameters."""
        reached = np.empty_like(self.flat)
        self.plan.store(reached)
        return reached

    def _state_is_finite(self) -> bool:
        return all(map(is_finite, self.plan.slots.values())) or all(map(is_finite, self.plan.get_slots().values()))

    def explained(self, error: DivergenceError, model: Any, scaling: str) -> DivergenceError:
        """Return the error with where it arose and what helps; leave parameters and the optimizer's state finite.

        `scaling` is a sentence on inputs that are not scaled, or empty.
        """
        reached = self._stored()
        broken, before = _broken(self.network, reached), self._begun
        if self.epochs:
            before = f"from the end of this call's epoch {self.epochs}"
        if broken:
            what = f"the parameters of layer {broken[0]} are not finite, and those {before} are kept"
            if self._parameters is not None:
                np.copyto(self.plan.parameters, self._parameters)
                self.plan.store(self.flat)
            self.plan.load(self.flat)
        else:
            self.flat[...] = reached
            largest = [float(np.abs(W).max()) for W, *_ in self.network.views(reached)]
            what = f"the largest weights are in layer {int(np.argmax(largest)) + 1}, up to {max(largest):.3g}"
        state = self._state_is_finite()
        if not broken and not state:
            what += f"; the optimizer's state is not finite, and that {before} is kept"
        if broken or not state:
            self.plan.restore(self.snapshot)
        remedy = f"lower learning_rate (now {model.learning_rate:g}), set clip_norm, scale the inputs"
        more = f". {scaling}" if scaling else ""
        error.args = (f"{error}: {what}. To go on, {remedy}, or change a setting of {model.optimizer}{more}",)
        return error
