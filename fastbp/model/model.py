"""The Model: settings and parameters. It checks arguments; all arithmetic is in kernels."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from .. import embeddings
from ..data import checks, choices, members
from ..execution import plan
from ..kernels.entries.loss import Loss
from ..kernels.entries.optimizer import Optimizer
from ..network import Network
from . import initializers
from .conversion import ConversionMixin
from .prediction import PredictionMixin
from .state import StateMixin
from .training import TrainingMixin


class Model(TrainingMixin, PredictionMixin, StateMixin, ConversionMixin):
    """A fully connected network: by default ReLU layers, then softmax, trained with cross-entropy (eqs. 42-54).

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, units of each hidden layer, number of classes or outputs.
    activation : str or Activation, or a sequence of them
        F of all hidden layers, or of each. `fastbp.activations` lists them, and takes functions of your own.
    optimizer : str or Optimizer
        A name, such as "sgd" (eq. 54) or "adam", or an object of `fastbp.optimizers`, which takes the settings.
    loss : str or Loss
        E, the mean over rows: a name or an object of `fastbp.losses`. With "cross_entropy" y holds class numbers. The
        other losses sum over outputs and y holds a number for each: "binary_cross_entropy" takes 0 or 1, one output or
        many; "squared_error", "absolute_error", "huber" and "log_cosh" take any numbers; "poisson" takes counts.
    learning_rate : float, optional
        alpha of eq. 54, for an optimizer given by name. By default 0.1 for "sgd" and 0.001 or less for the others.
    dtype : {"float32", "float64"}
        Of parameters and arithmetic.
    seed : int, optional
        Fixes initial weights, shuffling and dropout: the same seed gives the same bits.
    l1, l2 : float
        Strengths of the penalties that are added to E: l1 sum |w| + l2 / 2 sum w^2 over all weights, not biases.
    label_smoothing : float, optional
        Share of y that is spread over all classes, for "cross_entropy" given by name.
    dropout : float or sequence of float
        Share of the outputs of all hidden layers, or of each, that a training step drops.
    layer_norm : bool or sequence of bool
        Whether t of all hidden layers, or of each, is normalized before F, with a trained gain g and offset c.
    clip_value, clip_norm : float, optional
        Largest magnitude of an element of the gradient, and largest norm of the gradient.
    initializer : str
        Distribution of the initial weights: "he", "glorot" or "lecun" with "_normal" or "_uniform", or "orthogonal".
    kernels : {"fast", "elementwise"}
        "elementwise" computes with the equations as printed, one plain loop each.
    n_threads : int, optional
        Most threads, by default all, and one in a thread pool or worker process. A number above that of the machine's
        threads becomes that. The bits are the same for any number.
    input_shift, input_scale : float or sequence of float, optional
        The network takes (X - input_shift) * input_scale, with one number for all columns or one for each. Both may be
        set between calls of `fit`.
    feature_names, class_names : sequence of str, optional
        Names of X's columns and of the classes, which are saved with the model. With class names, y may hold them,
        and `predict` returns them. One output of "binary_cross_entropy" takes two: those of 0 and 1.
    scaling_layer : bool or Members
        Whether x is multiplied by trained scales, one for each column and 1 at first, before the first layer. A scale
        that is set to 0 stays 0. `fastbp.Members(k)` trains k networks at once, which share the hidden layers.
    embedding : fastbp.embeddings.Embedding, optional
        Columns of X that are embedded before the first layer, numbers by waves, categories by a table.
    precision : {"bfloat16"}, optional
        "bfloat16" rounds what products take, and sums them in float32; all else is float32. By default products take
        numbers of `dtype`, as they always do in the first layer where X is sparse.

    Attributes
    ----------
    parameters : list of tuple of ndarray
        (W, b) of each layer, writable; (W, b, g, c) where it is normalized; then the slopes where the activation is
        PReLU. W has shape (inputs, outputs), all others have shape (outputs,). `scales` are apart from these. With
        `Members(k)` the last k pairs are the members' output layers.
    optimizer, loss : Optimizer, Loss
        With their settings.
    learning_rate : float
        May be set between calls of `fit` and in callbacks.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed. The message names it and says what is expected.

    Examples
    --------
    >>> import fastbp
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> model = fastbp.Model([2, 16, 2], optimizer="adam", learning_rate=0.05, seed=0)
    >>> history = model.fit(X, y, epochs=100, verbose=0)
    >>> model.predict(X)
    array([0, 1, 1, 0])
    """

    input_shift: float | np.ndarray | None
    input_scale: float | np.ndarray | None
    feature_names: list[str] | None
    class_names: list[str] | None
    _seed: int | None = None  # as it was given

    def __init__(
        self,
        layer_sizes: Any,
        activation: Any = "relu",
        optimizer: Any = "sgd",
        loss: Any = "cross_entropy",
        *,
        learning_rate: float | None = None,
        dtype: Any = "float32",
        seed: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        label_smoothing: float | None = None,
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
        scaling_layer: Any = False,
        embedding: Any = None,
        precision: str | None = None,
    ) -> None:
        sizes = checks.layer_sizes(layer_sizes)
        self._optimizer = choices.fitting(choices.optimizer(optimizer, learning_rate), checks.dtype(dtype))
        scaling = members.scaling_layer(scaling_layer)
        choices.require_two_classes(loss, sizes[-1], class_names)
        self.network: Network = Network(
            sizes,
            choices.activations(activation, len(sizes) - 2),
            choices.loss(loss, label_smoothing, sizes[-1]),
            checks.rate("l1", l1),
            checks.rate("l2", l2),
            dropout=checks.shares("dropout", dropout, len(sizes) - 2),
            layer_norm=checks.flags("layer_norm", layer_norm, len(sizes) - 2),
            clip_value=math.inf if clip_value is None else checks.above_zero("clip_value", clip_value),
            clip_norm=math.inf if clip_norm is None else checks.above_zero("clip_norm", clip_norm),
            scaling_layer=scaling,
            parametrization=self._optimizer.parametrization,
            rate_factors=self._optimizer.factors,
            decay_factors=self._optimizer.decays,
            embedding=embeddings.checked(embedding, sizes[0], checks.dtype(dtype)),
            precision=choices.precision(
                precision, checks.dtype(dtype), getattr(scaling, "n_members", 1), embedding is not None
            ),
        )
        choices.refuse_one_name([*self.network.activations, self.network.loss])
        if self.network.embedding is not None and self.network.n_members > 1:
            raise ValueError("embedding can't be given with scaling_layer=Members(...): members embed no columns")
        self.kernels: str = checks.choice("kernels", kernels, plan.KERNELS)
        self.n_threads = n_threads
        self.dtype: np.dtype = checks.dtype(dtype)
        self.input_shift, self.input_scale = input_shift, input_scale
        self.feature_names, self.class_names = feature_names, class_names
        self._seed = checks.seed(seed)
        self._random = np.random.Generator(np.random.PCG64(self._seed))
        self.initializer: str = checks.choice(
            "initializer", initializer, initializers.INITIALIZERS, initializers.ALIASES
        )
        self.stop_training = False
        self._make()
        initializers.draw(self.initializer, self.network, self._flat, self._random)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Number of inputs, units of each hidden layer, number of classes or outputs."""
        return self.network.layer_sizes

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer with its settings."""
        return self._optimizer

    @property
    def loss(self) -> Loss:
        """The loss with its settings."""
        return self.network.loss

    @property
    def learning_rate(self) -> float:
        """Alpha of eq. 54. Setting it replaces the optimizer by one with this rate; its state is kept."""
        return self._optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._optimizer = replace(self._optimizer, learning_rate=checks.rate("learning_rate", value))
        self._plan.optimizer = self._optimizer

    @property
    def parameters(self) -> list[tuple[np.ndarray, ...]]:
        """(W, b) of each layer, then g and c and PReLU's slopes where it has them: writable views of one vector."""
        return self.network.views(self._flat)

    @property
    def scales(self) -> np.ndarray:
        """Of the scaling layer, of shape (inputs,), or (members, inputs); writable, and empty where there is none."""
        return self.network.scales(self._flat)

    @property
    def embeddings(self) -> embeddings.Parameters | None:
        """Parameters of the columns that are embedded, writable: w, b, V, c and tables. None where there are none."""
        return self.network.embeddings(self._flat)
