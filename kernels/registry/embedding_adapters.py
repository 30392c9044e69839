"""Adapters, as in adapters.py, of the layer that embeds columns of X."""

import numpy as np

from ..activations import IDENTITY
from ..entries.typed import Array, DType
from ..program.embedding import Embedding
from ..program.layout import parameter_table, place_activations
from ..program.phases import Kernel, Stack
from ..program.state import batch_rows, padded
from .state import Computing, State, poisoned, put_matrix, take_matrix


class Embedded(State):
    """A layer that embeds, one behind it, and a minibatch of B rows.

    Parameters
    ----------
    embedding : Embedding
    B : int
    dtype : numpy.dtype
    """

    rows: int
    embedding: Embedding

    def __init__(self, embedding: Embedding, B: int, dtype: DType) -> None:
        stack = Stack(*([value] * 2 for value in (IDENTITY, False, False, False)), False, 1, embedding)
        table, size = parameter_table((embedding.columns, embedding.size, 1), stack, dtype)
        self.B, self.rows, self.embedding = B, batch_rows(B, dtype), embedding
        length = place_activations(table, stack, self.rows, dtype)
        arrays = {name: poisoned(size, dtype) for name in ("parameters", "gradients")}
        super().__init__(
            table, dtype, batch=B, batch_rows=self.rows, activations=poisoned(length, dtype),
            embedded=embedding.table(dtype), frequencies=embedding.frequencies, **arrays,
        )  # fmt: skip

    def view(self, name: str) -> Array:
        """Return x, or h as "e" or "de", in panels."""
        layer = self.table[0]
        at, columns = (int(layer[field]) for field in (("x", "rows") if name == "x" else ("h", "columns")))
        return self.fields["activations"][at : at + columns * self.rows].reshape(-1, self.rows, self.lanes)

    def put(self, name: str, matrix: Array, transposed: bool = False) -> "Embedded":
        """Write a matrix in panels, transposed in groups of rows if it is to be; return self."""
        view = self.view(name)
        put_matrix(view, matrix, np.nan)
        if transposed:
            groups = view.reshape(len(view), -1, self.lanes, self.lanes)
            groups[...] = groups.swapaxes(2, 3).copy()
        return self

    def numbers(self, of: str) -> tuple[Array, Array, Array, Array]:
        """Return w, b, V and c of all numbers as views of a vector of parameters."""
        e, (end, _) = self.embedding, self.embedding.parameters(self.lanes)
        n, H, O, room = len(e.numbers), e.frequencies, e.outputs, padded(e.frequencies, self.lanes)
        each = self.fields[of][:end].reshape(n, -1)
        V = each[:, 2 * room : (2 + O) * room].reshape(n, O, room)
        return each[:, :H], each[:, room : room + H], V[:, :, :H], each[:, (2 + O) * room :][:, :O]

    def take(self, name: str, array: Array) -> None:
        """Read outputs of numbers, a row of a table for each row, or a gradient."""
        if name in ("e", "rows"):
            whole = np.empty((self.B, self.embedding.size), self.dtype)
            take_matrix(whole, self.view("e"), self.B)
            array[...] = whole if name == "rows" else whole.reshape(*array.shape[:2], -1)[:, :, 1:]
        elif name == "T":
            array[...] = self.fields["gradients"][: array.size].reshape(array.shape)
        else:
            array[...] = dict(zip("wbVc", self.numbers("gradients"), strict=True))[name]


def _of_numbers(x, V):
    (n, outputs, frequencies), columns = V.shape, x.shape[1]
    return Embedded(Embedding(columns, tuple(range(n)), (), frequencies, outputs, 1), len(x), x.dtype)


def _on_rows(net, name):
    return Kernel(name), 0, 0, padded(net.B, net.lanes), 0, 0


def embed_numbers(e: Array, x: Array, w: Array, b: Array, V: Array, c: Array) -> Computing:
    """All columns are numbers."""
    net = _of_numbers(x, V).put("x", x)
    for there, values in zip(net.numbers("parameters"), (w, b, V, c), strict=True):
        there[...] = values
    return net.computing(_on_rows(net, "embed"), e=e)


def embed_numbers_backward(
    dw: Array, db: Array, dV: Array, dc: Array, de: Array, x: Array, w: Array, b: Array, V: Array
) -> Computing:
    """The gradients, of rows that the way forward left transposed."""
    net = _of_numbers(x, V).put("x", x, transposed=True)
    for there, values in zip(net.numbers("parameters"), (w, b, V), strict=False):
        there[...] = values
    wide = np.concatenate([np.zeros_like(de[:, :, :1]), de], axis=2)
    net.put("de", wide.reshape(len(x), -1))
    columns = [(Kernel("embed_backward"), 0, k, k + 1, 0, 0) for k in range(x.shape[1])]
    return net.computing(_on_rows(net, "transpose_embedded"), *columns, w=dw, b=db, V=dV, c=dc)


def _of_levels(levels, T):
    net = Embedded(Embedding(1, (), ((0, len(T)),), 1, 1, T.shape[1]), len(levels), T.dtype)
    net.fields["parameters"][: T.size] = T.ravel()
    return net


def embed_category(e: Array, levels: Array, T: Array) -> Computing:
    """One column of levels."""
    net = _of_levels(levels, T).put("x", levels[:, None].astype(T.dtype))
    return net.computing(_on_rows(net, "embed"), rows=e)


def embed_category_backward(dT: Array, de: Array, levels: Array) -> Computing:
    """The gradient, likewise."""
    net = _of_levels(levels, dT).put("x", levels[:, None].astype(dT.dtype), transposed=True).put("de", de)
    return net.computing(_on_rows(net, "transpose_embedded"), (Kernel("embed_backward"), 0, 0, 1, 0, 0), T=dT)
