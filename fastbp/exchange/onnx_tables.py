"""Models of tables to an ONNX file that takes raw columns and gives classes with probabilities, or numbers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..files.writing import write_whole
from ..tabular.fitting import Member
from ..tabular.model import TableModel
from .onnx import Graph, add_network, check_size, file, value_info
from .onnx_columns import RawColumns, form, inputs


def to_onnx(model: TableModel, path: str | os.PathLike[str]) -> None:
    """Write a model of a table to an ONNX file, whole or not at all; see `TableModel.to_onnx`.

    Parameters
    ----------
    model : TableModel
    path : path
        A file there is replaced.

    Raises
    ------
    TypeError
        Where `model` is none.
    ValueError
        Where columns are embedded, an activation is the user's own, classes are neither text, numbers nor booleans, a
        column's name is empty, or the model is larger than such a file can be.
    OSError
        Where the file can't be written; what was there is then as it was.
    """
    if not isinstance(model, TableModel):
        raise TypeError(f"model must be a TableModel, got {type(model).__name__}")
    write_whole(_proto(model).SerializeToString(), path)


def _proto(model: TableModel) -> Any:
    """Return the whole file's content."""
    members = model.members
    if any(member.model.network.embedding is not None for member in members):
        raise ValueError(
            "model embeds columns, as recipe='td' does: it can't be exported to ONNX, only saved by `save`"
        )
    check_size(*(member.model for member in members))
    columns = members[0].columns
    graph = Graph(members[0].model.dtype, [name for name, _ in columns.becoming_inputs])
    raw, labels = RawColumns(graph), None if model.classes is None else _labels(model.classes)
    each = [_member(graph, raw, member, f"members.{i}." * (len(members) > 1)) for i, member in enumerate(members)]
    about = {
        "target": model.target,
        "class_names": None if model.classes is None else [str(name) for name in model.classes.tolist()],
        "columns": {name: form(column) for name, column in columns.becoming_inputs},
    }
    outputs = [_numbers(graph, each)] if labels is None else _classes(graph, each, labels)
    return file(graph, inputs(columns), outputs, about)


def _member(graph: Graph, raw: RawColumns, member: Member, prefix: str) -> str:
    """Return the name of one network's output for a table, float64: probabilities, or numbers on the target's scale."""
    graph.dtype = member.model.dtype
    x = add_network(graph, member.model, raw.add(member.columns, graph.dtype), prefix)
    if graph.dtype != np.float64:
        x = graph.cast(x, np.float64)
    if (member.mean, member.deviation) != (0, 1):
        x = graph.add("Mul", x, graph.constant(member.deviation, f"{prefix}deviation", np.float64))
        x = graph.add("Add", x, graph.constant(member.mean, f"{prefix}mean", np.float64))
    if member.limits is None:
        return x
    return graph.add("Clip", x, *(graph.constant(limit, dtype=np.float64) for limit in member.limits))


def _mean(graph: Graph, each: list[str], name: str | None = None) -> str:
    total = graph.add("Sum", *each) if len(each) > 1 else each[0]
    return graph.add("Div", total, graph.constant(len(each), dtype=np.float64), name=name)


def _numbers(graph: Graph, each: list[str]) -> Any:
    """Add the mean of the networks' numbers; return the output."""
    shape = graph.constant([-1], dtype=np.int64)
    return value_info(graph.add("Reshape", _mean(graph, each), shape, name="predictions"), np.float64, None)


def _classes(graph: Graph, each: list[str], labels: np.ndarray) -> list[Any]:
    """Add the mean of the networks' probabilities and the class of the largest; return the outputs."""
    mean = _mean(graph, each, "probabilities")
    largest = graph.add("ArgMax", mean, axis=1, keepdims=0)
    predicted = graph.add("Gather", graph.constant(labels, "classes", labels.dtype), largest, name="predictions")
    return [value_info(predicted, labels.dtype, None), value_info(mean, np.float64, len(labels))]


def _labels(classes: np.ndarray) -> np.ndarray:
    """Return classes as a tensor holds them: text as objects."""
    values = classes.tolist()
    if all(isinstance(value, str) for value in values):
        return np.array(values, object)
    found = classes if classes.dtype.kind != "O" else np.array(values)
    if found.dtype.kind not in "biuf" or found.dtype.itemsize > 8:
        raise ValueError(
            f"classes must be text, numbers or booleans for an ONNX file, got {values[0]!r} of dtype {found.dtype}"
        )
    return found
