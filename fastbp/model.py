"""The Model: what a user holds. It checks, orders and keeps count; all arithmetic is in kernels."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from . import callbacks as hooks
from . import checks, frames, given, init, optim, plan, schedules, threads
from .doors import Doors
from .history import History
from .kept import Kept
from .kernels.row import ROOM
from .kernels.workspace import aligned
from .network import ACTIVATIONS, LOSSES, Network
from .progress import Progress
from .training import Training, evaluate


class Model(Kept, Doors):
    """A fully connected network: by default ReLU layers, then softmax, trained with cross-entropy (eqs. 42-54).

    Parameters
    ----------
    layer_sizes : sequence of int
        Inputs, units of each hidden layer, classes or other outputs: two sizes at least.
    activation : {"relu", "leaky_relu", "gelu", "silu", "identity", "logistic", "tanh"} or a sequence of them
        F of all hidden layers, or of each.
    optimizer : {"sgd", "adam", "adamw", "rmsprop"}
        "sgd" is eq. 54, with momentum if asked for.
    learning_rate : float, optional
        alpha of eq. 54; by default the optimizer's own: 0.1 for "sgd", 0.001 for the others. It may be set later, too.
    dtype : {"float32", "float64"}
        Of parameters and arithmetic.
    seed : int, optional
        Fixes initial weights and shuffling: the same seed gives the same bits.
    momentum, nesterov : float, bool, optional
        Of "sgd": 0 and False by default.
    beta_1, beta_2, epsilon : float, optional
        Of "adam" and "adamw": 0.9, 0.999 and 1e-8 by default; epsilon of "rmsprop", too: 1e-7.
    weight_decay : float, optional
        Of "adamw": share of the parameters, times the learning rate, that each step takes off; 0.01 by default.
    rho : float, optional
        Of "rmsprop": 0.9 by default.
    loss : {"cross_entropy", "binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson"}
        E, the mean over rows. "cross_entropy" has y name each row's class. The others take a number for each output and
        add up over them: yes or no, one or many, each with a logistic output; numbers, E being half the square, the
        size, or Huber's mixture of both; counts, with the exponential function as output and half the Poisson deviance.
    delta : float
        Of "huber": from where on errors count by their size.
    l1, l2 : float
        Add l1 times the sum of all weights' sizes, biases aside, and l2 / 2 times that of their squares to E.
    label_smoothing : float
        Of "cross_entropy": share of y that is spread over all classes.
    dropout : float or sequence of float
        Share of all hidden layers' outputs, or of each one's, that a training step leaves out.
    layer_norm : bool or sequence of bool
        Whether t of all hidden layers, or of each, is normalized before F, by g and c that are trained, too.
    clip_value, clip_norm : float, optional
        Limits of each element of a step's gradient, and of its length.
    initializer : str
        Of the weights: "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform" or
        "orthogonal".
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
    parameters : list of (W, b), or of (W, b, g, c) where a layer is normalized
        Writable views of one flat vector; W has shape (inputs, outputs).
    """

    def __init__(
        self,
        layer_sizes: Any,
        activation: Any = "relu",
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
        weight_decay: float | None = None,
        rho: float | None = None,
        loss: str = "cross_entropy",
        delta: float = 1.0,
        l1: float = 0.0,
        l2: float = 0.0,
        label_smoothing: float = 0.0,
        dropout: Any = 0.0,
        layer_norm: Any = False,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        initializer: str = "he_normal",
        kernels: str = "fast",
        n_threads: int | None = None,
        input_shift: Any = None,
        input_scale: Any = None,
        feature_names: Any = None,
        class_names: Any = None,
    ) -> None:
        sizes = checks.layer_sizes(layer_sizes)
        self.delta = checks.above_zero("delta", delta)
        self.network = Network(
            sizes,
            checks.activations(activation, len(sizes) - 2, ACTIVATIONS),
            checks.choice("loss", loss, LOSSES),
            checks.rate("l1", l1),
            checks.rate("l2", l2),
            number=self.delta if loss == "huber" else math.inf,
            label_smoothing=checks.share("label_smoothing", label_smoothing),
            dropout=checks.shares("dropout", dropout, len(sizes) - 2),
            layer_norm=checks.flags("layer_norm", layer_norm, len(sizes) - 2),
            clip_value=math.inf if clip_value is None else checks.above_zero("clip_value", clip_value),
            clip_norm=math.inf if clip_norm is None else checks.above_zero("clip_norm", clip_norm),
        )
        if label_smoothing and not self.network.of_classes:
            raise ValueError(f"label_smoothing is for loss 'cross_entropy', got loss {loss!r}")
        self._optimizer = optim.make(
            optimizer,
            learning_rate,
            {"momentum": momentum, "nesterov": nesterov, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon,
             "weight_decay": weight_decay, "rho": rho},
        )  # fmt: skip
        self.optimizer = optimizer
        self.kernels = checks.choice("kernels", kernels, plan.KERNELS)
        self.n_threads = checks.threads(n_threads, threads.most())
        self.dtype = checks.dtype(dtype)
        self.input_shift = checks.per_column("input_shift", input_shift, sizes[0])
        self.input_scale = checks.per_column("input_scale", input_scale, sizes[0])
        self.feature_names = checks.names("feature_names", feature_names, sizes[0])
        self.class_names = checks.names("class_names", class_names, sizes[-1])
        self._random = np.random.Generator(np.random.PCG64(checks.seed(seed)))
        self._buffer = aligned(self.network.n_parameters + ROOM, self.dtype)
        self._flat = self._buffer[: self.network.n_parameters]
        self.initializer = checks.choice("initializer", initializer, init.INITIALIZERS)
        init.draw(initializer, self.network, self._flat, self._random)
        self.stop_training = False
        self._plan = self._new_plan()

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Inputs, hidden units, classes."""
        return self.network.layer_sizes

    @property
    def learning_rate(self) -> float:
        """Alpha of eq. 54."""
        return self._optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._optimizer = replace(self._optimizer, learning_rate=checks.rate("learning_rate", value))
        self._plan.optimizer = self._optimizer

    @property
    def parameters(self) -> list[tuple[np.ndarray, ...]]:
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
        validation_data: Any = None,
        verbose: int = 1,
        *,
        sample_weight: Any = None,
        class_weight: Any = None,
        validation_split: float = 0.0,
        schedule: schedules.Schedule | None = None,
        callbacks: Any = (),
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
        validation_data : (X, y) or (X, y, sample_weight), optional
            Evaluated after each epoch.
        verbose : {0, 1, 2}
            0 is silent, 1 shows a progress bar where training lasts, 2 prints a line an epoch.
        sample_weight : array-like of shape (rows,), optional
            What each row counts: errors and gradients are weighted means.
        class_weight : {class: weight} or "balanced", optional
            What the rows of each class count; multiplied with `sample_weight`. "balanced" lets all classes count alike.
        validation_split : float
            Share of the rows, the last ones, that is left out of training and used as validation data.
        schedule : fastbp.schedules.Schedule, optional
            Factors of the learning rate from step to step.
        callbacks : sequence of fastbp.callbacks.Callback
            Called before and after each epoch, in this order.

        Returns
        -------
        History
            Of the epochs of this call. Ctrl-C ends training and returns what there is; the model stays usable.

        Raises
        ------
        ValueError, TypeError
            For bad input; parameters, optimizer state and random numbers are then as they were.
        ArithmeticError
            Where an error or a parameter is no finite number any more; the last finite parameters are kept.
        """
        epochs = checks.whole_number("epochs", epochs, 0)
        batch_size = checks.whole_number("batch_size", batch_size, 1)
        shuffle = checks.flag("shuffle", shuffle)
        progress = Progress(checks.whole_number("verbose", verbose, 0), epochs)
        X, names = frames.as_array(X, "X")
        frames.check_names(self.feature_names, names, "X")
        data, validation = given.for_training(
            self, X, y, sample_weight, class_weight, validation_data, validation_split, names
        )
        schedule, callbacks = schedules.checked(schedule), hooks.checked(callbacks)
        self._plan.load(self._flat)
        training = Training(data, validation, epochs, batch_size, shuffle, progress, schedule, callbacks)
        history = training.run(self, self._plan, self._flat, self._random)
        if self.feature_names is None:
            self.feature_names = names
        return history

    def gradients(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, list[tuple[np.ndarray, ...]]]:
        """Return E and [(dE/dW, dE/db), ...] over all rows as one batch (eqs. 47-53); nothing is updated."""
        data, gradient = given.labelled(self, X, y, sample_weight), np.empty_like(self._flat)
        E = self._loaded_plan().gradients(data, gradient).loss / len(data.y)
        return E, self.network.views(gradient)

    # ---- use

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Return {"loss": E without the penalty, "accuracy": share of rows that are right}; the latter for classes."""
        return evaluate(self._loaded_plan(), given.labelled(self, X, y, sample_weight), self.network.classifies)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return z of each row, shape (rows, classes): softmax(t) (eq. 33), or the logistic function of each output."""
        if not self.network.classifies:
            raise AttributeError(f"a model of loss {self.network.loss!r} predicts no probabilities; call predict")
        return self._outputs(X)

    def _outputs(self, X: Any) -> np.ndarray:
        samples = given.samples(self, X)
        z = np.empty((samples.X.shape[0], self.layer_sizes[-1]), self.dtype)
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

    # ---- helpers

    def _new_plan(self) -> plan.Plan:
        return plan.make(self.kernels, self.network, self.dtype, self._optimizer, self.n_threads)

    def _loaded_plan(self) -> plan.Plan:
        """Return a plan of its own for each call, so that threads may share a model."""
        fresh = self._new_plan()
        fresh.load(self._flat)
        return fresh
