"""Settings and state of a model, and how both go into a pickle or a file."""

from __future__ import annotations

import copyreg
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import checks
from ..data.members import Members
from ..embeddings import Embedding
from ..execution import threads
from ..execution.plan import make_plan
from ..execution.pool import LoadedPlans, PlanPool
from ..kernels.entries.activation import Activation
from ..kernels.entries.loss import Loss
from ..kernels.entries.optimizer import Decaying, Optimizer, Rule
from ..network import Network
from ..training.seen import Parameters
from ..training.use import Use
from .settings import assigned

if TYPE_CHECKING:
    from ..execution.plan import Plan


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Activation):
        return value.name
    if isinstance(value, Optimizer):
        of_kinds = {"rate_factors": dict(value.rate_factors), "parametrization": value.parametrization}
        if isinstance(value, Decaying):
            of_kinds["decay_factors"] = dict(value.decay_factors)
        return {"name": value.name, "learning_rate": value.learning_rate, **value.settings(), **of_kinds}
    if isinstance(value, Members):
        return value.settings()
    if isinstance(value, Loss):
        return {"name": value.name, **value.settings()}
    if isinstance(value, Embedding):
        return value.settings()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _slots(kind: type) -> list[str]:
    """Return the attributes in `__slots__` of a class and those it inherits from, by the names they have in objects."""
    found: list[str] = copyreg._slotnames(kind)  # type: ignore[attr-defined]  # what copy and pickle use
    return found


