"""The Model: what a user holds. It checks, orders and keeps count; all arithmetic is in kernels."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import numpy as np

from . import checks, init, optim, plan, threads
from .history import History
from .kernels.row import ROOM
from .network import ACTIVATIONS, OUTPUTS, Network
from .progress import Progress
from .samples import Labelled, Samples
from .training import Training, evaluate


class Model:
    """A fully connected network: by default ReLU layers, then softmax, trained with cross-entropy (eqs. 42-54).

    Parameters
    ----------
    layer_sizes : sequence of int
        Inputs, units of each hidden layer, classes or other outputs: two sizes at least.
    activation : {"relu", "identity", "logistic", "tanh"} or a sequence of them
        F of all hidden layers, or of each.
    optimizer : {"sgd", "adam"}
        "sgd" is eq. 54, with momentum if asked for.
    learning_rate : float, optional
        alpha of eq. 54; by default the optimizer's own: 0.1 for "sgd", 0.001 for "adam".
    dtype : {"float32", "float64"}
        Of parameters and arithmetic.
    seed : int, optional
        Fixes initial weights and shuffling: the same seed gives the same bits.
    momentum, nesterov : float, bool, optional
        Of "sgd": 0 and False by default.
    beta_1, beta_2, epsilon : float, optional
        Of "adam": 0.9, 0.999 and 1e-8 by default.
    loss : {"cross_entropy", "binary_cross_entropy", "squared_error", "poisson"}
        E, the mean over rows. "cross_entropy" has y name each row's class. The others take a number for each output and
        add up over them: yes or no, one or many, each with a logistic output; numbers, E being half the square; counts,
        with the exponential function as output and half the Poisson deviance as E.
    l2 : float
        Adds l2 / 2 times the sum of all squared weights, biases aside, to E while training.
    kernels : {"fast", "elementwise"}
        "elementwise" computes with the equations as printed, one plain loop each.
    n_threads : int, optional
        Threads at most; by default all that Numba has, and one in a thread pool or worker process. It changes no bit.
    input_shift, input_scale : float or sequence of float, optional
        The network computes on (X - input_shift) * input_scale, for all columns alike or one number each.
    feature_names, class_names : sequence of str, optional
        Kept with the model and saved with it.

    Attributes
    ----------
    parameters : list of (W, b)
        Writable views of one flat vector; W has shape (inputs, outputs).
    """

    def __init__(
        self,
        layer_sizes: Any,
        activation: str = "relu",
        optimizer: str = "sgd",
        learning_rate: float | None = None,
        dtype: Any = "float32",
        seed: int | None = None,
        *,
        momentum: float | None = None,
        nesterov: bool | None = None,
        beta_1: float | None = None,
        beta_2: float | None = None,
        epsilon: float | None = None,
        loss: str = "cross_entropy",
        l2: float = 0.0,
        kernels: str = "fast",
        n_threads: int | None = None,
        input_shift: Any = None,
        input_scale: Any = None,
        feature_names: Any = None,
        class_names: Any = None,
    ) -> None:
        sizes = checks.layer_sizes(layer_sizes)
        activations = checks.activations(activation, len(sizes) - 2, ACTIVATIONS)
        self.network = Network(sizes, activations, checks.choice("loss", loss, OUTPUTS), checks.rate("l2", l2))
        settings = {"momentum": momentum, "nesterov": nesterov, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}
        self._optimizer = optim.make(optimizer, learning_rate, settings)
        self.optimizer = optimizer
        self.kernels = checks.choice("kernels", kernels, plan.KERNELS)
        self.n_threads = checks.threads(n_threads, threads.most())
        self.dtype = checks.dtype(dtype)
        self.input_shift = checks.per_column("input_shift", input_shift, sizes[0])
        self.input_scale = checks.per_column("input_scale", input_scale, sizes[0])
        self.feature_names = checks.names("feature_names", feature_names, sizes[0])
        self.class_names = checks.names("class_names", class_names, sizes[-1])
        self._random = np.random.Generator(np.random.PCG64(checks.seed(seed)))
        self._buffer = np.zeros(self.network.n_parameters + ROOM, self.dtype)
        self._flat = self._buffer[: self.network.n_parameters]
        init.he_normal(self.network, self._flat, self._random)
        self._plan = self._new_plan()

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Inputs, hidden units, classes."""
        return self.network.layer_sizes

    @property
    def learning_rate(self) -> float:
        """Alpha of eq. 54."""
        return self._optimizer.learning_rate

    @property
    def parameters(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """[(W, b), ...], writable views; W is (inputs, outputs)."""
        return self.network.views(self._flat)

    # ---- training

    def fit(
        self,
        X: Any,
        y: Any,
        epochs: int = 10,
        batch_size: int = 128,
        shuffle: bool = True,
        validation_data: tuple[Any, Any] | None = None,
        verbose: int = 1,
        sample_weight: Any = None,
    ) -> History:
        """Train on X and y; called again, training goes on from where it stopped.

        Parameters
        ----------
        X : array-like of shape (rows, inputs)
            Real numbers of any dtype, order or strides, memory maps included. Never copied whole.
        y : array-like of shape (rows,), or (rows, outputs) for losses of numbers
            Class numbers from 0, or what each output should be.
        epochs : int
            Passes over all rows.
        batch_size : int
            Rows a step; the last step of an epoch takes what is left.
        shuffle : bool
            Whether each epoch takes the rows in a new order.
        validation_data : (X, y), optional
            Evaluated after each epoch.
        sample_weight : array-like of shape (rows,), optional
            What each row counts: errors and gradients are weighted means.
        verbose : {0, 1, 2}
            0 is silent, 1 shows a progress bar where training lasts, 2 prints a line an epoch.

        Returns
        -------
        History
            Of the epochs of this call. Ctrl-C ends training and returns what there is; the model stays usable.

        Raises
        ------
        ValueError, TypeError
            For bad input; parameters, optimizer state and random numbers are then as they were.
        """
        epochs = checks.whole_number("epochs", epochs, 0)
        batch_size = checks.whole_number("batch_size", batch_size, 1)
        shuffle = checks.flag("shuffle", shuffle)
        progress = Progress(checks.whole_number("verbose", verbose, 0), epochs)
        data, pair = self._labelled(X, y, sample_weight), checks.pair("validation_data", validation_data)
        validation = None if pair is None else self._labelled(*pair, prefix="validation ")
        self._plan.load(self._flat)
        training = Training(data, validation, epochs, batch_size, shuffle, progress)
        history = training.run(self._plan, self._random)
        try:
            self._plan.store(self._flat)
        except KeyboardInterrupt:  # half of the parameters would be those of before
            self._plan.store(self._flat)
            history.interrupted = True
        return history

    def gradients(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
        """Return E and [(dE/dW, dE/db), ...] over all rows as one batch (eqs. 47-53); nothing is updated."""
        data, gradient = self._labelled(X, y, sample_weight), np.empty_like(self._flat)
        E = self._loaded_plan().gradients(data, gradient).loss / len(data.y)
        return E, self.network.views(gradient)

    # ---- use

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Return {"loss": E without the penalty, "accuracy": share of rows all of whose outputs are right}."""
        return evaluate(self._loaded_plan(), self._labelled(X, y, sample_weight))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return z of each row, shape (rows, classes): softmax(t) (eq. 33), or the logistic function of each output."""
        if self.network.loss in ("squared_error", "poisson"):
            raise AttributeError(f"a model of loss {self.network.loss!r} predicts no probabilities; call predict")
        return self._outputs(X)

    def _outputs(self, X: Any) -> np.ndarray:
        samples = self._samples(X, "X")
        z = np.empty((len(samples.X), self.layer_sizes[-1]), self.dtype)
        if not self._plan.predict_rows(self._buffer, samples, z):
            self._loaded_plan().predict(samples, z)
        return z

    def predict(self, X: Any) -> np.ndarray:
        """Return each row's class number, int64 (eq. 33's argmax); for other losses 0 or 1, or a number, an output.

        Of shape (rows,), for several outputs (rows, outputs).
        """
        z = self._outputs(X)
        if self.network.of_classes:
            return z.argmax(axis=1)
        if self.network.loss == "binary_cross_entropy":
            z = (z > 0.5).astype(np.int64)
        return z[:, 0] if z.shape[1] == 1 else z

    # ---- what is kept

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make a model like this one, all but the seed, as JSON can hold them."""

        def plain(value: Any) -> Any:
            if isinstance(value, (np.ndarray, tuple)):
                return list(value) if isinstance(value, tuple) else value.tolist()
            return value

        return {
            "layer_sizes": list(self.layer_sizes),
            "activation": plain(self.network.activation),
            "optimizer": self.optimizer,
            **asdict(self._optimizer),
            "loss": self.network.loss,
            "l2": self.network.l2,
            "kernels": self.kernels,
            "n_threads": self.n_threads,
            "dtype": self.dtype.name,
            "input_shift": plain(self.input_shift),
            "input_scale": plain(self.input_scale),
            "feature_names": self.feature_names,
            "class_names": self.class_names,
        }

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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file, whole or not at all; `fastbp.load` reads it back to the bit."""
        from .files import models

        models.save(self, path)

    def summary(self) -> str:
        """Return layers, shapes and parameter counts as text."""
        return self.network.summary()

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        return f"<fastbp.Model {sizes}, {self.optimizer} {self.learning_rate:g}, {self.dtype}>"

    # ---- helpers

    def _samples(self, X: Any, name: str) -> Samples:
        return Samples(checks.inputs(X, self.layer_sizes[0], name), self.input_shift, self.input_scale, name)

    def _labelled(self, X: Any, y: Any, sample_weight: Any = None, prefix: str = "") -> Labelled:
        samples, outputs = self._samples(X, f"{prefix}X"), self.layer_sizes[-1]
        rows, name = len(samples.X), f"{prefix}y"
        if self.network.of_classes:
            y = checks.labels(y, rows, outputs, name)
        else:
            y = checks.targets(y, rows, outputs, self.network.loss, self.dtype, name)
        return Labelled(samples, y, checks.weights(sample_weight, rows, self.dtype, f"{prefix}sample_weight"))

    def _new_plan(self) -> plan.Plan:
        return plan.make(self.kernels, self.network, self.dtype, self._optimizer, self.n_threads)

    def _loaded_plan(self) -> plan.Plan:
        """Return a plan of its own for each call, so that threads may share a model."""
        fresh = self._new_plan()
        fresh.load(self._flat)
        return fresh
