"""What each kernel must return, in float64 and numpy; and calling a kernel under guard."""

import functools
import inspect
import math
import re

import numpy as np

from fastbp.kernels.registry import KERNELS

GUARD = 64  # elements before and behind each array
POISON = -777  # what class numbers hold beforehand, as the other outputs hold NaN

# ---- what each kernel must return. An oracle takes the inputs and returns for each output the right values, and the
# ---- magnitude that rounding errors are a share of: 0 where there is nothing to round.


def _product(a, b, plus=0.0):
    return a @ b + plus, abs(a) @ abs(b) + abs(plus)


def _softmax(t):
    below = t - t.max(1, keepdims=True)
    z = np.exp(below) / np.exp(below).sum(1, keepdims=True)
    return z, z * (1 + abs(below))


def _relu(t, magnitude=0):
    return np.where(t > 0, t, 0), magnitude


def _masked(dh, magnitude, h):
    return np.where(np.signbit(h), 0, dh), magnitude


def _softmax_cross_entropy(t, y):
    rows = np.arange(len(t))
    z, magnitude = _softmax(t)
    e = np.log(np.exp(t).sum(1)) - t[rows, y]
    one_hot = np.eye(t.shape[1])[y]
    spread = 1 + t.max(1) - t.min(1) + abs(e)
    return [((z - one_hot) / len(t), (magnitude + one_hot) / len(t)), (e, spread), (e.mean(), spread.mean())]


def _sum(dt):
    return dt.sum(0), abs(dt).sum(0)


def _less(W, alpha, dW, magnitude):
    return W - alpha * dW, abs(W) + alpha * magnitude


def _momentum(W, m, dW, alpha, mu, ahead):
    new, magnitude = mu * m - alpha * dW, mu * abs(m) + alpha * abs(dW)
    step = (mu * new - alpha * dW, mu * magnitude + alpha * abs(dW)) if ahead else (new, magnitude)
    return [(W + step[0], abs(W) + step[1]), (new, magnitude)]


def _adam(W, m, v, dW, alpha, b1, b2, eps, step, decay=0.0):
    new_m, magnitude = b1 * m + (1 - b1) * dW, b1 * abs(m) + (1 - b1) * abs(dW)
    new_v = b2 * v + (1 - b2) * dW**2
    mean, square = new_m / (1 - b1**step), new_v / (1 - b2**step)  # algorithm 1 of the paper
    eps_hat = eps / np.sqrt(1 - b2**step)
    rate = alpha / (np.sqrt(square) + eps_hat)
    W = W - alpha * decay * W
    return [(W - rate * mean, abs(W) + rate * magnitude / (1 - b1**step)), (new_m, magnitude), (new_v, new_v)]


def _rmsprop(W, v, dW, alpha, rho, eps):
    v = rho * v + (1 - rho) * dW**2
    step = alpha * dW / (np.sqrt(v) + eps)
    return [(W - step, abs(W) + abs(step)), (v, v)]


# ---- those beyond the paper. 1 - z has the absolute error of z, and ln of a number the relative error of that number.


def _logistic(t):
    return 1 / (1 + np.exp(-t))


def _residual(z, y):
    return (z - y) / len(z), (abs(z) + abs(y)) / len(z)


def _binary_cross_entropy(t, y):
    e = np.logaddexp(0, t) - y * t
    return [_residual(_logistic(t), y), (e.sum(1), (t.clip(0) + abs(y * t) + 1).sum(1))]


def _log_loss(t, y, floor):
    z = _logistic(t)
    yes = z.clip(floor, 1 - floor)
    no = 1 - yes
    e = -y * np.log(yes) - (1 - y) * np.log(no)
    magnitude = y * (1 - np.log(yes)) + (1 - y) * (1 + yes / no - np.log(no))
    return [_residual(z, y), (e.sum(1), magnitude.sum(1))]


def _squared_error(t, y):
    half = ((t - y) ** 2 / 2).sum(1)
    return [((t - y) / len(t), abs(t - y) / len(t)), (half, half)]  # t - y is rounded once, however small


def _poisson(t, y):
    z, log_y = np.exp(t), np.log(np.where(y > 0, y, 1))
    e = y * (log_y - t) - y + z
    return [_residual(z, y), (e.sum(1), (y * (abs(log_y) + abs(t)) + y + z).sum(1))]


def _huber(t, y, delta):
    d = t - y
    e = np.where(abs(d) <= delta, d**2 / 2, delta * (abs(d) - delta / 2)).sum(1)
    return [_whole(d.clip(-delta, delta) / len(t)), _whole(e)]


def _smoothed_cross_entropy(t, y, s):
    z, magnitude = _softmax(t)
    wanted = (1 - s) * np.eye(t.shape[1])[y] + s / t.shape[1]
    below = t - t.max(1, keepdims=True)
    total = np.log(np.exp(below).sum(1))
    return [((z - wanted) / len(t), (magnitude + wanted) / len(t)),
            (total - (wanted * below).sum(1), 1 + total + (wanted * abs(below)).sum(1))]  # fmt: skip


