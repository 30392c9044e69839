"""What is kept of a model: its settings, its state, and both in a pickle or a file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks, threads

if TYPE_CHECKING:
    from .network import Network
    from .optim import Optimizer
    from .plan import Plan


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


_DERIVED = ("alpha", "l1_share", "number")  # of the network's fields: not the user's settings


class Kept:
    """The part of `Model` that others restore it from."""

    network: Network
    optimizer: str
    kernels: str
    n_threads: int | None
    dtype: np.dtype
    initializer: str
    delta: float
    feature_names: list[str] | None
    layer_sizes: Any  # properties of Model
    learning_rate: Any
    _optimizer: Optimizer
    _plan: Plan
    _flat: np.ndarray
    _random: np.random.Generator

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make a model like this one, all but the seed, as JSON can hold them."""
        network = {name: value for name, value in asdict(self.network).items() if name not in _DERIVED}
        names = ("initializer", "kernels", "n_threads", "input_shift", "input_scale", "feature_names", "class_names")
        own = {name: getattr(self, name) for name in names}
        settings = network | {"optimizer": self.optimizer} | asdict(self._optimizer) | own
        infinite = {name: None for name in ("clip_value", "clip_norm") if np.isinf(settings[name])}
        kept = {name: _plain(value) for name, value in (settings | infinite).items()}
        return kept | {"delta": self.delta, "dtype": self.dtype.name}

    def get_state(self) -> dict[str, Any]:
        """Return a copy of all that training changes: parameters, optimizer state, step count, random numbers."""
        return {
            "parameters": self._flat.copy(),
            "optimizer": self._plan.get_slots(),
            "steps": self._plan.steps,
            "random": self._random.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what `get_state` of a model with the same config returned."""
        flat = np.asarray(state["parameters"])
        if flat.shape != self._flat.shape or flat.dtype != self.dtype:
            expected = f"{self._flat.shape} of {self.dtype}"
            raise ValueError(f"state holds parameters of shape {flat.shape} of {flat.dtype}, expected {expected}")
        slots = {name: np.asarray(slot) for name, slot in state["optimizer"].items()}
        wrong = [name for name, slot in slots.items() if slot.shape != flat.shape or slot.dtype != flat.dtype]
        if wrong or set(slots) != set(self._optimizer.slots):
            expected = f"{list(self._optimizer.slots)}, each of shape {flat.shape} of {flat.dtype}"
            raise ValueError(f"state holds optimizer vectors {sorted(slots)}, expected {expected}")
        steps = checks.whole_number("steps", state["steps"], 0)
        random = np.random.PCG64()
        random.state = state["random"]
        self._random, self._plan.steps = np.random.Generator(random), steps
        self._plan.set_slots(slots)
        self._flat[...] = flat

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self.get_config(), "state": self.get_state()}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        config = kept["config"]
        if config["n_threads"] is not None:  # there may be fewer here than where it was made
            config = config | {"n_threads": min(config["n_threads"], threads.most())}
        self.__init__(**config)  # type: ignore[misc]
        self.set_state(kept["state"])

    def summary(self) -> str:
        """Return layers, shapes and parameter counts as text."""
        return self.network.summary()

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of X's columns, as scikit-learn has them; AttributeError where none are known."""
        if self.feature_names is None:
            raise AttributeError("the model knows no feature names: give them, or train it on a data frame")
        return np.array(self.feature_names, object)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        return f"<fastbp.Model {sizes}, {self.optimizer} {self.learning_rate:g}, {self.dtype}>"
