"""The one table of kernels: tests, benchmarks, profiler and the equation table in README.md read it.

An entry states what a kernel computes and what that costs; sizes are B rows, I inputs, O outputs. Costs are the
least that the equations ask for: every input read once, every output written once, an exp, log or sqrt as one FLOP.

Every entry is called alike, with plain matrices: `entry.call(variant, *entry.sample(...))`. A plain loop has the
variants "serial" and "parallel". A fast kernel has "fast", and as "twin" the plain loop that it must agree with.
"""

from dataclasses import replace
from functools import partial
from inspect import signature

from . import (
    activation,
    errors,
    gather,
    linear,
    loss,
    normalization,
    panels,
    row,
    shuffle,
    twin_normalization,
    twin_phases,
    twins,
    update,
)
from . import elementwise as printed
from .beyond_entries import BEYOND
from .entry import Entry
from .workspace import IDENTITY, OTHER, RELU


def _span(first, last):
    return tuple(range(first, last + 1))


_PLAIN = (
    Entry(
        "linear", printed.linear, (7, 42, 44), "BO BI IO O",
        flop=lambda B, I, O: 2 * B * I * O,
        elements=lambda B, I, O: B * I + I * O + O + B * O,
    ),
    Entry(
        "linear_backward_params", printed.linear_backward_params, (*_span(18, 27), 48, 49, 52, 53), "IO O BI BO",
        flop=lambda B, I, O: 2 * B * I * O + B * O,
        elements=lambda B, I, O: I * O + O + B * I + B * O,
    ),
    Entry(
        "linear_backward_input", printed.linear_backward_input, (*_span(28, 32), 50), "BI BO IO",
        flop=lambda B, I, O: 2 * B * I * O,
        elements=lambda B, I, O: B * I + B * O + I * O,
    ),
    Entry(
        "relu", printed.relu, (8, 40, 43), "BO BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "relu_derivative", printed.relu_derivative, (41,), "BO h:BO",
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "relu_backward", printed.relu_backward, (*_span(10, 17), 41, 51), "BO BO h:BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 3 * B * O,
    ),
    Entry(
        "linear_relu", printed.linear_relu, (4, *_span(6, 8), 40, 42, 43), "BO BI IO O",
        flop=lambda B, I, O: 2 * B * I * O + B * O,
        elements=lambda B, I, O: B * I + I * O + O + B * O,
    ),
    Entry(
        "linear_relu_backward_input", printed.linear_relu_backward_input,
        (*_span(10, 17), *_span(28, 32), 41, 50, 51), "BI BO IO h:BI",
        flop=lambda B, I, O: 2 * B * I * O + B * I,
        elements=lambda B, I, O: 2 * B * I + B * O + I * O,
    ),
    Entry(
        "softmax", printed.softmax, (33, 45), "BO BO",
        flop=lambda B, I, O: 5 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "predicted_class", printed.predicted_class, (33,), "y BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: B * O + B,
    ),
    Entry(
        "cross_entropy", printed.cross_entropy, (34, 46), "B z:BO y",
        flop=lambda B, I, O: 2 * B,
        elements=lambda B, I, O: 3 * B,
    ),
    Entry(
        "softmax_cross_entropy", printed.softmax_cross_entropy, (*_span(33, 39), 45, 46, 47), "BO B BO y",
        flop=lambda B, I, O: 6 * B * O + 4 * B,
        elements=lambda B, I, O: 2 * B * O + 2 * B,
    ),
    Entry(
        "sgd_update", printed.sgd_update, (9, 54), "IO* IO* 0.1",
        flop=lambda B, I, O: 2 * I * O,
        elements=lambda B, I, O: 3 * I * O,
    ),
    Entry(
        "gather", printed.gather, (), "BI BI order I I",
        flop=lambda B, I, O: 2 * B * I,
        elements=lambda B, I, O: 2 * B * I + B + 2 * I,
    ),
    *BEYOND,
)  # fmt: skip


_TWINS = {entry.name: entry for entry in _PLAIN}