def _normal(t):
    """The normal distribution function and density; a rounding of t is t^2 as large a share of them."""
    return np.vectorize(math.erfc)(-t * np.sqrt(0.5)) / 2, np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)


def _gelu(t):
    h = t * _normal(t)[0]
    return [(h, abs(h) * (1 + t**2))]


def _gelu_derivative(t):
    Phi, phi = _normal(t)
    return [(Phi + t * phi, (Phi + abs(t) * phi) * (1 + t**2))]


def _silu_derivative(t):
    s = _logistic(t)
    return [(s + t * s * (1 - s), s * (1 + abs(t)))]


def _dropout(h, p, columns, key):
    x = np.add.outer(np.arange(len(h)) * columns, np.arange(h.shape[1])).astype(np.uint32) ^ np.uint32(key)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):  # of lowbias32, modulo 2^32
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return [_whole(np.where((x >> np.uint32(8)) / 2**24 < p, 0, h / (1 - p)))]


def _penalize(dW, W, decay, l1):
    slope, costs = decay * W + l1 * np.sign(W), decay / 2 * W**2 + l1 * abs(W)
    return [(dW + slope, abs(dW) + abs(slope)), _whole(costs.sum())]


def _limit(dW, value, norm):
    clipped = dW.clip(-value, value)
    return [_whole(clipped * min(1, norm / np.sqrt((clipped**2).sum())))]


def _layer_norm(t, g, c):
    mu, away = t.mean(1, keepdims=True), abs(t) + abs(t).mean(1, keepdims=True)  # what d is rounded beside
    d = t - mu
    r = 1 / np.sqrt((d**2).mean(1, keepdims=True) + 1e-5)
    blur = 1 + r**2 * (abs(d) * away + d**2).mean(1, keepdims=True)  # of r, as a share of it
    u, magnitude = d * r, r * (away + abs(d) * blur)
    return [(g * u + c, abs(g) * magnitude + abs(c)), (u, magnitude), (r[:, 0], (r * blur)[:, 0])]


def _layer_norm_backward_input(du, u, r):
    mean, along = du.mean(1, keepdims=True), (du * u).mean(1, keepdims=True)
    most, beside = abs(du).mean(1, keepdims=True), abs(du * u).mean(1, keepdims=True)
    return [(r[:, None] * (du - mean - u * along), abs(r[:, None]) * (abs(du) + most + abs(u) * beside))]


def _whole(values):
    """For what loses no digits: products, quotients, sums of one sign."""
    return values, abs(values)


ORACLES = {
    "linear": lambda x, W, b: [_product(x, W, b)],
    "linear_backward_params": lambda x, dt: [_product(x.T, dt), (dt.sum(0), abs(dt).sum(0))],
    "linear_backward_input": lambda dt, W: [_product(dt, W.T)],
    "relu": lambda t: [_relu(t)],
    "relu_derivative": lambda h: [_masked(np.ones_like(h), 0, h)],
    "relu_backward": lambda dh, h: [_masked(dh, 0, h)],
    "linear_relu": lambda x, W, b: [_relu(*_product(x, W, b))],
    "linear_relu_backward_input": lambda dt, W, h: [_masked(*_product(dt, W.T), h)],
    "softmax": lambda t: [_softmax(t)],
    "predicted_class": lambda z: [(z.argmax(1), 0)],
    "cross_entropy": lambda z, y: [(-np.log(z[np.arange(len(z)), y]), abs(np.log(z[np.arange(len(z)), y])))],
    "softmax_cross_entropy": _softmax_cross_entropy,
    "sgd_update": lambda W, dW, alpha: [(W - alpha * dW, abs(W) + abs(alpha * dW))],
    "layer_norm": _layer_norm,
    "layer_norm_backward_params": lambda dn, u, g: [_whole(dn * g), _sum(dn * u), _sum(dn)],
    "layer_norm_backward_input": _layer_norm_backward_input,
    "logistic": lambda t: [_whole(_logistic(t))],
    "logistic_derivative": lambda h: [_whole(h * (1 - h))],
    "tanh": lambda t: [_whole(np.tanh(t))],
    "tanh_derivative": lambda h: [(1 - h**2, 1 + h**2)],
    "identity": lambda t: [(t, 0)],
    "identity_derivative": lambda h: [(np.ones_like(h), 0)],
    "exponential": lambda t: [_whole(np.exp(t))],
    "hadamard": lambda dh, d: [_whole(dh * d)],
    "linear_hadamard_backward_input": lambda dt, W, d: [(dt @ W.T * d, abs(dt) @ abs(W.T) * abs(d))],
    "binary_cross_entropy": _binary_cross_entropy,
    "log_loss": _log_loss,
    "squared_error": _squared_error,
    "poisson": _poisson,
    "weigh": lambda dt, e, w, factor: [_whole(w[:, None] * factor * dt), _whole(w * e)],
    "penalize": _penalize,
    "limit": _limit,
    "leaky_relu": lambda t: [_whole(np.where(t < 0, t / 100, t))],
    "leaky_relu_derivative": lambda h: [_whole(np.where(np.signbit(h), 0.01, 1))],
    "gelu": _gelu,
    "gelu_derivative": _gelu_derivative,
    "silu": lambda t: [_whole(t * _logistic(t))],
    "silu_derivative": _silu_derivative,
    "dropout": _dropout,
    "absolute_error": lambda t, y: [(np.sign(t - y) / len(t), 1 / len(t)), _whole(abs(t - y).sum(1))],
    "huber": _huber,
    "smoothed_cross_entropy": _smoothed_cross_entropy,
    "gather": lambda X, order, b, scale: [((X[order] - b) * scale, (abs(X[order]) + abs(b)) * abs(scale))],
    "linear_descent": lambda W, b, x, dt, alpha: [_less(W, alpha, *_product(x.T, dt)), _less(b, alpha, *_sum(dt))],
    "momentum_update": lambda W, m, dW, alpha, mu: _momentum(W, m, dW, alpha, mu, ahead=0),
    "nesterov_update": lambda W, m, dW, alpha, mu: _momentum(W, m, dW, alpha, mu, ahead=1),
    "adam_update": _adam,
    "adamw_update": lambda W, m, v, dW, alpha, b1, b2, eps, decay, step: _adam(
        W, m, v, dW, alpha, b1, b2, eps, step, decay
    ),
    "rmsprop_update": _rmsprop,
    "fast_exp": lambda x: [(np.exp(x), np.exp(x))],
    "fast_log": lambda x: [(np.log(x), abs(np.log(x)))],
    "fast_bias_backward": lambda dt: [_sum(dt)],
    "fast_transpose": lambda W: [(W.T, 0)],
}


