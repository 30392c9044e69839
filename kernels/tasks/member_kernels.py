"""Kernels of networks that share all layers but the last. Their signature is that of layer_kernels.py.

The rows of a minibatch stand in the layers once for each member, member after member. Shared layers take them as they
take other rows. Each member has an output layer of its own, a head, and the heads are records behind those of layers.
"""

from ..compiler.jit import inline
from ..entries.typed import Fields, Function
from ..fast import linear
from ..fast.members import merging, products, scales
from ..fast.members.scales import rows_of
from ..fast.panels import Panels, pad
from ..machine.memory import part
from ..machine.registers import HALF
from ..machine.tiles import lanes
from ..program.layout import NONE
from .views import inputs, outputs, transposed, vector, weights


@inline
def _rows_each(s):
    """Rows of one member, with those that fill them up."""
    return s.batch // s.members


@inline
def _raw(s, layer):
    """The rows as they are gathered, before members scale them."""
    rows = s.batch_rows // s.members
    return Panels(part(s.activations, layer.raw, layer.rows * rows), rows)


@inline
def _scales(s, layer, flat):
    return part(flat, layer.scale, s.members * layer.rows)


# ---- rows -----------------------------------------------------------------------------------------------------------


@inline
def _repeat_targets(s, first, last, R):
    """Targets and weights of rows first:last for each member; of weights its share, and 0 for rows that fill up."""
    O, L, rows = s.layers[s.n_layers - 1].outputs, lanes(s.parameters), s.batch_rows
    labels, targets, w = s.labels, s.targets, s.row_weights
    for i in range(first, last):
        source, weight = min(i, s.picked - 1), 1.0
        if s.weights.size:
            weight = float(w[i])
        if i >= s.picked:
            weight = 0.0
        for m in range(s.members):
            to = m * R + i
            w[to] = weight / s.members
            if s.y.size:
                labels[to] = labels[source]
            if s.Y.size:
                for j in range(O):
                    at = j // L * L * rows + j % L
                    targets[at + to * L] = targets[at + source * L]


@inline
def _fill_up(x, row, last, I):
    """Copy a row into those behind it, before `last`: they weigh nothing, but their numbers must be finite."""
    L = lanes(x.data)
    for j in range(0, I, L):
        for i in range(row + 1, last):
            for k in range(L):
                x.data[j * x.rows + i * L + k] = x.data[j * x.rows + row * L + k]


def spread_members(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """x of each member: the gathered rows first:last times its scales. Targets and weights for each, too."""
    layer, R = s.layers[l], _rows_each(s)
    x = inputs(s, layer)
    if last == s.picked:
        _fill_up(x, last - 1, R, layer.inputs)
        last = R
    _repeat_targets(s, first, last, R)
    factors = _scales(s, layer, s.parameters)
    scales.spread(x, _raw(s, layer), factors, first, last, R, s.members, layer.inputs)


def make_merge(link: str) -> Function:
    """Make t of rows 0:R the one whose output is the mean of the members'; these rows weigh what X's rows do."""
    merge = merging.MERGES[link]

    def merge_members(s, l, first, last, start, end, worker):
        layer, weights, w, order = s.layers[l], s.weights, s.row_weights, s.order
        merge(outputs(s, layer), _rows_each(s), s.members, layer.outputs)
        for i in range(s.picked):
            w[i] = weights[order[s.first + i]] if weights.size else 1.0

    return merge_members


# ---- shared layers ---------------------------------------------------------------------------------------------------


def members_backward_params(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dW of layer l, which members share, inputs first:last                                 (eqs. 24, 48, 52)"""
    layer = s.layers[l]
    dW, x, dt = weights(s, layer, s.gradients), inputs(s, layer), outputs(s, layer)
    last = min(last, pad(layer.inputs, HALF))
    products.backward_params_in_blocks(dW, x, dt, s.batch, first, last, start, end)


# ---- output layers ---------------------------------------------------------------------------------------------------


def heads_forward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """t <- h W_m + b_m for the rows of each member m, in first:last                                     (eqs. 7, 44)"""
    R, t, h = _rows_each(s), outputs(s, s.layers[l]), inputs(s, s.layers[l])
    for m in range(first // R, (last + R - 1) // R):
        head = s.layers[l + m]
        W, b = weights(s, head, s.parameters), vector(head, s.parameters, head.b)
        linear.linear_forward(
            t, h, W, b, max(first, m * R), min(last, (m + 1) * R), start, end, head.inputs, head.rectify
        )


def heads_backward_params(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dW_m of each member m, inputs first:last                                                  (eqs. 24, 48)"""
    R, layer = _rows_each(s), s.layers[l]
    x, dt, last = inputs(s, layer), outputs(s, layer), min(last, pad(layer.inputs, HALF))
    for m in range(s.members):
        head = s.layers[l + m]
        W, dW = weights(s, head, s.parameters), weights(s, head, s.gradients)
        linear.linear_backward_params(
            W, dW, rows_of(x, m, R), rows_of(dt, m, R), R, first, last, start, end, s.learning_rate, s.descends
        )


def heads_bias_backward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/db_m of each member m                                                                     (eqs. 27, 49)"""
    R, dt = _rows_each(s), outputs(s, s.layers[l])
    for m in range(s.members):
        head = s.layers[l + m]
        b, db = vector(head, s.parameters, head.b), vector(head, s.gradients, head.b)
        linear.bias_backward(b, db, rows_of(dt, m, R), R, s.learning_rate, s.descends)


def heads_backward_input(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dt of the layer below, inputs first:last, the rows of each member by its W_m                 (eqs. 50, 51)"""
    R, layer, WT = _rows_each(s), s.layers[l], transposed(s, s.layers[l], worker)
    dx, dt, derivative = inputs(s, layer), outputs(s, layer), NONE
    if l:
        derivative = s.layers[l - 1].derivative
    for m in range(s.members):
        linear.transpose_rows(WT, weights(s, s.layers[l + m], s.parameters), first, last)
        linear.linear_backward_input(
            rows_of(dx, m, R), rows_of(dt, m, R), WT, R, first, last - first, layer.outputs, derivative
        )


# ---- scales of the inputs --------------------------------------------------------------------------------------------


def inputs_backward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dx of the first layer, inputs first:last, over x itself, which has no F                          (eq. 32)"""
    layer = s.layers[l]
    dx, dt, WT = inputs(s, layer), outputs(s, layer), transposed(s, layer, worker)
    linear.linear_backward_input(dx, dt, WT, s.batch, first, last - first, layer.outputs, NONE)


def member_scales_backward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/ds_m of each member m, inputs first:last, from dE/dx"""
    layer, R = s.layers[l], _rows_each(s)
    ds = _scales(s, layer, s.gradients)
    scales.member_scales_backward(ds, inputs(s, layer), _raw(s, layer), first, last, R, s.members, s.picked)