def _fast(twin, kernel, adapter, suffix=""):
    """Entry of a fast kernel: equations, arguments and cost are its twin's."""
    entry = _TWINS[twin]
    return replace(entry, name=f"fast_{twin}{suffix}", kernel=kernel, plain=entry, adapter=adapter)


def _derivative(name, function):
    before = (activation.ACTIVATIONS[name],) if name in activation.REMEMBERED else ()
    return _fast(f"{name}_derivative", function, partial(twin_phases.passes, (*before, function)))


def _output(function):
    twin = function.__name__.removesuffix("_output")
    return _fast(twin, function, partial(twins.output, function), "_output")


def _optimizer(name, function):
    arguments = signature(_TWINS[f"{name}_update"].kernel).parameters
    return _fast(f"{name}_update", function, partial(twin_phases.optimizer, function, arguments))


_GRADIENT = update.UPDATES["gradient"]  # makes no step: penalties and limits

_FAST = (
    _fast("gather", gather.make_gather, twin_phases.gather),
    _fast("linear", linear.linear_forward, twins.linear),
    _fast("linear_relu", linear.linear_forward, twins.linear_relu),
    _fast("linear_relu", row.linear_row, twins.linear_relu_row, "_row"),
    _fast("linear_backward_params", linear.linear_backward_params, twins.linear_backward_params),
    _fast("linear_descent", linear.linear_backward_params, twins.linear_descent),
    *(
        _fast(twin, linear.linear_backward_input, partial(twins.linear_backward_input, F))
        for twin, F in (
            ("linear_backward_input", IDENTITY),
            ("linear_relu_backward_input", RELU),
            ("linear_hadamard_backward_input", OTHER),
        )
    ),
    _fast("softmax", loss.softmax, twins.softmax),
    _fast("softmax", loss.softmax_row, twins.softmax_row, "_row"),
    _fast("softmax_cross_entropy", loss.softmax_cross_entropy, twins.softmax_cross_entropy),
    _fast("smoothed_cross_entropy", loss.softmax_cross_entropy, twins.softmax_cross_entropy),
    *(_fast(name, F, partial(twin_phases.passes, (F,))) for name, F in activation.ACTIVATIONS.items()),
    *(_derivative(name, function) for name, function in activation.DERIVATIVES.items()),
    _fast("dropout", twins.drop_panels, twins.drop),
    _fast("layer_norm", normalization.layer_norm, twin_normalization.layer_norm),
    _fast(
        "layer_norm_backward_params", normalization.layer_norm_backward_params,
        twin_normalization.layer_norm_backward_params,
    ),
    _fast(
        "layer_norm_backward_input", normalization.layer_norm_backward_input,
        twin_normalization.layer_norm_backward_input,
    ),
    *(_output(function) for function in dict.fromkeys(errors.OUTPUTS.values())),
    *(_fast(name, function, partial(twins.error, function)) for name, function in errors.LOSSES.items()),
    *(_optimizer(name, function) for name, function in update.UPDATES.items() if function is not _GRADIENT),
    _fast("penalize", _GRADIENT, twin_phases.penalize),
    _fast("limit", _GRADIENT, twin_phases.limit),
    Entry(
        "fast_exp", twins.exp_vectors, (), "BO* BO*", adapter=twins.exp,
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "fast_log", twins.log_vectors, (), "BO* v:BO*", adapter=twins.log,
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "fast_bias_backward", linear.bias_backward, (*_span(25, 27), 49, 53), "O BO", adapter=twins.bias_backward,
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: B * O + O,
    ),
    Entry(
        "fast_transpose", linear.transpose_rows, (), "OI IO", adapter=twins.transpose,
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: 2 * I * O,
    ),
    Entry(
        "fast_pack", panels.pack, (), "panels:IO IO",
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: 2 * I * O,
    ),
    Entry(
        "fast_unpack", panels.unpack, (), "IO panels:IO",
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: 2 * I * O,
    ),
    Entry(
        "fast_shuffle", shuffle.shuffle, (), "order i8:54",
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: B,
    ),
)  # fmt: skip

KERNELS = {entry.name: entry for entry in (*_PLAIN, *_FAST)}
