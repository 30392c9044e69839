"""Entries of the table of kernels for the plain loops beyond the paper's: see registry.py."""

from . import beyond_activations, beyond_errors, beyond_normalization, descent
from .entry import Entry

BEYOND = (
    Entry(
        "logistic", beyond_activations.logistic, (), "BO BO",
        flop=lambda B, I, O: 3 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "logistic_derivative", beyond_activations.logistic_derivative, (), "BO z:BO",
        flop=lambda B, I, O: 2 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "tanh", beyond_activations.tanh, (), "BO BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "tanh_derivative", beyond_activations.tanh_derivative, (), "BO z:BO",
        flop=lambda B, I, O: 2 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "identity", beyond_activations.identity, (), "BO BO",
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "identity_derivative", beyond_activations.identity_derivative, (), "BO BO",
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "exponential", beyond_activations.exponential, (), "BO BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "hadamard", beyond_activations.hadamard, (17, 51), "BO BO BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 3 * B * O,
    ),
    Entry(
        "linear_hadamard_backward_input", beyond_activations.linear_hadamard_backward_input,
        (17, *range(28, 33), 50, 51), "BI BO IO BI",
        flop=lambda B, I, O: 2 * B * I * O + B * I,
        elements=lambda B, I, O: 2 * B * I + B * O + I * O,
    ),
    Entry(
        "binary_cross_entropy", beyond_errors.binary_cross_entropy, (), "BO B BO z:BO",
        flop=lambda B, I, O: 11 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "log_loss", beyond_errors.log_loss, (), "BO B BO z:BO 1e-7",
        flop=lambda B, I, O: 12 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "squared_error", beyond_errors.squared_error, (), "BO B BO BO",
        flop=lambda B, I, O: 5 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "poisson", beyond_errors.poisson, (), "BO B BO v:BO",
        flop=lambda B, I, O: 9 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "weigh", beyond_errors.weigh, (), "BO B B 0.5",
        flop=lambda B, I, O: 2 * B * O + B,
        elements=lambda B, I, O: 2 * B * O + 3 * B,
    ),
    Entry(
        "penalize", beyond_errors.penalize, (), "IO* IO* 0.1 0.2",
        flop=lambda B, I, O: 8 * I * O,
        elements=lambda B, I, O: 3 * I * O,
    ),
    Entry(
        "limit", beyond_errors.limit, (), "IO* 1.5 2.5",
        flop=lambda B, I, O: 3 * I * O,
        elements=lambda B, I, O: 2 * I * O,
    ),
    Entry(
        "layer_norm", beyond_normalization.layer_norm, (), "BO BO B BO O O",
        flop=lambda B, I, O: 7 * B * O + 5 * B,
        elements=lambda B, I, O: 3 * B * O + B + 2 * O,
    ),
    Entry(
        "layer_norm_backward_params", beyond_normalization.layer_norm_backward_params, (), "BO O O BO BO O",
        flop=lambda B, I, O: 4 * B * O,
        elements=lambda B, I, O: 3 * B * O + 3 * O,
    ),
    Entry(
        "layer_norm_backward_input", beyond_normalization.layer_norm_backward_input, (), "BO BO BO v:B",
        flop=lambda B, I, O: 7 * B * O + 2 * B,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "leaky_relu", beyond_activations.leaky_relu, (), "BO BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "leaky_relu_derivative", beyond_activations.leaky_relu_derivative, (), "BO h:BO",
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "dropout", beyond_activations.dropout, (), "BO 0.25 i8:64 i8:12345",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "absolute_error", beyond_errors.absolute_error, (), "BO B BO BO",
        flop=lambda B, I, O: 3 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "huber", beyond_errors.huber, (), "BO B BO BO 0.5",
        flop=lambda B, I, O: 5 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "smoothed_cross_entropy", beyond_errors.smoothed_cross_entropy, (33, 45, 46, 47), "BO B BO y 0.1",
        flop=lambda B, I, O: 8 * B * O + 6 * B,
        elements=lambda B, I, O: 2 * B * O + 2 * B,
    ),
    Entry(
        "adamw_update", descent.adamw_update, (), "IO* IO* v:IO* IO* f8:0.001 f8:0.9 f8:0.999 f8:1e-8 f8:0.01 i8:3",
        flop=lambda B, I, O: 14 * I * O,
        elements=lambda B, I, O: 7 * I * O,
    ),
    Entry(
        "rmsprop_update", descent.rmsprop_update, (), "IO* v:IO* IO* f8:0.001 f8:0.9 f8:1e-7",
        flop=lambda B, I, O: 8 * I * O,
        elements=lambda B, I, O: 5 * I * O,
    ),
    Entry(
        "linear_descent", descent.linear_descent, (24, 27, 48, 49, 52, 53, 54), "IO O BI BO 0.1",
        flop=lambda B, I, O: 2 * B * I * O + B * O + 2 * I * O + 2 * O,
        elements=lambda B, I, O: 2 * I * O + 2 * O + B * I + B * O,
    ),
    Entry(
        "momentum_update", descent.momentum_update, (), "IO* IO* IO* 0.1 0.9",
        flop=lambda B, I, O: 4 * I * O,
        elements=lambda B, I, O: 5 * I * O,
    ),
    Entry(
        "nesterov_update", descent.nesterov_update, (), "IO* IO* IO* 0.1 0.9",
        flop=lambda B, I, O: 5 * I * O,
        elements=lambda B, I, O: 5 * I * O,
    ),
    Entry(
        "adam_update", descent.adam_update, (), "IO* IO* v:IO* IO* f8:0.001 f8:0.9 f8:0.999 f8:1e-8 i8:3",
        flop=lambda B, I, O: 12 * I * O,
        elements=lambda B, I, O: 7 * I * O,
    ),
    Entry(
        "gelu", beyond_activations.gelu, (), "BO BO",
        flop=lambda B, I, O: 4 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "gelu_derivative", beyond_activations.gelu_derivative, (), "BO BO",
        flop=lambda B, I, O: 8 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "silu", beyond_activations.silu, (), "BO BO",
        flop=lambda B, I, O: 4 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "silu_derivative", beyond_activations.silu_derivative, (), "BO BO",
        flop=lambda B, I, O: 7 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
)  # fmt: skip
