"""To an ONNX file, which ONNX Runtime and others run: the same predictions, to rounding."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

try:
    import onnx
    from onnx import helper, numpy_helper
except ImportError as error:
    raise ImportError(f"to_onnx needs onnx: pip install 'fastbp[onnx]' ({error})") from error

from .. import __version__
from ..files.writing import write_whole
from ..kernels.entries.activation import Activation
from ..kernels.entries.normalization import EPSILON
from ..model.model import Model
from .common import Layer, checked_model, layers_of, refuse_own_loss

OPSET, IR = 17, 8  # at least; of onnx 1.12, so that runtimes from 2022 on read it
LINKS: dict[str, tuple[str, dict[str, int]]] = {
    "softmax": ("Softmax", {"axis": 1}),
    "logistic": ("Sigmoid", {}),
    "identity": ("Identity", {}),
    "exp": ("Exp", {}),
}
LARGEST = 2**31 - 2**20  # bytes: a file of this format ends at 2 GiB, names and nodes included


def to_onnx(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to an ONNX file, whole or not at all.

    Its input "X" has shape (rows, inputs), of any number of rows and of the model's dtype; scaling is part of the file,
    and computed in float64 as the model computes it. Its output is "probabilities", what `predict_proba` gives, or for
    losses of numbers "predictions", what `predict` gives, both of shape (rows, outputs). Class names, feature names
    and loss stand in its metadata, each as JSON. The scales of a scaling layer are part of the first layer's weights.

    Parameters
    ----------
    model : Model
    path : path
        A file there is replaced.

    Raises
    ------
    TypeError
        Where `model` is none.
    ValueError
        Where an activation or the loss is the user's own, or the model is larger than such a file can be.
    OSError
        Where the file can't be written; what was there is then as it was.
    """
    write_whole(_proto(checked_model(model)).SerializeToString(), path)


