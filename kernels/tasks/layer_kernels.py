"""The kernels of a layer. All have one signature: (state, layer, first, last, start, end, worker).

first:last are rows on the way forward and inputs on the way back, start:end are columns. Each takes the layer's arrays
from the state and computes on them with the functions of `fast`. What a kernel writes no other task of its phase reads.
"""

from ..compiler.jit import inline
from ..entries.activation import Activation
from ..entries.typed import Fields, Function
from ..fast import dropout as dropping
from ..fast import in_place, linear, normalization
from ..fast.activations import make_activation, make_derivative, make_parameter_backward
from ..fast.panels import pad
from ..machine.memory import cast_like, part, vector_at
from ..machine.registers import HALF
from ..machine.tiles import lanes
from .views import deviations, inputs, output_at, outputs, transposed, vector, weights


def linear_forward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """h <- F(x W + b) of layer l, or t where F is a pass of its own                                  (eqs. 42-44)"""
    layer = s.layers[l]
    W, b = weights(s, layer, s.parameters), vector(layer, s.parameters, layer.b)
    linear.linear_forward(
        outputs(s, layer), inputs(s, layer), W, b, first, last, start, end, layer.inputs, layer.rectify
    )


def linear_in_place(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """h <- F(x W + b) of layer l, or t, W read where the user has it                                 (eqs. 42-44)"""
    layer, size = s.layers[l], s.strips.size // s.team
    W = vector_at(layer.W_address, layer.inputs * layer.outputs, cast_like(s.parameters, 0))
    in_place.linear_in_place(
        outputs(s, layer), inputs(s, layer), W, vector(layer, s.parameters, layer.b),
        part(s.strips, worker * size, size), first, last, start, end, layer.inputs, layer.outputs, layer.rectify,
    )  # fmt: skip


def bias_backward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/db of layer l, or its descent                                                           (eqs. 49, 53, 54)"""
    layer = s.layers[l]
    b, db = vector(layer, s.parameters, layer.b), vector(layer, s.gradients, layer.b)
    linear.bias_backward(b, db, outputs(s, layer), s.batch, s.learning_rate, s.descends)


def transpose_rows(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """Rows first:last of W^T, for the product that follows: W may be updated before it."""
    layer = s.layers[l]
    linear.transpose_rows(transposed(s, layer, worker), weights(s, layer, s.parameters), first, last)


def linear_backward_params(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dW of layer l, or its descent                                                           (eqs. 48, 52, 54)"""
    layer = s.layers[l]
    W, dW, last = weights(s, layer, s.parameters), weights(s, layer, s.gradients), min(last, pad(layer.inputs, HALF))
    x, dt = inputs(s, layer), outputs(s, layer)
    linear.linear_backward_params(W, dW, x, dt, s.batch, first, last, start, end, s.learning_rate, s.descends)


def linear_backward_input(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dt of the layer below l, over l's input x: nothing after this task needs these columns          (eqs. 50, 51)

    It is dE/dh where the activation below has a parameter, and dE/du where the layer below is normalized.
    """
    layer, under = s.layers[l], s.layers[l - 1]
    dx, dt, WT = inputs(s, layer), outputs(s, layer), transposed(s, layer, worker)
    linear.linear_backward_input(dx, dt, WT, pad(s.batch, HALF), first, last - first, layer.outputs, under.derivative)


# ---- passes over a layer's output, column after column --------------------------------------------------------------


@inline
def _kept(s, layer):
    return output_at(s, layer, layer.kept)


@inline
def _key(s, l):
    """Dropout's 32 bits for layer l in this step."""
    return dropping.key_of(s.key, s.draw * (s.n_layers + 1) + l)


def make_activate(activation: Activation) -> Function:
    """Make h <- F(t) over t itself, rows first:last, columns start:end."""
    apply = make_activation(activation)

    def activate(s, l, first, last, start, end, worker):
        layer = s.layers[l]
        h, kept, a = outputs(s, layer), _kept(s, layer), vector(layer, s.parameters, max(0, layer.slope))
        for j in range(start, end, lanes(s.parameters)):
            apply(h, kept, a, j, first, last, layer.outputs)

    return activate


def make_derive(activation: Activation) -> Function:
    """Make F'(t) of the layer below l over its h, inputs first:last of l, all rows."""
    apply = make_derivative(activation)

    def derive(s, l, first, last, start, end, worker):
        layer, under = s.layers[l], s.layers[l - 1]
        h, kept = inputs(s, layer), _kept(s, under)
        for j in range(first, last, lanes(s.parameters)):
            apply(h, kept, j, 0, pad(s.batch, HALF), layer.inputs)

    return derive


def drop(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """Drop some of h of layer l, rows first:last, columns start:end."""
    layer = s.layers[l]
    h, key, share = outputs(s, layer), _key(s, l), layer.dropout * s.dropping
    for j in range(start, end, lanes(s.parameters)):
        dropping.dropout(h, share, layer.columns, key, s.row, j, first, last)


def drop_below(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """Drop the same of F'(t) of the layer below l, inputs first:last of l."""
    layer, under = s.layers[l], s.layers[l - 1]
    h, key, share = inputs(s, layer), _key(s, l - 1), under.dropout * s.dropping
    for j in range(first, last, lanes(s.parameters)):
        dropping.dropout(h, share, under.columns, key, s.row, j, 0, pad(s.batch, HALF))


def undo_scaling(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """h of the layer below l as it was before dropout scaled it, so that F'(t) can be read off it."""
    h, under = inputs(s, s.layers[l]), s.layers[l - 1]
    for j in range(first, last, lanes(s.parameters)):
        dropping.undo_scaling(h, under.dropout * s.dropping, j, 0, pad(s.batch, HALF))


def make_parameter(activation: Activation) -> Function:
    """Make dE/da of the layer below l and dE/dt of dE/dh, inputs first:last of l."""
    backward = make_parameter_backward(activation)

    def parameter_backward(s, l, first, last, start, end, worker):
        layer, under = s.layers[l], s.layers[l - 1]
        a, da = vector(under, s.parameters, under.slope), vector(under, s.gradients, under.slope)
        dh, kept = inputs(s, layer), _kept(s, under)
        backward(dh, a, da, kept, s.batch, first, last, s.learning_rate, s.descends)

    return parameter_backward


# ---- inputs with trained scales --------------------------------------------------------------------------------------


@inline
def _scales(layer, flat):
    return part(flat, layer.scale, layer.rows)


def scale_inputs(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """x of layer l times its scales, rows first:last."""
    layer = s.layers[l]
    linear.scale_inputs(inputs(s, layer), _scales(layer, s.parameters), first, last, layer.inputs)


def scale_backward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/ds of layer l, inputs first:last, from W and dE/dW."""
    layer = s.layers[l]
    s_, ds = _scales(layer, s.parameters), _scales(layer, s.gradients)
    W, dW = weights(s, layer, s.parameters), weights(s, layer, s.gradients)
    linear.scale_backward(ds, s_, W, dW, first, last, layer.outputs)


# ---- layers that are normalized --------------------------------------------------------------------------------------


def layer_norm(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """n of t of layer l, over t itself, rows first:last."""
    layer = s.layers[l]
    g, c = vector(layer, s.parameters, layer.gain), vector(layer, s.parameters, layer.gain + layer.columns)
    u, r = output_at(s, layer, layer.u), deviations(s, layer)
    normalization.layer_norm(outputs(s, layer), u, r, g, c, first, last, layer.outputs)


def gain_backward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dg and dE/dc of the layer below l, or their descent, and dE/du of dE/dn, inputs first:last of l."""
    layer, under = s.layers[l], s.layers[l - 1]
    at, behind = under.gain, under.gain + under.columns
    g, c = vector(under, s.parameters, at), vector(under, s.parameters, behind)
    dg, dc = vector(under, s.gradients, at), vector(under, s.gradients, behind)
    dn, u = inputs(s, layer), output_at(s, under, under.u)
    normalization.layer_norm_backward_params(dn, g, c, dg, dc, u, s.batch, first, last, s.learning_rate, s.descends)


def normalize_backward(s: Fields, l: int, first: int, last: int, start: int, end: int, worker: int) -> None:
    """dE/dt of layer l, of dE/du, rows first:last."""
    layer = s.layers[l]
    u, r = output_at(s, layer, layer.u), deviations(s, layer)
    normalization.layer_norm_backward_input(outputs(s, layer), u, r, first, last, layer.outputs)
