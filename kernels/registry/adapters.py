"""Fast kernels called with the plain arguments of their references, to compare the two.

Each function here returns a context: on entry its arguments stand in a small network's memory (state.py), its value
`run()` computes, and on leaving the results are read back. So what `run` takes is the kernel's time alone. Where one
function serves several kernels, what tells them apart comes first.
"""

from typing import Any

import numpy as np

from ..entries.activation import Activation
from ..entries.loss import Loss
from ..entries.optimizer import Rule
from ..entries.records import Record, aligned
from ..entries.typed import Array
from ..losses import CrossEntropy
from ..machine.registers import VECTORS
from ..program.phases import Kernel
from ..program.state import CHUNK, LAYER, batch_rows, labels_dtype, lanes_of, padded
from . import kernels
from .state import Computing, Layers, State, long_vector, poisoned, put_matrix

# ---- a layer's rows and products


def gather(x: Array, X: Array, order: Array, shift: Array, scale: Array) -> Computing:
    """Into a network of x's dtype, from an X of any."""
    net = Layers((x.shape[1], 1), len(x), x.dtype, order=order.astype(np.int64), x_address=X, x_rows=len(X))
    net.fill(shift=shift.astype(np.float64), scale=scale.astype(np.float64))
    net.put(x=np.full_like(x, np.nan))
    return net.computing((Kernel("gather", X.dtype.name), 0, 0, len(x), 0, 0), x=x)


def linear(activation: Activation, h: Array, x: Array, W: Array, b: Array) -> Computing:
    """F(x W + b), F being ReLU or the identity, as the product is stored."""
    net = Layers(W.shape, len(x), x.dtype, activation).put(x=x, W=W, b=b)
    return net.computing(net.on_rows(Kernel("linear_forward")), h=h)


_PARAMS = Kernel("linear_backward_params"), Kernel("bias_backward")


def linear_backward_params(dW: Array, db: Array, x: Array, dt: Array) -> Computing:
    """The gradients, written out."""
    net = Layers(dW.shape, len(x), x.dtype).put(x=x, h=dt, dW=np.full_like(dW, np.nan))
    return net.computing(*map(net.on_inputs, _PARAMS), dW=dW, db=db)


def linear_descent(W: Array, b: Array, x: Array, dt: Array, learning_rate: float) -> Computing:
    """The update straight from the accumulators."""
    net = Layers(W.shape, len(x), x.dtype, descends=1, learning_rate=learning_rate).put(x=x, h=dt, W=W, b=b)
    return net.computing(*map(net.on_inputs, _PARAMS), W=W, b=b)


def bias_backward(db: Array, dt: Array) -> Computing:
    """dE/db <- sum_B dE/dt, what `linear_backward_params` does beside dE/dW             (eqs. 25-27, 49, 53)

    db  out (O,)
    dt  in  (B, O)
    """
    net = Layers((1, len(db)), len(dt), dt.dtype).put(h=dt)
    return net.computing(net.on_inputs(Kernel("bias_backward")), db=db)


def linear_backward_input(
    activation: Activation, separate: bool, dt_below: Array, dt: Array, W: Array, below: Array | None = None
) -> Computing:
    """W^T, then the product over what the activation asks for: h of the layer below, F'(t) or nothing."""
    net, width = Layers((1, *W.shape), len(dt), dt.dtype, activation, separate), VECTORS * lanes_of(W.dtype)
    net.put(h=dt, W=W, x=np.full_like(dt_below, np.nan) if below is None else below)
    net.fill(transposed=poisoned(width * padded(W.shape[1], net.lanes), W.dtype))
    both = Kernel("transpose_rows"), Kernel("linear_backward_input")
    strips = [(i, min(i + width, net.inputs)) for i in range(0, net.inputs, width)]
    return net.computing(*(net.on_inputs(kernel, *strip) for strip in strips for kernel in both), x=dt_below)


def transpose(WT: Array, W: Array) -> Computing:
    """WT <- W^T

    WT  out (O, I)
    W   in  (I, O)
    """
    net, columns = Layers(W.shape, 1, W.dtype).put(W=W), padded(W.shape[1], lanes_of(W.dtype))
    net.fill(transposed=poisoned(net.inputs * columns, W.dtype))
    return net.computing(net.on_inputs(Kernel("transpose_rows")), WT=WT)


def scale_inputs(x: Array, s: Array) -> Computing:
    """x as gathered."""
    net = Layers((x.shape[1], 1), len(x), x.dtype, scaled=True).put(x=x, s=s)
    return net.computing((Kernel("scale_inputs"), 0, 0, len(x), 0, 0), x=x)


def scale_backward(ds: Array, s: Array, W: Array, dW: Array) -> Computing:
    """A panel of inputs a step."""
    net = Layers(W.shape, 1, W.dtype, scaled=True).put(s=s, W=W, dW=dW, ds=np.full_like(ds, np.nan))
    steps = [(Kernel("scale_backward"), 0, k, k + net.lanes, 0, 0) for k in range(0, net.inputs, net.lanes)]
    return net.computing(*steps, ds=ds)