class Graph:
    """Nodes and constants of a network of this dtype.

    Parameters
    ----------
    dtype : numpy.dtype
    inputs : iterable of str
        Names of inputs. Others that are the same get an underscore.

    Attributes
    ----------
    opset : int
        The least operator set that has all of its operators.
    domains : dict of str to int
        Other sets of operators, with their versions.
    """

    dtype: np.dtype
    opset: int
    domains: dict[str, int]

    def __init__(self, dtype: np.dtype, inputs: Iterable[str] = ("X",)) -> None:
        self.dtype, self.opset, self.domains = dtype, OPSET, dict[str, int]()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._taken = set(inputs)

    def constant(self, value: Any, name: str | None = None, dtype: Any = None) -> str:
        """Add a constant; return its name."""
        name = self._free(name or f"constant_{len(self.constants)}")
        self.constants.append(numpy_helper.from_array(np.array(value, dtype or self.dtype, order="C"), name))
        return name

    def add(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node of an operator with one output; return the name of that, and of the node."""
        name = self._free(name or f"{kind}_{len(self.nodes)}")
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def _free(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def cast(self, x: str, dtype: Any) -> str:
        """Return the name of x in another dtype."""
        return self.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def activation(self, F: Activation, t: str, *parameters: str) -> str:
        """Add the nodes of an activation; return the name of their output."""
        if F.elsewhere.onnx is None:
            raise ValueError(f"activation {F.name!r} has no form in ONNX's operators, so that it can't be exported")
        self.opset = max(self.opset, F.elsewhere.opset)
        return F.elsewhere.onnx(self, t, *parameters)


def _proto(model: Model) -> Any:
    """Return the whole file's content."""
    check_size(model)
    graph, names = Graph(model.dtype), {"class_names": model.class_names, "feature_names": model.feature_names}
    output = "predictions" if model.loss.link in ("identity", "exp") else "probabilities"
    add_network(graph, model, "X", output=output)
    inputs, outputs = (
        value_info(name, model.dtype, columns)
        for name, columns in (("X", model.layer_sizes[0]), (output, model.layer_sizes[-1]))
    )
    return file(graph, [inputs], [outputs], {"loss": model.loss.name} | names)


def check_size(*models: Model) -> None:
    """Raise ValueError where models together are larger than a file can be."""
    size = sum(model.network.n_parameters * model.dtype.itemsize for model in models)
    if size > LARGEST:
        raise ValueError(f"an ONNX file holds {LARGEST:,} bytes of parameters at most, the model has {size:,}")


def add_network(graph: Graph, model: Model, x: str, prefix: str = "", output: str | None = None) -> str:
    """Add a model that takes x, its parameters' names after a prefix; return the name of its output."""
    refuse_own_loss(model, "form in ONNX's operators", "exported")
    x = _scaled(graph, model, x)
    kind, attributes = LINKS[model.loss.link]
    n = model.network.n_members
    layers = [_layer(graph, layer, f"{prefix}layers.{i}") for i, layer in enumerate(layers_of(model, True))]
    if n == 1:
        return graph.add(kind, _through(layers, x), name=output, **attributes)
    each = []
    for number, (scales, head) in enumerate(zip(model.scales, layers[-n:], strict=True)):
        own = graph.add("Mul", x, graph.constant(scales, f"{prefix}scales.{number}"))
        each.append(graph.add(kind, _through([*layers[:-n], head], own), name=None, **attributes))
    return graph.add("Div", graph.add("Sum", *each), graph.constant(n), name=output)


def _through(layers: list[Callable[[str], str]], x: str) -> str:
    """Add the nodes of layers, one after the other; return the name of what the last one gives."""
    for layer in layers:
        x = layer(x)
    return x


def _layer(graph: Graph, layer: Layer, name: str) -> Callable[[str], str]:
    """Add the constants of a layer; return what adds its nodes, as often as it is called, and returns their output."""
    W, b = graph.constant(layer.W, f"{name}.weight"), graph.constant(layer.b, f"{name}.bias")
    norm = [graph.constant(v, f"{name}.norm.{end}") for v, end in zip(layer.norm, ("weight", "bias"), strict=False)]
    slopes = [graph.constant(a, f"{name}.slope") for a in layer.slopes]

    def nodes(x: str) -> str:
        t = graph.add("Gemm", x, W, b)
        if norm:
            kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
            t = graph.add("LayerNormalization", t, *norm, axis=1, epsilon=EPSILON, stash_type=kind)
        return graph.activation(layer.F, t, *slopes)

    return nodes


def _scaled(graph: Graph, model: Model, x: str) -> str:
    """Return the name of (x - shift) * scale, computed in float64 whatever the model's dtype."""
    wide = model.dtype == np.float64
    if model.input_shift is None and model.input_scale is None:
        return x
    if not wide:
        x = graph.cast(x, np.float64)
    if model.input_shift is not None:
        x = graph.add("Sub", x, graph.constant(model.input_shift, "input.shift", np.float64))
    if model.input_scale is not None:
        x = graph.add("Mul", x, graph.constant(model.input_scale, "input.scale", np.float64))
    return x if wide else graph.cast(x, model.dtype)


def value_info(name: str, dtype: Any, columns: int | None, about: str = "") -> Any:
    """Return what an input or output is: rows of so many columns, or a number a row; object stands for text."""
    shape = ["rows"] if columns is None else ["rows", columns]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape, about)


def file(graph: Graph, inputs: list[Any], outputs: list[Any], kept: dict[str, Any]) -> Any:
    """Return a file's content, with what is not None of `kept` in its metadata as JSON."""
    sets = {"": graph.opset} | graph.domains
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "fastbp", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid(*one) for one in sets.items()],
        ir_version=IR,
        producer_name="fastbp",
        producer_version=__version__,
    )
    helper.set_model_props(proto, {name: json.dumps(value) for name, value in kept.items() if value is not None})
    onnx.checker.check_model(proto)
    return proto
