"""What the table of kernels says of one: how to call it, on what, and what that costs."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np

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
    plain: "Entry | None" = None  # the plain loop that a fast kernel agrees with, where one is written down
    adapter: Callable | None = None  # for a fast kernel that takes no plain arguments: see twins.py

    @property
    def twin(self):
        """Name of the plain loop, or an empty string."""
        return self.plain.name if self.plain else ""

    @property
    def documented(self):
        """The function whose signature and docstring tell the arguments."""
        return self.plain.kernel if self.plain else self.adapter or self.kernel

    @property
    def variants(self):
        """{name: function}; `with function(*arguments) as run: run()` computes, once for each run()."""
        if isinstance(self.kernel, Kernel):
            return {name: partial(_plain, getattr(self.kernel, name)) for name in ("serial", "parallel")}
        twin = {"twin": self.plain.variants["serial"]} if self.plain else {}
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
