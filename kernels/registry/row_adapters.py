"""Adapters, as in adapters.py, of kernels that take one row after the other, or W where the user has it."""

import numpy as np

from ..activations import RELU
from ..entries.activation import Activation
from ..entries.records import address
from ..entries.typed import Array
from ..program.phases import Kernel
from ..program.state import LAYER, lanes_of, padded
from . import kernels
from .state import Computing, Layers, State, long_vector, poisoned


def linear_relu_row(h: Array, x: Array, W: Array, b: Array) -> Computing:
    """One row after the other, W as it is; the columns of each in three shares."""
    (I, O), room = W.shape, np.zeros(lanes_of(W.dtype), W.dtype)
    flat, out = np.concatenate([W.ravel(), b, room]), np.full((len(x), O + len(room)), np.nan, h.dtype)
    state = State(LAYER.new(), W.dtype, parameters=flat, Y=x, out=out)
    return state.computing((kernels.linear_rows, 0, 0, len(x), I, O), out=h)


def linear_relu_tail_row(h: Array, x: Array, W: Array, b: Array) -> Computing:
    """The same where nothing may be read behind W: its last rows are copies with room behind them."""
    (I, O), L = W.shape, lanes_of(W.dtype)
    rest = min(I, -(-L // O))
    tail = np.concatenate([W[I - rest :].ravel(), np.full(L, np.nan, W.dtype)])
    out = np.full((len(x), O + L), np.nan, h.dtype)
    state = State(LAYER.new(), W.dtype, gradients=W.ravel(), parameters=np.concatenate([b, np.zeros(L, b.dtype)]))
    state.fill(replicas=tail, Y=x, out=out, end=rest)
    return state.computing((kernels.linear_tail_rows, 0, 0, len(x), I, O), out=h)


def linear_in_place(h: Array, x: Array, W: Array, b: Array) -> Computing:
    """W as it is, a few panels of it packed at a time."""
    net = Layers(W.shape, len(x), x.dtype, RELU).put(x=x, b=b)
    net.table["W_address"] = address(W)
    net.fill(strips=poisoned(net.inputs * 2 * net.lanes, W.dtype))
    net.kept = W
    return net.computing(net.on_rows(Kernel("linear_in_place")), h=h)


def _alone(t, more=0):
    """Return a state whose `out` holds the rows of t, with whatever follows each, and so many rows more."""
    out = np.full((len(t) + more, padded(t.shape[1], lanes_of(t.dtype))), np.nan, t.dtype)
    out[: len(t), : t.shape[1]] = t
    return State(LAYER.new(), t.dtype, out=out), (0, 0, len(t), out.shape[1], t.shape[1])


def output_row(link: str, z: Array, t: Array) -> Computing:
    """One row after the other."""
    state, numbers = _alone(t)
    return state.computing((kernels.output_rows(link), *numbers), out=z)


def activation_row(F: Activation, h: Array, t: Array, *a: Array) -> Computing:
    """One row after the other, over t itself; a is the activation's parameter, if it has one."""
    state, numbers = _alone(t, more=1)
    state.fill(parameters=long_vector(a[0] if a else np.zeros(t.shape[1], t.dtype)))
    return state.computing((kernels.activate_rows(F), *numbers), out=h)
