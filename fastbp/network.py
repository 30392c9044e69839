"""The network: its layers, what it minimizes, and W, b and so on as views of one vector of parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from .data import shown
from .data.members import Members
from .embeddings import Embedding, Parameters
from .kernels.activations import IDENTITY, RELU
from .kernels.entries.activation import Activation
from .kernels.entries.loss import Loss
from .kernels.entries.optimizer import KINDS
from .kernels.losses import CrossEntropy
from .kernels.program.phases import Stack

FUSED = ("relu", "relu_from_below", "identity")  # activations that can be applied while the product is stored
NORM_VECTORS = (("g", 1.0), ("c", 0.0))


@dataclass(frozen=True)
class Network:
    """Fully connected layers and what they minimize. ReLU and softmax with cross-entropy are eqs. 42-46.

    Parameters
    ----------
    layer_sizes : tuple of int
        Number of inputs, units of each hidden layer, number of outputs.
    activation : Activation or tuple of Activation
        F of all hidden layers, or of each. The last layer has none (eq. 44).
    loss : Loss
        E, and the function of the last layer's t that gives the outputs.
    l1, l2 : float
        Strengths of the penalties that are added to E: l1 sum |w| + l2 / 2 sum w^2 over all weights.
    l1_per_weight, l2_per_weight : float
        The same, divided by the sum of the minibatch's row weights, as in scikit-learn.
    dropout : float or tuple of float
        Share of the outputs of all hidden layers, or of each, that is dropped in training.
    layer_norm : bool or tuple of bool
        Whether t of all hidden layers, or of each, is normalized, with parameters g and c.
    clip_value, clip_norm : float
        Largest magnitude of an element of the gradient, and largest norm of the gradient.
    scaling_layer : bool or Members
        Whether x is multiplied by trained scales, one for each column, before the first layer; or the networks of which
        each does so with scales of its own. Each then has an output layer of its own, and they share all others.
    parametrization : {"standard", "ntk"}
        "ntk" trains V of W = V / sqrt(inputs).
    rate_factors : tuple of float
        Factors of the learning rate of each of KINDS. Both are the optimizer's.
    decay_factors : tuple of float
        Likewise of the decay, times the learning rate.
    embedding : Embedding or None
        Of columns of X.
    precision : {"bfloat16"}, optional
        What the operands of products are rounded to.
    """

    layer_sizes: tuple[int, ...]
    activation: Activation | tuple[Activation, ...] = RELU
    loss: Loss = CrossEntropy()
    l1: float = 0.0
    l2: float = 0.0
    l1_per_weight: float = 0.0
    l2_per_weight: float = 0.0
    dropout: float | tuple[float, ...] = 0.0
    layer_norm: bool | tuple[bool, ...] = False
    clip_value: float = math.inf
    clip_norm: float = math.inf
    scaling_layer: bool | Members = False
    parametrization: str = "standard"
    rate_factors: tuple[float, ...] = (1.0,) * len(KINDS)
    decay_factors: tuple[float, ...] = (1.0,) * len(KINDS)
    embedding: Embedding | None = None
    precision: str | None = None

    @cached_property
    def n_members(self) -> int:
        """Networks that share the hidden layers; 1 where there are no members."""
        return self.scaling_layer.n_members if isinstance(self.scaling_layer, Members) else 1

    @property
    def activations(self) -> list[Activation]:
        """F of each layer; of the last, or of each member's last, the identity."""
        hidden = len(self.layer_sizes) - 2
        each = list(self.activation) if isinstance(self.activation, tuple) else [self.activation] * hidden
        return [*each, *[IDENTITY] * self.n_members]

    @property
    def of_classes(self) -> bool:
        """Whether y holds class numbers, one for each row."""
        return self.loss.of_classes

    @property
    def classifies(self) -> bool:
        """Whether predictions are correct or not, so that there is an accuracy."""
        return self.loss.classifies

    @cached_property
    def stack(self) -> Stack:
        """The layers as programs of phases take them, outside training: nothing is dropped."""
        separate = [
            share > 0 or norm or F.name not in FUSED
            for F, share, norm in zip(self.activations, self.dropouts, self.layer_norms, strict=True)
        ]
        layers = len(self.layer_sizes) - 1
        each = (part[:layers] for part in (self.activations, separate, self.layer_norms, [False] * len(separate)))
        if self.embedding is None:
            return Stack(*each, bool(self.scaling_layer), self.n_members, None, self.precision is not None)
        firsts, program = (IDENTITY, False, False, False), self.embedding.of(self.layer_sizes[0])
        each = ([first, *part] for first, part in zip(firsts, each, strict=True))
        return Stack(*each, bool(self.scaling_layer), self.n_members, program)

    def with_embedding(self, values: list[Any], first: Any) -> list[Any]:
        """Return a value for each layer of the program: `first` is that of the one that embeds, if there is one."""
        return values if self.embedding is None else [first, *values]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The layer sizes of the program: with columns of X that are embedded, what they become stands second."""
        columns, *others = self.layer_sizes
        return self.layer_sizes if self.embedding is None else (columns, self.inputs, *others)

    @property
    def inputs(self) -> int:
        """How many inputs the first layer with weights has."""
        columns = self.layer_sizes[0]
        return columns if self.embedding is None else self.embedding.of(columns).size

    @property
    def dropouts(self) -> list[float]:
        """Share of the outputs of each layer that is dropped."""
        hidden = len(self.layer_sizes) - 2
        each = list(self.dropout) if isinstance(self.dropout, tuple) else [self.dropout] * hidden
        return [*each, *[0.0] * self.n_members]

    @property
    def layer_norms(self) -> list[bool]:
        """Whether t of each layer is normalized."""
        hidden = len(self.layer_sizes) - 2
        each = list(self.layer_norm) if isinstance(self.layer_norm, tuple) else [self.layer_norm] * hidden
        return [*each, *[False] * self.n_members]

    @cached_property
    def descends_plainly(self) -> bool:
        """Whether the backward pass can update the parameters: there are no penalties, limits and groups of them."""
        penalties = self.l1 or self.l2 or self.l1_per_weight or self.l2_per_weight
        return not penalties and math.isinf(min(self.clip_value, self.clip_norm)) and not self.grouped

    @cached_property
    def grouped(self) -> bool:
        """Whether some parameters take steps of their own: scales, V of W = sigma V, and those of another rate."""
        own = bool(self.scaling_layer) or self.parametrization == "ntk" or self.embedding is not None
        return own or any(factor != 1 for factor in (*self.rate_factors, *self.decay_factors))

    @property
    def sigmas(self) -> list[float]:
        """Sigma of W = sigma V of each layer, where the optimizer's step is that of V."""
        return [inputs**-0.5 if self.parametrization == "ntk" else 1.0 for inputs, _ in self.shapes]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer's W: of the last layer, the W of each member."""
        *hidden, last = pairwise((self.inputs, *self.layer_sizes[1:]))
        return [*hidden, *[last] * self.n_members]

    def __getstate__(self) -> dict[str, Any]:
        """Return the settings, without what has been found of them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def n_parameters(self) -> int:
        """Number of parameters, the length of Omega of eq. 9."""
        return self._ends[-1]

    @cached_property
    def _ends(self) -> tuple[int, int, int, int]:
        """Where the parameters of layers, scales, numbers and categories end."""
        layers = sum((inputs + vectors) * outputs for (inputs, outputs), vectors in self._with_vectors())
        scales = layers + self.n_scales
        numbers, categories = (0, 0) if self.embedding is None else self.embedding.n_parameters
        return layers, scales, scales + numbers, scales + numbers + categories

    @property
    def n_scales(self) -> int:
        """Number of scales of the inputs, those of all members."""
        return self.n_members * self.inputs if self.scaling_layer else 0

    @cached_property
    def products(self) -> int:
        """Multiplications of a row on its way forward, through all members."""
        heads = (self.layer_sizes[-2] + 1) * self.layer_sizes[-1] * (self.n_members - 1)
        return self.n_members * (self.n_parameters - heads)

    def scales(self, flat: np.ndarray) -> np.ndarray:
        """Return the scales in a vector of parameters as a view, empty where there is no such layer.

        With members it has shape (members, inputs).
        """
        found = flat[self._ends[0] : self._ends[1]]
        return found.reshape(self.n_members, -1) if self.n_members > 1 else found

    def column_scales(self, flat: np.ndarray) -> np.ndarray:
        """Return the scale of each column of X, that of the member in which it is largest.

        Empty where there is no scaling layer, and 0 for a category: a table stands in its place.
        """
        found = self.scales(flat)
        if self.n_members > 1:
            return np.asarray(np.abs(found).max(axis=0))
        if self.embedding is None or not found.size:
            return found
        program = self.embedding.of(self.layer_sizes[0])
        each, numbers = np.zeros(program.columns, found.dtype), len(program.numbers) * (1 + program.outputs)
        each[list(program.numbers)] = found[: numbers : 1 + program.outputs]
        each[program.passed] = found[numbers : numbers + len(program.passed)]
        return each

    def embeddings(self, flat: np.ndarray) -> Parameters | None:
        """Return the parameters of embeddings in a vector of parameters as views, None where nothing is embedded."""
        return None if self.embedding is None else self.embedding.views(flat[self._ends[1] :])

    def kinds(self, flat: np.ndarray) -> Iterator[tuple[np.ndarray, float, float, float]]:
        """Yield the parts of a vector of parameters that take steps alike: factors of rate and decay, and sigma."""
        factors, start = dict(zip(KINDS, zip(self.rate_factors, self.decay_factors, strict=True), strict=True)), 0
        for (W, *vectors), sigma, norm in zip(self.views(flat), self.sigmas, self.layer_norms, strict=True):
            names = ["b", *["gain"] * 2 * norm, "slope"]
            for part, name in zip((W, *vectors), ("W", *names), strict=False):
                yield flat[start : start + part.size], *factors[name], sigma if name == "W" else 1.0
                start += part.size
        if self.scaling_layer:
            yield self.scales(flat).reshape(-1), *factors["scales"], 1.0
        if self.embedding is not None:
            _, start, middle, end = self._ends
            yield flat[start:middle], *factors["numbers"], 1.0
            yield flat[middle:end], *factors["categories"], 1.0

    def views(self, flat: np.ndarray) -> list[tuple[np.ndarray, ...]]:
        """Return a vector of parameters, or of their gradients, as views [(W, b), ...].

        A normalized layer is (W, b, g, c). An activation with a parameter adds that as the last one.
        """
        layers, start = [], 0
        for (inputs, outputs), vectors in self._with_vectors():
            middle, end = start + inputs * outputs, start + (inputs + vectors) * outputs
            layers.append((flat[start:middle].reshape(inputs, outputs), *flat[middle:end].reshape(vectors, outputs)))
            start = end
        return layers

    def vector(self, name: str, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return a vector of the optimizer's state as kernels read it; raise ValueError where it has another length."""
        if np.shape(values) != (self.n_parameters,):
            expected = f"a number for each of the network's {self.n_parameters} parameters"
            raise ValueError(f"the optimizer's vector {name!r} must hold {expected}, got shape {np.shape(values)}")
        return np.ascontiguousarray(values, dtype)

    @property
    def vectors(self) -> list[tuple[tuple[str, float], ...]]:
        """Names and first values of the vectors of each layer: b, then g and c, then the activation's parameter."""
        return [
            (("b", 0.0), *NORM_VECTORS * norm, *([F.parameter] if F.parameter else []))
            for F, norm in zip(self.activations, self.layer_norms, strict=True)
        ]

    def _with_vectors(self) -> Iterator[tuple[tuple[int, int], int]]:
        """Yield the shape of each layer's W and the number of its vectors."""
        return zip(self.shapes, map(len, self.vectors), strict=True)

    def summary(self) -> str:
        """Return a table of layers, shapes and numbers of parameters as text."""
        last, members = len(self.shapes) - self.n_members, self.n_members
        rows, each = [("layer", "stages", "W", "b", "parameters")], f"{members} of " * (members > 1)
        for layer, ((inputs, outputs), vectors) in enumerate([*self._with_vectors()][: last + 1]):
            function = self.loss.link if layer == last else self.activations[layer].name
            stages = f"linear + {'layer_norm + ' * self.layer_norms[layer]}{function}"
            count, of = (inputs + vectors) * outputs * (members if layer == last else 1), each * (layer == last)
            rows.append((str(layer + 1), stages, f"{of}({inputs}, {outputs})", f"{of}({outputs},)", f"{count:,}"))
        if self.scaling_layer:
            rows.insert(1, ("", "scaling", "", f"{each}({self.inputs},)", f"{self.n_scales:,}"))
        if self.embedding is not None:
            rows.insert(1, ("", "embedding", "", f"({self.layer_sizes[0]},)", f"{sum(self.embedding.n_parameters):,}"))
        rows.append(("", "", "", "total", f"{self.n_parameters:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
        return shown.Text("\n".join(lines))