def variants(name, dtype):
    """The variants to try: a plain loop's parallel one, which is the same loop, in one dtype of the two."""
    entry = KERNELS[name]
    in_parallel = "float32" if list(KERNELS).index(name) % 2 else "float64"
    return [variant for variant in entry.variants if variant != "parallel" or np.dtype(dtype) == in_parallel]


# ---- calling a kernel under guard ----------------------------------------------------------------------------------


@functools.cache
def documented(entry):
    """The arguments as the docstring gives them: {name: (direction, shape)}, (None, None) for a scalar."""
    written = inspect.getdoc(entry.documented)
    lines = re.findall(r"^(\w+(?:, \w+)*) +(?:(in, out|in|out) +\(([^)]*)\))?", written, re.MULTILINE)
    found = {
        name: (direction or None, shape or None) for names, direction, shape in lines for name in names.split(", ")
    }
    return {name: found.get(name, ("undocumented", None)) for name in inspect.signature(entry.documented).parameters}


class Guarded:
    """An argument's copy between two guards, poisoned if it is an output."""

    def __init__(self, array, direction):
        self.direction = direction
        poison = POISON if array.dtype.kind == "i" else np.nan
        self.buffer = np.full(array.size + 2 * GUARD, poison, array.dtype)
        self.array = self.buffer[GUARD:-GUARD].reshape(array.shape)
        if direction != "out":
            self.array[...] = array
        self.before = self.buffer.copy()

    def check(self):
        after, before = self.buffer.copy(), self.before
        if self.direction != "in":  # an output may have changed, its guards may not
            after[GUARD:-GUARD] = before[GUARD:-GUARD]
        assert after.tobytes() == before.tobytes(), f"wrote where an argument marked {self.direction!r} allows nothing"


def run(entry, variant, arguments):
    """Call a kernel; return its outputs with its value, if it has one, as the last. Guards and inputs are checked."""
    directions = [direction for direction, _ in documented(entry).values()]
    guarded = [Guarded(a, d) if d else a for a, d in zip(arguments, directions, strict=True)]
    value = entry.call(variant, *(g.array if isinstance(g, Guarded) else g for g in guarded))
    arrays = [g for g in guarded if isinstance(g, Guarded)]
    for g in arrays:
        g.check()
    outputs = [g.array for g in arrays if g.direction != "in"]
    return outputs if value is None else [*outputs, np.float64(value)]


def expected(entry, arguments):
    """What `run` should return: for each output its values and the magnitude that rounding errors are a share of."""
    inputs = [a for a, (direction, _) in zip(arguments, documented(entry).values(), strict=True) if direction != "out"]
    oracle = ORACLES[entry.twin or entry.name]
    return oracle(*(np.asarray(i, np.int64 if i.dtype.kind == "i" else np.float64) for i in inputs))
