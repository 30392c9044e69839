"""What is compiled, and when: each phase once for a dtype of the network, the gather once for each dtype of X."""

import functools

import numba
import numpy as np
from numba import types

from ._jit import compiled_for
from .activation import ACTIVATIONS, DERIVATIVES, REMEMBERED
from .block import block
from .gather import make_gather
from .outputs import LOSSES, OUTPUTS
from .pointer import address_of
from .replica import train_replicas
from .step import backward, forward, gain_backward, normalize, normalize_backward
from .train import launch, train
from .update import UPDATES
from .workspace import (
    ACTIVATE,
    ARRIVED,
    BACKWARD,
    BLOCK,
    BLOCKS,
    CLIP_NORM,
    DERIVE,
    DONE,
    END,
    FORWARD,
    G_AT,
    GAIN_BACKWARD,
    GATHER,
    IDENTITY,
    LOSS,
    MODE,
    NORM,
    NORMALIZE,
    NORMALIZE_BACKWARD,
    OTHER,
    OUTPUT,
    PREDICT,
    RELU,
    TASKS,
    UPDATE,
    UPDATE_ALL,
    WORKERS,
    F,
    phase_type,
    workspace_type,
)  # fmt: skip


def _dtype(dtype):
    return numba.from_dtype(np.dtype(dtype))


def _compiled(function, signature):
    dispatcher = compiled_for(signature, function)
    return address_of(dispatcher, signature), dispatcher


@functools.cache
def phase(function, dtype):
    """Compile a phase for networks of this dtype; return its address and what keeps it."""
    return _compiled(function, phase_type(_dtype(dtype)))


@functools.cache
def gather_phase(X_dtype, dtype):
    """Compile the gather of an X of one dtype into networks of another; as `phase`."""
    return phase(make_gather(_dtype(X_dtype)), dtype)


@functools.cache
def activation_pass(function, dtype):
    """Compile a pass of activation.py; as `phase`."""
    return _compiled(function, types.void(types.Array(_dtype(dtype), 1, "C"), types.intp, types.intp, types.intp))


def _work_type(dtype):
    return types.void(workspace_type(_dtype(dtype)), types.Array(_dtype(dtype), 1, "C"), types.intp, types.intp)


@functools.cache
def work(function, dtype):
    """Compile `train` or `predict` for networks of this dtype; as `phase`."""
    return _compiled(function, _work_type(dtype))


@functools.cache
def launcher(dtype):
    """Compile `launch` for networks of this dtype."""
    return compiled_for(types.void(types.intp, *_work_type(dtype).args), launch, parallel=True)


def parts(activations, normalized):
    """Return how many times as long A is as the x of all layers.

    Where an activation remembers derivatives, they fill the second half. Where a layer is normalized, x is the first
    quarter, u the second, derivatives the third, and in the last stands r, for each row of a layer one vector.
    """
    if any(normalized):
        return 4
    return 2 if any(name in REMEMBERED for name in activations) else 1


def set_activations(layers, activations, dropout, dtype):
    """Write into the `layers` table what activation each layer has, by names, and whether some of it is dropped.

    After a normalization it is a pass of its own, as after the product there is t, not n.
    """
    for layer, name, share in zip(layers, activations, dropout, strict=False):
        layer[F] = OTHER if share or layer[G_AT] else {"identity": IDENTITY, "relu": RELU}.get(name, OTHER)
        if layer[F] == OTHER:
            layer[ACTIVATE] = activation_pass(ACTIVATIONS[name], dtype)[0]
            layer[DERIVE] = activation_pass(DERIVATIVES[name], dtype)[0]


def set_normalization(now, dtype):
    """Write into `now` where the phases of normalized layers are."""
    now[NORMALIZE], now[GAIN_BACKWARD] = phase(normalize, dtype)[0], phase(gain_backward, dtype)[0]
    now[NORMALIZE_BACKWARD] = phase(normalize_backward, dtype)[0]


def run(function, ws, X_dtype, loss, optimizer, out, at, end):
    """Run `train` or `predict` over rows at:end of ws.order, on now[WORKERS] workers.

    Parameters
    ----------
    function
        `train` or `predict` of train.py.
    ws : Workspace
    X_dtype : numpy.dtype
        Of the array whose address is in `now`.
    loss : str
        Of outputs.py.
    optimizer : str
        Whose update follows the backward phases in mode UPDATE.
    out : ndarray
        Of the network's dtype; see `predict`.
    at, end : int
    """
    prepare(function, ws, X_dtype, loss, optimizer, end)
    start(function, ws, out, at, end)


def prepare(function, ws, X_dtype, loss, optimizer, end):
    """Compile all that such a `run` calls, and write into `now` where it is."""
    now, dtype = ws.now, ws.P.dtype
    now[TASKS] = now[ARRIVED] = now[DONE] = 0
    now[END] = end
    now[GATHER], now[FORWARD] = gather_phase(X_dtype, dtype)[0], phase(forward, dtype)[0]
    if now[MODE] == PREDICT:
        now[OUTPUT] = phase(OUTPUTS[loss], dtype)[0]
    else:
        now[LOSS] = phase(LOSSES[loss], dtype)[0]
    if function in (train, train_replicas):
        now[BACKWARD] = phase(backward, dtype)[0]
        if now[BLOCKS] > 1:
            now[BLOCK] = phase(block, dtype)[0]
    if now[MODE] == UPDATE:
        now[UPDATE_ALL] = phase(UPDATES[optimizer], dtype)[0]
        if ws.settings[CLIP_NORM] < np.inf:
            now[NORM] = phase(UPDATES["gradient"], dtype)[0]
    work(function, dtype)


def start(function, ws, out, at, end):
    """Do what `run` promises once all is prepared."""
    address, compiled = work(function, ws.P.dtype)
    if ws.now[WORKERS] == 1:
        compiled(ws, out, at, end)
    else:
        launcher(ws.P.dtype)(address, ws, out, at, end)