# ---- activations, dropout, normalization


def activation(F: Activation, h: Array, t: Array, *a: Array) -> Computing:
    """Over t itself; a is the activation's parameter, if it has one."""
    net = Layers((1, t.shape[1]), len(t), t.dtype, F, separate=True).put(h=t, **dict(zip("a", a, strict=False)))
    return net.computing(net.on_rows(Kernel("activate", F.key)), h=h)


def derivative(F: Activation, d: Array, given: Array) -> Computing:
    """Over h, or of t with the pass before that remembers the derivative."""
    net = Layers((1, given.shape[1], 1), len(given), given.dtype, F, separate=True).put(x=given)
    before = [] if F.of_h else [(Kernel("activate", F.key), 0, *net.on_rows(None)[2:5], given.shape[1])]
    return net.computing(*before, net.on_inputs(Kernel("derive", F.key)), x=d)


def parameter_backward(F: Activation, dh: Array, t: Array, a: Array, **found: Array) -> Computing:
    """dE/da, "below_da", and dE/dt, "x", of an activation with a parameter: over dh itself."""
    net = Layers((1, len(a), 1), len(t), t.dtype, F, separate=True).put(x=dh, below_kept=t, below_a=a)
    return net.computing(net.on_inputs(Kernel("parameter_backward", F.key)), **found)


def derivative_with_parameter(F: Activation, d: Array, t: Array, a: Array) -> Computing:
    """F'(t) is what dE/dt is where dE/dh is 1."""
    return parameter_backward(F, np.ones_like(t), t, a, x=d)


def parameter_gradient(F: Activation, da: Array, dh: Array, t: Array, a: Array) -> Computing:
    """dE/da alone."""
    return parameter_backward(F, dh, t, a, below_da=da)


def dropout(h: Array, p: float, columns: int, key: int) -> Computing:
    """The rows of a minibatch, from its first."""
    net = Layers((1, h.shape[1]), len(h), h.dtype, key=key).put(h=h)
    net.table["dropout"] = p
    rows = batch_rows(len(h), h.dtype)
    return net.computing((kernels.drop_rows, 0, 0, rows, columns, h.shape[1]), h=h)


def layer_norm(n: Array, u: Array, r: Array, t: Array, g: Array, c: Array) -> Computing:
    """Over t itself."""
    net = Layers((1, len(g)), len(t), t.dtype, normalized=True).put(h=t, g=g, c=c)
    return net.computing(net.on_rows(Kernel("layer_norm")), h=n, u=u, r=r)


def layer_norm_backward_params(du: Array, dg: Array, dc: Array, dn: Array, u: Array, g: Array) -> Computing:
    """The gradients, written out; over dn itself."""
    net = Layers((1, len(g), 1), len(dn), dn.dtype, normalized=True).put(x=dn, below_u=u, below_g=g)
    return net.computing(net.on_inputs(Kernel("gain_backward")), x=du, below_dg=dg, below_dc=dc)


def layer_norm_backward_input(dt: Array, du: Array, u: Array, r: Array) -> Computing:
    """Over du itself."""
    net = Layers((1, du.shape[1]), len(du), du.dtype, normalized=True).put(h=du, u=u, r=r)
    return net.computing(net.on_rows(Kernel("normalize_backward")), h=dt)


# ---- outputs and losses


def output(loss: Loss, z: Array, t: Array) -> Computing:
    """What a loss makes of t, over t itself; only softmax keeps zero what fills up the last panel."""
    net = Layers((1, t.shape[1]), len(t), t.dtype, checks=loss.of_classes).put(h=t)
    return net.computing(net.on_rows(Kernel("predict", loss.link)), h=z)


def loss(loss: Loss, dt: Array, e: Array, t: Array, y: Array, *numbers: float) -> Computing:
    """Over t itself; the mean of e is taken elsewhere."""
    net, record = Layers((1, t.shape[1]), len(t), t.dtype, inverse_weight=1 / len(t)).put(h=t), Record(loss.layout())
    for name, number in zip(loss.fields, numbers, strict=True):
        record[name] = number
    labels, targets = aligned(net.rows, labels_dtype(t.dtype)), aligned(net.view("h").size, t.dtype)
    if loss.of_classes:
        labels[: len(y)] = y
    else:
        put_matrix(targets.reshape(-1, net.rows, net.lanes), y, np.nan)
    net.fill(labels=labels, targets=targets, row_weights=np.ones(net.rows, t.dtype), loss_numbers=record)
    net.fill(errors=poisoned(net.rows, t.dtype), correct_rows=poisoned(net.rows, t.dtype))
    return net.computing(net.on_rows(Kernel("loss", loss.name)), h=dt, errors=e)


