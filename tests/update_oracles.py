"""What the steps of optimizers must return: as oracles.py has it."""

import math

import numpy as np

from fastbp.kernels.optimizers import RULES


def _momentum(W, m, dW, alpha, mu, ahead):
    new, magnitude = mu * m - alpha * dW, mu * abs(m) + alpha * abs(dW)
    step = (mu * new - alpha * dW, mu * magnitude + alpha * abs(dW)) if ahead else (new, magnitude)
    return [(W + step[0], abs(W) + step[1]), (new, magnitude)]


def _adam(W, m, v, dW, settings, alpha, step):
    b1, b2, eps, *decay, after = settings  # decay is AdamW's alone
    new_m, magnitude = b1 * m + (1 - b1) * dW, b1 * abs(m) + (1 - b1) * abs(dW)
    new_v = b2 * v + (1 - b2) * dW**2
    mean, square = new_m / (1 - b1**step), new_v / (1 - b2**step)  # algorithm 1 of the paper
    eps_hat = eps if after else eps / np.sqrt(1 - b2**step)
    rate = alpha / (np.sqrt(square) + eps_hat)
    W = W - alpha * sum(decay) * W
    return [(W - rate * mean, abs(W) + rate * magnitude / (1 - b1**step)), (new_m, magnitude), (new_v, new_v)]


def _rmsprop(W, v, dW, alpha, rho, eps):
    v = rho * v + (1 - rho) * dW**2
    step = alpha * dW / (np.sqrt(v) + eps)
    return [(W - step, abs(W) + abs(step)), (v, v)]


def _lion(W, m, dW, settings, alpha, count):
    b1, b2, decay = settings
    way = np.sign(b1 * m + (1 - b1) * dW)
    step = alpha * (way + decay * W)
    return [(W - step, abs(W) + abs(step)), (b2 * m + (1 - b2) * dW, b2 * abs(m) + (1 - b2) * abs(dW))]


def _nadam(W, m, v, dW, settings, alpha, step):
    b1, b2, eps, _ = settings
    mu = [b1 * (1 - 0.96 ** (0.004 * t) / 2) for t in range(1, int(step) + 2)]  # of each step, and the next
    new_m, magnitude = b1 * m + (1 - b1) * dW, b1 * abs(m) + (1 - b1) * abs(dW)
    new_v = b2 * v + (1 - b2) * dW**2
    divisor = np.sqrt(new_v / (1 - b2**step)) + eps
    ways = alpha * mu[-1] / (1 - math.prod(mu)) / divisor, alpha * (1 - mu[-2]) / (1 - math.prod(mu[:-1])) / divisor
    moved = ways[0] * magnitude + ways[1] * abs(dW)
    return [(W - ways[0] * new_m - ways[1] * dW, abs(W) + moved), (new_m, magnitude), (new_v, new_v)]


UPDATE_ORACLES = {
    "lion_update": _lion,
    "nadam_update": _nadam,
    "momentum_update": lambda W, m, dW, settings, alpha, count: _momentum(W, m, dW, alpha, *settings, ahead=0),
    "nesterov_update": lambda W, m, dW, settings, alpha, count: _momentum(W, m, dW, alpha, *settings, ahead=1),
    "adam_update": _adam,
    "adamw_update": _adam,
    "rmsprop_update": lambda W, v, dW, settings, alpha, count: _rmsprop(W, v, dW, alpha, *settings),
}


def of_groups(oracles):
    """Return the oracle of each rule's step of V, whose gradient is sigma dE/dW, at alpha factor; W is sigma V."""
    return {f"{name}_group_update": _of_groups(name, oracles[f"{name}_update"]) for name in RULES}


def _of_groups(name, oracle):
    def found(W, *rest):
        *slots, dW, settings, alpha, count, factor, sigma = rest
        numbers = (alpha * factor,) if name == "sgd" else (settings, alpha * factor, count)
        (V, most), *state = oracle(W / sigma, *slots, sigma * dW, *numbers)
        return [(sigma * V, sigma * most), *state]

    return found
