"""To an ONNX file, which ONNX Runtime and others run: the same predictions, to rounding."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np

try:
    import onnx
    from onnx import helper, numpy_helper
except ImportError as error:
    raise ImportError(f"to_onnx needs onnx: pip install 'fastbp[onnx]' ({error})") from error

from .. import __version__
from ..files.models import write_whole
from ..kernels.beyond_normalization import EPSILON
from ..model import Model
from .common import checked_model, hidden_activations, output_link, quoted

OPSET, IR = 17, 8  # of onnx 1.12, so that runtimes from 2022 on read it
LARGEST = 2**31 - 2**20  # bytes: a file of this format ends at 2 GiB, names and nodes included


def to_onnx(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to an ONNX file, whole or not at all.

    Its input "X" has shape (rows, inputs), of any number of rows and of the model's dtype; scaling is part of the file,
    and computed in float64 as the model computes it. Its output is "probabilities", what `predict_proba` gives, or for
    losses of numbers "predictions", what `predict` gives, both of shape (rows, outputs). Class names, feature names
    and loss stand in its metadata, each as JSON.

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
        Where an activation's counterpart is not known here, or the model is larger than such a file can be.
    OSError
        Where the file can't be written; what was there is then as it was.
    """
    write_whole(_proto(checked_model(model)).SerializeToString(), path)


class _Graph:
    """Nodes and constants, each node's output named after what it is."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Any, dtype: Any = None) -> str:
        self.constants.append(numpy_helper.from_array(np.array(value, dtype or self.dtype, order="C"), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


def _single(kind: str, **attributes: Any) -> Callable[[_Graph, str, str], str]:
    return lambda graph, t, name: graph.node(kind, [t], name, **attributes)


def _leaky_relu(graph: _Graph, t: str, name: str) -> str:
    """Return the name of max(t, t / 100), which runtimes compute in float64, too."""
    low = graph.node("Mul", [t, graph.constant(f"{name}.slope", 0.01)], f"{name}.low")
    return graph.node("Max", [t, low], name)


def _gelu(graph: _Graph, t: str, name: str) -> str:
    """Return the name of t (1 + erf(t / sqrt 2)) / 2."""
    root = graph.node("Mul", [t, graph.constant(f"{name}.root", np.sqrt(0.5))], f"{name}.z")
    one = graph.node("Add", [graph.node("Erf", [root], f"{name}.erf"), graph.constant(f"{name}.one", 1)], f"{name}.sum")
    half = graph.node("Mul", [t, graph.constant(f"{name}.half", 0.5)], f"{name}.t")
    return graph.node("Mul", [half, one], name)


def _silu(graph: _Graph, t: str, name: str) -> str:
    return graph.node("Mul", [t, graph.node("Sigmoid", [t], f"{name}.gate")], name)


ACTIVATIONS: dict[str, Callable[[_Graph, str, str], str]] = {
    "relu": _single("Relu"),
    "identity": lambda graph, t, name: t,
    "logistic": _single("Sigmoid"),
    "tanh": _single("Tanh"),
    "leaky_relu": _leaky_relu,
    "gelu": _gelu,
    "silu": _silu,
}
LINKS = {
    "softmax": _single("Softmax", axis=1),
    "logistic": _single("Sigmoid"),
    "identity": _single("Identity"),
    "exp": _single("Exp"),
}


def _proto(model: Model) -> Any:
    """Return the whole file's content."""
    activations, link = hidden_activations(model), output_link(model)
    unknown = sorted(set(activations) - set(ACTIVATIONS))
    if unknown:
        raise ValueError(f"to_onnx knows {quoted(ACTIVATIONS)}, the model has {quoted(unknown)}")
    size = model.network.n_parameters * model.dtype.itemsize
    if size > LARGEST:
        raise ValueError(f"an ONNX file holds {LARGEST:,} bytes of parameters at most, the model has {size:,}")
    graph = _Graph(model.dtype)
    x = _scaled(graph, model)
    for number, (W, b, *norm) in enumerate(model.parameters):
        name = f"layers.{number}"
        arguments = [x, graph.constant(f"{name}.weight", W), graph.constant(f"{name}.bias", b)]
        x = graph.node("Gemm", arguments, f"{name}.t")
        if norm:
            x = _layer_norm(graph, x, f"{name}.norm", *norm)
        if number < len(activations):
            x = ACTIVATIONS[activations[number]](graph, x, f"{name}.h")
    output = "predictions" if link in ("identity", "exp") else "probabilities"
    LINKS[link](graph, x, output)
    return _file(graph, model, output)


def _layer_norm(graph: _Graph, t: str, name: str, g: np.ndarray, c: np.ndarray) -> str:
    """Return the name of t normalized, computed in the model's own dtype."""
    arguments = [t, graph.constant(f"{name}.weight", g), graph.constant(f"{name}.bias", c)]
    kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
    return graph.node("LayerNormalization", arguments, name, axis=1, epsilon=EPSILON, stash_type=kind)


def _scaled(graph: _Graph, model: Model) -> str:
    """Return the name of (X - shift) * scale, computed in float64 whatever the model's dtype."""
    x, wide = "X", model.dtype == np.float64
    if model.input_shift is None and model.input_scale is None:
        return x
    if not wide:
        x = graph.node("Cast", [x], "input.wide", to=onnx.TensorProto.DOUBLE)
    if model.input_shift is not None:
        x = graph.node("Sub", [x, graph.constant("input.shift", model.input_shift, np.float64)], "input.shifted")
    if model.input_scale is not None:
        x = graph.node("Mul", [x, graph.constant("input.scale", model.input_scale, np.float64)], "input.scaled")
    return x if wide else graph.node("Cast", [x], "input.x", to=onnx.TensorProto.FLOAT)


def _file(graph: _Graph, model: Model, output: str) -> Any:
    def of_rows(name: str, columns: int) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(model.dtype), ["rows", columns])

    inputs, outputs = of_rows("X", model.layer_sizes[0]), of_rows(output, model.layer_sizes[-1])
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "fastbp", [inputs], [outputs], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="fastbp",
        producer_version=__version__,
    )
    kept = {"loss": model.network.loss, "class_names": model.class_names, "feature_names": model.feature_names}
    helper.set_model_props(proto, {name: json.dumps(value) for name, value in kept.items() if value is not None})
    onnx.checker.check_model(proto)
    return proto
