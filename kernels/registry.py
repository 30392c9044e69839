"""The one table of kernels: tests, benchmarks, profiler and the equation table in README.md read it.

An entry states what a kernel computes and what that costs; sizes are B rows, I inputs, O outputs. Costs are the
least that the equations ask for: every input read once, every output written once, an exp, log or sqrt as one FLOP.

Every entry is called alike, with plain matrices: `entry.call(variant, *entry.sample(...))`. A plain loop has the
variants "serial" and "parallel". A fast kernel has "fast", and as "twin" the plain loop that it must agree with.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from . import (
    activation,
    beyond,
    descent,
    errors,
    gather,
    linear,
    loss,
    panels,
    row,
    shuffle,
    twin_phases,
    twins,
    update,
)
from . import elementwise as printed
from ._jit import Kernel
from .simd import LINE
from .workspace import padded


@dataclass(frozen=True)
class Entry:
    """One kernel: the equations it computes and its cost as functions of (B, I, O)."""

    name: str
    kernel: Callable
    equations: tuple[int, ...]
    arguments: str  # one word an argument: its shape in letters, flattened by a "*", or its value; see `sample`
    flop: Callable[[int, int, int], int]
    elements: Callable[[int, int, int], int]  # numbers read and written
    twin: str = ""  # name of the plain loop that a fast kernel agrees with, where one is written down
    adapter: Callable | None = None  # for a fast kernel that takes no plain arguments: see twins.py

    @property
    def documented(self):
        """The function whose signature and docstring tell the arguments."""
        return KERNELS[self.twin].kernel if self.twin else self.adapter or self.kernel

    @property
    def variants(self):
        """{name: function}; `with function(*arguments) as run: run()` computes, once for each run()."""
        if isinstance(self.kernel, Kernel):
            return {name: partial(_plain, getattr(self.kernel, name)) for name in ("serial", "parallel")}
        twin = {"twin": KERNELS[self.twin].variants["serial"]} if self.twin else {}
        return {"fast": self.adapter or partial(_plain, self.kernel), **twin}

    def call(self, variant, *arguments):
        """Compute once, from plain arguments; return what the kernel returns, mostly None."""
        with self.variants[variant](*arguments) as run:
            return run()

    def bytes(self, B, I, O, itemsize):
        """Return the least traffic in bytes, all numbers counted at `itemsize`."""
        return self.elements(B, I, O) * itemsize

    def sample(self, B, I, O, dtype, rng):
        """Return arguments to call the kernel with, made of normal numbers of `dtype` from the Generator `rng`.

        What stands before a colon asks for other numbers: "z" for probabilities, "h" for what ReLU leaves, "v" for
        squares, "panels" for a flat array that holds such a matrix in panels, and before a value a dtype of its own.
        "y" are class numbers, "order" row numbers.
        """
        sizes = {"B": B, "I": I, "O": O}
        return [_argument(word, sizes, np.dtype(dtype), rng) for word in self.arguments.split()]


def _argument(word, sizes, dtype, rng):
    kind, _, shape = word.rpartition(":")
    if shape[0].isdigit():
        return np.dtype(kind or dtype).type(shape)
    if shape in ("y", "order"):
        return rng.integers(0, sizes["O" if shape == "y" else "B"], sizes["B"])
    lengths = [sizes[letter] for letter in shape.rstrip("*")]
    if kind == "panels":
        lanes = LINE // dtype.itemsize
        lengths = [padded(length, lanes) for length in lengths]
    numbers = rng.standard_normal(lengths)
    if kind == "z":
        numbers = np.exp(numbers) / np.exp(numbers).sum(1, keepdims=True)
    elif kind == "h":
        numbers = np.where(numbers < -0.2, -0.0, numbers.clip(0))
    elif kind == "v":
        numbers = numbers**2
    flat = kind == "panels" or shape.endswith("*")
    return numbers.astype(dtype).ravel() if flat else numbers.astype(dtype)


def _plain(function, *arguments):
    return nullcontext(partial(function, *arguments))


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
        "logistic", beyond.logistic, (), "BO BO",
        flop=lambda B, I, O: 3 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "logistic_derivative", beyond.logistic_derivative, (), "BO z:BO",
        flop=lambda B, I, O: 2 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "tanh", beyond.tanh, (), "BO BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "tanh_derivative", beyond.tanh_derivative, (), "BO z:BO",
        flop=lambda B, I, O: 2 * B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "identity", beyond.identity, (), "BO BO",
        flop=lambda B, I, O: 0,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "exponential", beyond.exponential, (), "BO BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 2 * B * O,
    ),
    Entry(
        "hadamard", beyond.hadamard, (17, 51), "BO BO BO",
        flop=lambda B, I, O: B * O,
        elements=lambda B, I, O: 3 * B * O,
    ),
    Entry(
        "binary_cross_entropy", beyond.binary_cross_entropy, (), "BO B BO z:BO",
        flop=lambda B, I, O: 11 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "log_loss", beyond.log_loss, (), "BO B BO z:BO 1e-7",
        flop=lambda B, I, O: 12 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "squared_error", beyond.squared_error, (), "BO B BO BO",
        flop=lambda B, I, O: 5 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "poisson", beyond.poisson, (), "BO B BO v:BO",
        flop=lambda B, I, O: 9 * B * O,
        elements=lambda B, I, O: 3 * B * O + B,
    ),
    Entry(
        "weigh", beyond.weigh, (), "BO B B 0.5",
        flop=lambda B, I, O: 2 * B * O + B,
        elements=lambda B, I, O: 2 * B * O + 3 * B,
    ),
    Entry(
        "penalize", beyond.penalize, (), "IO* IO* 0.1",
        flop=lambda B, I, O: 4 * I * O,
        elements=lambda B, I, O: 3 * I * O,
    ),
    Entry(
        "gather", printed.gather, (), "BI BI order I I",
        flop=lambda B, I, O: 2 * B * I,
        elements=lambda B, I, O: 2 * B * I + B + 2 * I,
    ),
    Entry(
        "linear_descent", descent.linear_descent, (24, 27, 48, 49, *_span(52, 54)), "IO O BI BO 0.1",
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
)  # fmt: skip


def _fast(twin, kernel, adapter):
    """Entry of a fast kernel: equations, arguments and cost are its twin's."""
    entry = next(entry for entry in _PLAIN if entry.name == twin)
    return replace(entry, name=f"fast_{adapter.__name__}", kernel=kernel, twin=twin, adapter=adapter)


