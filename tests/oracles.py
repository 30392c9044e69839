"""What each kernel must return, in float64: of each output the values, and what rounding errors are a share of."""

import math

import numpy as np
from embedding_oracles import EMBEDDING_ORACLES
from member_oracles import MEMBER_ORACLES
from sparse_oracles import SPARSE_ORACLES
from update_oracles import UPDATE_ORACLES, of_groups


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


SELU = 1.0507009873554805, 1.6732632423543772  # scale and alpha (Klambauer et al., 2017, appendix)


def _elu(t, scale=1.0, alpha=1.0):
    below = np.minimum(t, 0)
    return [_whole(scale * np.where(t < 0, alpha * np.expm1(below), t))]


def _elu_derivative(h, scale=1.0, alpha=1.0):
    below = np.minimum(h, 0) + scale * alpha  # of h, which has lost what is small beside scale alpha
    return [(np.where(np.signbit(h), below, scale), scale * alpha + abs(h))]


def _softplus(t):
    return np.logaddexp(0, t)


def _mish(t):
    h = t * np.tanh(_softplus(t))
    return [(h, abs(h) * (1 + abs(t.clip(None, 0))))]


def _mish_derivative(t):
    gate, s = np.tanh(_softplus(t)), _logistic(t)
    return [(gate + t * (1 - gate**2) * s, (gate + abs(t) * (1 - gate**2) * s) * (1 + abs(t)))]


def _log_cosh(t, y):
    d = t - y
    e = (np.logaddexp(d, -d) - np.log(2)).sum(1)
    return [(np.tanh(d) / len(t), (abs(np.tanh(d)) + abs(d) / np.cosh(d) ** 2) / len(t)), (e, (abs(d) + d**2).sum(1))]


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


ORACLES = (
    {
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
        "scale_inputs": lambda x, s: [(x * s, abs(x * s))],
        "scale_backward": lambda s, W, dW: [((W * dW).sum(1) / s, (abs(W * dW)).sum(1) / abs(s))],
        "penalize": _penalize,
        "limit": _limit,
        "leaky_relu": lambda t: [_whole(np.where(t < 0, t / 100, t))],
        "leaky_relu_derivative": lambda h: [_whole(np.where(np.signbit(h), 0.01, 1))],
        "gelu": _gelu,
        "gelu_derivative": _gelu_derivative,
        "silu": lambda t: [_whole(t * _logistic(t))],
        "silu_derivative": _silu_derivative,
        "elu": _elu,
        "elu_derivative": _elu_derivative,
        "selu": lambda t: _elu(t, *SELU),
        "selu_derivative": lambda h: _elu_derivative(h, *SELU),
        "softplus": lambda t: [_whole(_softplus(t))],
        "softplus_derivative": lambda t: [_whole(_logistic(t))],
        "mish": _mish,
        "mish_derivative": _mish_derivative,
        "prelu": lambda t, a: [_whole(np.where(t < 0, a * t, t))],
        "prelu_derivative": lambda t, a: [_whole(np.where(t < 0, a, 1))],
        "prelu_parameter_backward": lambda dh, t, a: [_sum(dh * np.minimum(t, 0))],
        "log_cosh": _log_cosh,
        "dropout": _dropout,
        "absolute_error": lambda t, y: [(np.sign(t - y) / len(t), 1 / len(t)), _whole(abs(t - y).sum(1))],
        "huber": _huber,
        "smoothed_cross_entropy": _smoothed_cross_entropy,
        "gather": lambda X, order, b, scale: [((X[order] - b) * scale, (abs(X[order]) + abs(b)) * abs(scale))],
        "linear_descent": lambda W, b, x, dt, alpha: [_less(W, alpha, *_product(x.T, dt)), _less(b, alpha, *_sum(dt))],
        "fast_exp": lambda x: [(np.exp(x), np.exp(x))],
        "fast_log": lambda x: [(np.log(x), abs(np.log(x)))],
        "fast_bias_backward": lambda dt: [_sum(dt)],
        "fast_transpose": lambda W: [(W.T, 0)],
    }
    | SPARSE_ORACLES
    | EMBEDDING_ORACLES
    | MEMBER_ORACLES
    | UPDATE_ORACLES
)


ORACLES |= of_groups(ORACLES)


def expected(entry, arguments):
    """What `run` should return: for each output its values and the magnitude that rounding errors are a share of."""
    inputs = [a for a, (direction, _) in zip(arguments, entry.directions.values(), strict=True) if direction != "out"]
    oracle = ORACLES[(entry.reference or entry).name]
    return oracle(*(np.asarray(i, np.int64 if np.asarray(i).dtype.kind == "i" else np.float64) for i in inputs))