def _parts(name: str, value: Any, keys: Collection[str]) -> dict[str, Any]:
    """Return a part of a state as a dict, if it has these keys and no others."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict, as get_state returns it, got {value!r}")
    if set(value) != set(keys):
        raise ValueError(f"{name} holds {list(value)}, expected {list(keys)}")
    return dict(value)


def _random_state(value: Any) -> Any:
    """Return a state of the random numbers, if it is one."""
    random = np.random.PCG64()
    try:
        random.state = value
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"state must hold the state of a numpy PCG64 as 'random', got {value!r}: {error}") from None
    return random.state


MOST_STEPS = 2**53  # that a loaded state may have: float64 holds them, and years of further steps fit into 64 bits
MOST_BYTES = 2**60  # of parameters: more than any machine has, and few enough to compute with
_MADE = ("_plan", "_pool", "_random", "_rounded", "_shown", "_use")  # what is made anew
# of the network's fields: no arguments of Model
_DERIVED = ("l1_per_weight", "l2_per_weight", "parametrization", "rate_factors", "decay_factors")


class StateMixin:
    """Methods of `Model` that give and restore its settings and state, in memory, in a pickle or in a file."""

    network: Network
    kernels: str
    n_threads: int | None
    dtype: np.dtype
    initializer: str
    feature_names: list[str] | None
    layer_sizes: Any  # properties of Model
    learning_rate: Any
    _optimizer: Optimizer
    _plan: Plan
    _shown: Parameters
    _random: np.random.Generator
    _use: Use

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, assigned(self, name, value))
        if name == "n_threads" and "_plan" in self.__dict__:
            self._plan.n_threads = self.n_threads

    def _make(self) -> None:
        """Make room for the parameters, and the plan that computes with them."""
        sizes, count = list(self.layer_sizes), self.network.n_parameters
        if count * self.dtype.itemsize > MOST_BYTES:
            raise ValueError(f"layer_sizes must make a network that memory can hold, got {sizes}: {count:,} parameters")
        self._use = Use()
        self._shown = Parameters(self.network.n_parameters, self.dtype)
        self._plan = self._new_plan()
        self._pool = PlanPool()  # of predictions, scores and gradients
        self._rounded = LoadedPlans()  # of predictions whose products are of bfloat16

    @property
    def _flat(self) -> np.ndarray:
        """All parameters, of shape (parameters,)."""
        return self._shown.flat

    def _new_plan(self) -> Plan:
        return make_plan(self.kernels, self.network, self.dtype, self._optimizer, self.n_threads)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of `Model` that make a model like this one, without the seed, as JSON can hold them.

        Optimizer and loss are dicts of their names and settings, activations are names: also those of your own, which
        must be put in their places before `Model(**config)` can be called.

        Returns
        -------
        dict

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Model([4, 8, 3], optimizer="adam", seed=0)
        >>> fastbp.Model(**model.get_config()).optimizer == model.optimizer
        True
        """
        network = {field.name: getattr(self.network, field.name) for field in fields(self.network)}
        names = ("initializer", "kernels", "n_threads", "input_shift", "input_scale", "feature_names", "class_names")
        own = {name: getattr(self, name) for name in names}
        settings = network | {"optimizer": self._optimizer} | own
        infinite = {name: None for name in ("clip_value", "clip_norm") if np.isinf(settings[name])}
        kept = {name: _plain(value) for name, value in (settings | infinite).items() if name not in _DERIVED}
        return kept | {"dtype": self.dtype.name}

    def get_state(self) -> dict[str, Any]:
        """Return a copy of all that training changes, for `set_state`.

        Returns
        -------
        dict
            "parameters", one vector; "optimizer", its vectors by name; "steps", how many were taken; "random", the
            state of the random numbers.

        Raises
        ------
        RuntimeError
            If another call, such as `fit` in another thread, is changing the model. Callbacks of `fit` may read it.
        """
        with self._use.reading():
            return {
                "parameters": self._flat.copy(),
                "optimizer": self._plan.get_slots(),
                "steps": self._plan.steps,
                "random": self._random.bit_generator.state,
            }

    def set_state(self, state: dict[str, Any]) -> None:
        """Set parameters, optimizer state, step count and random numbers.

        Parameters
        ----------
        state : dict
            What `get_state` of a model with the same config returned.

        Raises
        ------
        ValueError
            If the state is that of another config; nothing is changed then.
        RuntimeError
            If another call, such as `fit` in another thread, is changing the model. Callbacks of `fit` may set it.
        """
        with self._use.changing():
            self._set_state(state)

    def _set_state(self, state: dict[str, Any]) -> None:
        given = _parts("state", state, ("parameters", "optimizer", "steps", "random"))
        flat = self._vector("parameters", given["parameters"])
        slots = _parts("state's optimizer", given["optimizer"], self._optimizer.slots)
        slots = {name: self._vector(f"optimizer vector {name!r}", slot) for name, slot in slots.items()}
        steps = checks.whole_number("steps", given["steps"], 0, MOST_STEPS)
        random = _random_state(given["random"])
        self._random.bit_generator.state, self._plan.steps = random, steps
        self._plan.set_slots(slots)
        self._flat[...] = flat

    def _vector(self, what: str, value: Any) -> np.ndarray:
        """Return one of a state's vectors, if it has as many numbers as the model, of its dtype."""
        try:
            array = np.asarray(value)
        except (TypeError, ValueError):
            raise ValueError(f"state must hold {what} as an array of numbers, got {value!r}") from None
        if array.shape != self._flat.shape or array.dtype != self.dtype:
            expected = f"{self._flat.shape} of {self.dtype}"
            raise ValueError(f"state holds {what} of shape {array.shape} of {array.dtype}, expected {expected}")
        return array

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file, which `fastbp.load` reads back to the bit.

        The file holds all settings, parameters, the optimizer's state and the state of the random numbers, so that
        training goes on as if it had not been interrupted. It is written whole or not at all, with permissions, owner
        and group of the file that it replaces, as far as the system lets this user set them.

        Parameters
        ----------
        path : str or path-like
            File to write or to replace.

        Raises
        ------
        OSError
            If the file cannot be written. What was there is left as it was.
        RuntimeError
            If another call, such as `fit` in another thread, is changing the model. Callbacks of `fit` may save it.

        Examples
        --------
        >>> import os, tempfile
        >>> import fastbp
        >>> model = fastbp.Model([4, 8, 3], seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(os.path.join(folder, "model.safetensors"))
        ...     fastbp.load(os.path.join(folder, "model.safetensors"))
        <fastbp.Model 4-8-3, sgd 0.1, float32>
        """
        from ..files import models

        models.save(self, path)  # type: ignore[arg-type]

    def __getstate__(self) -> dict[str, Any]:
        """Return all attributes, those of a subclass included; parameters and plan as `get_state` has them."""
        slots = {name: getattr(self, name) for name in _slots(type(self)) if hasattr(self, name)}
        kept = {name: value for name, value in self.__dict__.copy().items() if name not in _MADE}
        return {"attributes": kept, "slots": slots, "state": self.get_state()}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__dict__.update(kept["attributes"])
        for name, value in kept.get("slots", {}).items():
            object.__setattr__(self, name, value)
        if self.n_threads is not None:  # there may be fewer here than where it was made
            self.n_threads = min(self.n_threads, threads.most())
        self._random = np.random.Generator(np.random.PCG64())
        self._make()
        self.set_state(kept["state"])

    def _kernels_ahead(self) -> Iterator[tuple[np.dtype, Network, tuple[Rule, ...]]]:
        """Yield what `warmup` compiles for this model."""
        yield self.dtype, self.network, (self._optimizer.rule,)

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
        return f"<fastbp.Model {sizes}, {self._optimizer.name} {self.learning_rate:g}, {self.dtype}>"