def softmax_cross_entropy(dt: Array, e: Array, t: Array, y: Array, smoothing: float = 0.0) -> Computing:
    """No error is cut off."""
    return loss(CrossEntropy(), dt, e, t, y, np.inf, smoothing)


# ---- updates


def _flat(biases, gradient, parameters=None, **fields):
    """Return a state of one layer's parameters, given as flat vectors; the latter half of them may be biases."""
    lanes, table = lanes_of(gradient.dtype), LAYER.new()
    size = padded(len(gradient), lanes)
    split = size // 2 // lanes * lanes if biases else size
    table["b"], table["columns"], table["vectors"] = split, size - split, 1
    vectors = {"gradients": gradient, "parameters": np.zeros_like(gradient) if parameters is None else parameters}
    vectors |= {name: fields.pop(name) for name in ("m", "v") if name in fields}
    sums = poisoned(2 * -(-size // CHUNK) * lanes, gradient.dtype)
    long = {name: long_vector(vector) for name, vector in vectors.items()}
    return State(table, gradient.dtype, sums=sums, picked=1, batch=1, **long, **fields)


def group_update(rule: Rule, W: Array, *rest: Any) -> Computing:
    """Likewise, of parameters that are all W of a layer."""
    *rest, factor, sigma = rest
    layer = {"W_rate": factor, "W_decay": 1, "sigma": sigma, "gain": -1, "slope": -1, "scale": -1}
    return update(rule, W, *rest, kernel="update_groups", layer=layer)


def update(
    rule: Rule, W: Array, *rest: Any, kernel: str = "update", layer: dict[str, float] | None = None
) -> Computing:
    """A step of a rule, with the arguments of its plain loop."""
    slots, dW, numbers = rest[: len(rule.slots)], rest[len(rule.slots)], rest[len(rule.slots) + 1 :]
    settings, alpha, step = numbers if len(numbers) == 3 else ((), *numbers, 1)
    record, vectors = Record(rule.layout), dict(zip("mv", slots, strict=False))
    for name, number in zip((*rule.fields, *dict(rule.running)), settings, strict=True):
        record[name] = number
    flat = _flat(not layer, dW, W, rule=record, learning_rate=alpha, step=step, **vectors)
    for name, number in (layer or {}).items():
        flat.table[name] = number
    return flat.computing((Kernel(kernel, rule.name), 0, 0, 0, 0, 0), parameters=W, **vectors)


_GRADIENT = Kernel("update"), 0, 0, 0, 0, 0  # makes no step: penalties and limits


def penalize(dW: Array, W: Array, decay: float, l1: float) -> Computing:
    """All parameters are weights."""
    flat, total = _flat(False, dW, W, l1=l1, l2=decay), (kernels.total_penalty, 0, 0, 0, 0, 0)
    return flat.computing(_GRADIENT, total, told=lambda: flat.record["penalty"], gradients=dW)


def limit(dW: Array, value: float, norm: float) -> Computing:
    """By value while the squares are summed, by norm where the gradient is used."""
    flat = _flat(True, dW, clip_value=value, clip_norm=norm)
    before, between = ((kernel, 0, 0, 0, 0, 0) for kernel in (kernels.forget_norm, kernels.find_factor))
    return flat.computing(before, _GRADIENT, between, _GRADIENT, gradients=dW)


# ---- what works on vectors anywhere


def _memory(kernel, dtype, numbers=(0, 0, 0, 0), found=None, **arrays):
    return State(LAYER.new(), dtype, **arrays).computing((kernel, 0, *numbers), **(found or {}))


def exp(y: Array, x: Array) -> Computing:
    """y <- e^x

    y  out (n,)
    x  in  (n,)
    """
    x = long_vector(x)
    return _memory(kernels.exp_vectors, x.dtype, found={"out": y}, parameters=x, out=np.full_like(x, np.nan))


def log(y: Array, x: Array) -> Computing:
    """y <- ln x

    y  out (n,)
    x  in  (n,)
    """
    x = long_vector(x)
    return _memory(kernels.log_vectors, x.dtype, found={"out": y}, parameters=x, out=np.full_like(x, np.nan))


def pack(P: Array, M: Array) -> Computing:
    """P <- M; what fills P up is left as it is

    P  out (panels,)
    M  in  (I, O)
    """
    return _memory(kernels.pack_matrix, M.dtype, (0, 0, *M.shape), parameters=P, gradients=M)


def unpack(M: Array, P: Array) -> Computing:
    """M <- what `pack` packed

    M  out (I, O)
    P  in  (panels,)
    """
    return _memory(kernels.unpack_matrix, M.dtype, (0, 0, *M.shape), parameters=P, gradients=M)


def shuffle(order: Array, key: int) -> Computing:
    """order <- 0..B-1 in an order drawn from the key, all orders alike (Fisher and Yates; Durstenfeld, 1964)

    order  out (B,)  row numbers, B below 2^32
    key    a whole number, 64 bits
    """
    return _memory(kernels.shuffle_order, np.dtype("f4"), order=order, key=key)
