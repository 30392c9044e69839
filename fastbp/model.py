"""The Model: what a user holds. It checks, orders and keeps count; all arithmetic is in kernels."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from . import checks, init
from .history import History
from .network import Network
from .optim import OPTIMIZERS
from .plan import Plan, predicted_class, softmax
from .progress import Progress
from .samples import Samples

ACTIVATIONS = ("relu",)
BLOCK_ROWS = 1024  # rows computed at once outside training


class Model:
    """A fully connected network: ReLU layers, then softmax, trained with cross-entropy (eqs. 42-54).

    Parameters
    ----------
    layer_sizes : sequence of int
        Inputs, units of each hidden layer, classes: two sizes at least.
    activation : {"relu"}
        F of the hidden layers.
    optimizer : {"sgd"}
        "sgd" is eq. 54 as it stands.
    learning_rate : float, optional
        alpha of eq. 54; by default the optimizer's own: 0.1 for "sgd".
    dtype : {"float32", "float64"}
        Of parameters and arithmetic.
    seed : int, optional
        Fixes initial weights and shuffling: the same seed gives the same bits.
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
        input_shift: Any = None,
        input_scale: Any = None,
        feature_names: Any = None,
        class_names: Any = None,
    ) -> None:
        sizes = checks.layer_sizes(layer_sizes)
        self.network = Network(sizes, checks.choice("activation", activation, ACTIVATIONS))
        self.optimizer = checks.choice("optimizer", optimizer, OPTIMIZERS)
        settings = OPTIMIZERS[self.optimizer]
        alpha = (
            settings.default_learning_rate if learning_rate is None else checks.rate("learning_rate", learning_rate)
        )
        self._optimizer = settings(learning_rate=alpha)
        self.dtype = checks.dtype(dtype)
        self.input_shift = checks.per_column("input_shift", input_shift, sizes[0])
        self.input_scale = checks.per_column("input_scale", input_scale, sizes[0])
        self.feature_names = checks.names("feature_names", feature_names, sizes[0])
        self.class_names = checks.names("class_names", class_names, sizes[-1])
        self._random = np.random.Generator(np.random.PCG64(checks.seed(seed)))
        self._steps = 0
        self._flat = np.empty(self.network.n_parameters, self.dtype)
        init.he_normal(self.network, self._flat, self._random)
        self._plan: Plan | None = None

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
    ) -> History:
        """Train on X and y; called again, training goes on from where it stopped.

        Parameters
        ----------
        X : array-like of shape (rows, inputs)
            Real numbers of any dtype, order or strides, memory maps included. Never copied whole.
        y : array-like of shape (rows,)
            Class numbers from 0.
        epochs : int
            Passes over all rows.
        batch_size : int
            Rows a step; the last step of an epoch takes what is left.
        shuffle : bool
            Whether each epoch takes the rows in a new order.
        validation_data : (X, y), optional
            Evaluated after each epoch.
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
        samples, labels = self._samples(X, "X"), self._labels(X, y, "y")
        pair = checks.pair("validation_data", validation_data)
        validation = pair and (self._samples(pair[0], "validation X"), self._labels(*pair, "validation y"))
        before, history = self.get_state(), History()
        try:
            with progress:
                for _ in range(epochs):
                    self._fit_epoch(samples, labels, batch_size, shuffle, validation, history, progress)
        except KeyboardInterrupt:
            history.interrupted = True
        except BaseException:
            self.set_state(before)
            raise
        return history

    def _fit_epoch(
        self, samples: Samples, y: np.ndarray, batch_size: int, shuffle: bool, validation: Any, history: History,
        progress: Progress,
    ) -> None:  # fmt: skip
        start, n = time.perf_counter(), len(y)
        order = self._random.permutation(n) if shuffle else np.arange(n)
        plan, gradient = self._plan_for(min(batch_size, n)), np.empty_like(self._flat)
        total, hits, done = 0.0, 0, 0
        for rows, E, right in plan.train_epoch(self._flat, gradient, self._optimizer, samples, y, order):
            self._steps += 1
            total, hits, done = total + rows * E, hits + right, done + rows
            progress.rows(done, n, total / done, hits / done)
        if validation is not None:
            scores = self._evaluate(*validation)
            history.val_loss.append(scores["loss"])
            history.val_accuracy.append(scores["accuracy"])
        history.loss.append(total / n)
        history.accuracy.append(hits / n)
        history.seconds.append(time.perf_counter() - start)
        progress.epoch(history)

    def gradients(self, X: Any, y: Any) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
        """Return E and [(dE/dW, dE/db), ...] over all rows as one batch (eqs. 47-53); nothing is updated."""
        samples, labels = self._samples(X, "X"), self._labels(X, y, "y")
        rows, gradient = len(labels), np.empty_like(self._flat)
        plan = Plan(self.network, self.dtype, rows)
        for _ in plan.blocks(samples, self._flat):
            E, _ = plan.loss(labels)
        plan.backward(self._flat, gradient, rows)
        return E, self.network.views(gradient)

    # ---- use

    def evaluate(self, X: Any, y: Any) -> dict[str, float]:
        """Return {"loss": mean cross-entropy, "accuracy": share of rows classified rightly}."""
        return self._evaluate(self._samples(X, "X"), self._labels(X, y, "y"))

    def _evaluate(self, samples: Samples, y: np.ndarray) -> dict[str, float]:
        plan = Plan(self.network, self.dtype, min(len(y), BLOCK_ROWS))
        total, hits = 0.0, 0
        for block, t in plan.blocks(samples, self._flat):
            E, right = plan.loss(y[block])
            total, hits = total + E * len(t), hits + right
        return {"loss": total / len(y), "accuracy": hits / len(y)}

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return z = softmax(t) of each row (eq. 33), shape (rows, classes)."""
        return self._outputs(X, softmax, (self.layer_sizes[-1],), self.dtype)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class number of each row's largest probability (eq. 33's argmax), int64."""
        return self._outputs(X, predicted_class, (), np.dtype(np.int64))

    def _outputs(self, X: Any, kernel: Any, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        samples = self._samples(X, "X")
        n = len(samples.X)
        plan, out = Plan(self.network, self.dtype, min(n, BLOCK_ROWS)), np.empty((n, *shape), dtype)
        for block, t in plan.blocks(samples, self._flat):
            kernel(out[block], t)
        return out

    # ---- what is kept

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make a model like this one, all but the seed, as JSON can hold them."""

        def plain(value: Any) -> Any:
            return value.tolist() if isinstance(value, np.ndarray) else value

        return {
            "layer_sizes": list(self.layer_sizes),
            "activation": self.network.activation,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
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
            "optimizer": {},
            "steps": self._steps,
            "random": self._random.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what `get_state` of a model with the same config returned."""
        flat = np.asarray(state["parameters"])
        if flat.shape != self._flat.shape or flat.dtype != self.dtype:
            expected = f"{self._flat.shape} of {self.dtype}"
            raise ValueError(f"state holds parameters of shape {flat.shape} of {flat.dtype}, expected {expected}")
        if state["optimizer"]:
            raise ValueError(f"state holds {sorted(state['optimizer'])}, which {self.optimizer!r} does not keep")
        steps = checks.whole_number("steps", state["steps"], 0)
        random = np.random.PCG64()
        random.state = state["random"]
        self._random, self._steps = np.random.Generator(random), steps
        self._flat[...] = flat

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self.get_config(), "state": self.get_state()}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__init__(**kept["config"])  # type: ignore[misc]
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

    def _labels(self, X: Any, y: Any, name: str) -> np.ndarray:
        return checks.labels(y, len(X), self.layer_sizes[-1], name)

    def _plan_for(self, batch_size: int) -> Plan:
        if self._plan is None or self._plan.batch_size != batch_size:
            self._plan = Plan(self.network, self.dtype, batch_size)
        return self._plan
