"""The one table of kernels: tests, benchmarks, profiler and the equation table in README.md read it.

An entry states what a kernel computes and what that costs; sizes are B rows, I inputs, O outputs. Costs are the
least that the equations ask for: every input read once, every output written once, an exp or log as one FLOP.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import elementwise as printed
from ._jit import Kernel


@dataclass(frozen=True)
class Entry:
    """One kernel: the equations it computes and its cost as functions of (B, I, O)."""

    name: str
    kernel: Kernel
    equations: tuple[int, ...]
    arguments: str  # one word an argument: its shape in letters, flattened by a "*"; see `sample`
    flop: Callable[[int, int, int], int]
    elements: Callable[[int, int, int], int]  # numbers read and written

    def bytes(self, B, I, O, itemsize):
        """Return the least traffic in bytes, all numbers counted at `itemsize`."""
        return self.elements(B, I, O) * itemsize

    def sample(self, B, I, O, dtype, rng):
        """Return arguments to call the kernel with, made of normal numbers of `dtype` from the Generator `rng`.

        "z:" before a shape asks for probabilities, "h:" for what ReLU leaves; "y" are class numbers.
        """
        sizes = {"B": B, "I": I, "O": O}
        made = []
        for word in self.arguments.split():
            kind, _, shape = word.rpartition(":")
            if shape == "rate":
                made.append(np.dtype(dtype).type(0.1))
            elif shape == "y":
                made.append(rng.integers(0, O, B))
            else:
                numbers = rng.standard_normal([sizes[letter] for letter in shape.rstrip("*")])
                if kind == "z":
                    numbers = np.exp(numbers) / np.exp(numbers).sum(1, keepdims=True)
                elif kind == "h":
                    numbers = np.where(numbers < -0.2, -0.0, numbers.clip(0))
                numbers = numbers.astype(dtype)
                made.append(numbers.ravel() if shape.endswith("*") else numbers)
        return made


def _span(first, last):
    return tuple(range(first, last + 1))


_ENTRIES = (
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
        "sgd_update", printed.sgd_update, (9, 54), "IO* IO* rate",
        flop=lambda B, I, O: 2 * I * O,
        elements=lambda B, I, O: 3 * I * O,
    ),
)  # fmt: skip

KERNELS = {entry.name: entry for entry in _ENTRIES}
