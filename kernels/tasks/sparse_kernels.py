"""Kernels of sparse rows: their entries, and what the first layer makes of these. Signatures as in layer_kernels.py."""

from numba import types

from ..compiler.jit import inline
from ..entries.typed import Fields, Function
from ..fast import csr, gather
from ..machine.atomic import atomic_min
from ..machine.memory import cast_like, part, vector_at
from ..machine.tiles import lanes, load, outer_add, store, zeros
from .row_kernels import take_targets
from .views import inputs, outputs, vector, weights


@inline
def _fetch(s, first, last, index, number):
    """Return the minibatch's row numbers and the arrays of X, when targets have been taken."""
    order = part(s.order, s.first, s.picked)
    take_targets(s, order, first, last)
    indptr = vector_at(s.indptr_address, s.x_rows + 1, index)
    return order, indptr, vector_at(s.indices_address, s.nonzeros, index), vector_at(s.x_address, s.nonzeros, number)


def make_gather_csr(index: types.Type, number: types.Type) -> Function:
    """Make the kernel that fetches entries of an X whose indices and numbers are of these Numba types."""

    def gather_csr(s, l, first, last, start, end, worker):
        """x, columns and ends of the entries of all rows;  labels_i <- y[order[i]], or targets;  weights, too"""
        order, indptr, indices, data = _fetch(s, first, last, index, number)
        bad = gather.gather_entries(
            s.entries, s.entry_columns, s.entry_ends, indptr, indices, data, order, first, last,
            s.layers[0].inputs, s.scale,
        )  # fmt: skip
        if bad >= 0:
            atomic_min(s, "bad_row", bad)

    return gather_csr


def make_scatter_csr(index: types.Type, number: types.Type) -> Function:
    """Make the kernel that fetches such rows as dense ones: faster from some share of entries on."""

    def scatter_csr(s, l, first, last, start, end, worker):
        """x_i <- X[order[i]] * scale;  labels_i <- y[order[i]], or targets;  weights, too"""
        order, indptr, indices, data = _fetch(s, first, last, index, number)
        layer, size = s.layers[0], s.strips.size // s.team
        room = part(s.strips, worker * size, size)
        bad = gather.scatter_entries(
            inputs(s, layer), room, indptr, indices, data, order, first, last, layer.inputs, s.scale
        )
        if bad >= 0:
            atomic_min(s, "bad_row", bad)

    return scatter_csr


@inline
def _bias(s, layer):
    """Return b of the first layer, or where offsets take part what they make of it."""
    b = vector(layer, s.parameters, layer.b)
    return s.offset_bias if s.offsets.size else b


def offset_bias(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """b + c W of layer l, c_k being what x_k is in every row beside the entries: columns start:end          (eq. 7)"""
    layer = s.layers[l]
    W, offsets, L = weights(s, layer, s.parameters), s.offsets, lanes(s.parameters)
    t = load(vector(layer, s.parameters, layer.b), start, 0, 0, zeros(s.parameters, 1, 1))
    for k in range(layer.inputs):
        t = outer_add(t, offsets, k, 0, W.data, start * W.rows + k * L, 0)
    store(s.offset_bias, start, 0, 0, t)


def linear_forward_csr(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """h <- F(x W + b) of layer l, or t where F is a pass of its own, from the entries                (eqs. 42-44)"""
    layer = s.layers[l]
    csr.linear_forward_csr(
        outputs(s, layer), s.entries, s.entry_columns, s.entry_ends, weights(s, layer, s.parameters), _bias(s, layer),
        first, min(last, s.batch), layer.rectify,
    )  # fmt: skip


def linear_in_place_csr(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """h <- F(x W + b) of layer l, or t, from the entries, W read where the user has it               (eqs. 42-44)"""
    layer, L = s.layers[l], lanes(s.parameters)
    W = vector_at(layer.W_address, layer.inputs * layer.outputs, cast_like(s.parameters, 0))
    csr.linear_in_place_csr(
        outputs(s, layer), s.entries, s.entry_columns, s.entry_ends, W, _bias(s, layer), part(s.strips, worker * L, L),
        first, min(last, s.batch), layer.outputs, layer.rectify,
    )  # fmt: skip


def sort_csr(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """The entries by feature, for the update: one task, while others go forward."""
    csr.sort_entries(
        s.feature_bounds, s.feature_rows, s.feature_numbers, s.entries, s.entry_columns, s.entry_ends, s.batch
    )


def rank_csr(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """The entries by feature, for descent of those that the minibatch has; likewise."""
    csr.rank_entries(
        s.rank, s.found, s.features, s.feature_ends, s.feature_rows, s.feature_numbers, s.entries, s.entry_columns,
        s.entry_ends, s.batch,
    )  # fmt: skip


def descend_csr(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """Descent of W of layer l, features first:last of those that the minibatch has               (eqs. 48, 52, 54)"""
    layer = s.layers[l]
    csr.descend_csr(
        weights(s, layer, s.parameters), outputs(s, layer), s.features, s.feature_ends, s.feature_rows,
        s.feature_numbers, first, min(last, s.found[0]), layer.outputs, s.learning_rate,
    )  # fmt: skip