_FAST = (
    _fast("gather", gather.make_gather, twin_phases.gather),
    _fast("linear", linear.linear_forward, twins.linear),
    _fast("linear_relu", linear.linear_forward, twins.linear_relu),
    _fast("linear_relu", row.linear_row, twins.linear_relu_row),
    _fast("linear_backward_params", linear.linear_backward_params, twins.linear_backward_params),
    _fast("linear_descent", linear.linear_backward_params, twins.linear_descent),
    _fast("linear_relu_backward_input", linear.linear_backward_input, twins.linear_relu_backward_input),
    _fast("softmax", loss.softmax, twins.softmax),
    _fast("softmax", loss.softmax_row, twins.softmax_row),
    _fast("softmax_cross_entropy", loss.softmax_cross_entropy, twins.softmax_cross_entropy),
    _fast("logistic", activation.ACTIVATIONS["logistic"], twin_phases.logistic),
    _fast("logistic_derivative", activation.DERIVATIVES["logistic"], twin_phases.logistic_derivative),
    _fast("tanh", activation.ACTIVATIONS["tanh"], twin_phases.tanh),
    _fast("tanh_derivative", activation.DERIVATIVES["tanh"], twin_phases.tanh_derivative),
    _fast("binary_cross_entropy", errors.LOSSES["binary_cross_entropy"], twins.binary_cross_entropy),
    _fast("log_loss", errors.LOSSES["log_loss"], twins.log_loss),
    _fast("squared_error", errors.LOSSES["squared_error"], twins.squared_error),
    _fast("poisson", errors.LOSSES["poisson"], twins.poisson),
    _fast("sgd_update", update.UPDATES["sgd"], twin_phases.sgd_update),
    _fast("momentum_update", update.UPDATES["momentum"], twin_phases.momentum_update),
    _fast("nesterov_update", update.UPDATES["nesterov"], twin_phases.nesterov_update),
    _fast("adam_update", update.UPDATES["adam"], twin_phases.adam_update),
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
