"""What the table of kernels says of one: how to call it, on what, and what that costs."""

import inspect
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np

from ..activations import ACTIVATIONS
from ..compiler.jit import PlainLoop
from ..entries.typed import DType, Function
from ..program.state import lanes_of, padded

_LISTED = re.compile(r"\((?:after )?eqs?\. ([\d, -]+)\)")
_ARGUMENTS = re.compile(r"^(\w+(?:, \w+)*) +(?:(in, out|in|out) +\(([^)]*)\))?", re.MULTILINE)
_SPARSE = {
    "entries": lambda B, I, O: B * I,
    "columns": lambda B, I, O: B * I,
    "ends": lambda B, I, O: B,
    "bounds": lambda B, I, O: I + 1,
    "indptr": lambda B, I, O: B + 1,
}  # lengths of arrays of sparse rows
_TIMES = {None: 0, "in": 1, "out": 1, "in, out": 2}  # that an array is read or written


@dataclass(frozen=True)
class Entry:
    """One kernel: how it is called, and its cost as a function of (B, I, O).

    Parameters
    ----------
    name : str
    kernel : callable
        The plain loop, or the function that holds a fast kernel's formula.
    arguments : str
        One word an argument: its shape in letters, flattened by a "*", or its value; see `sample`.
    flop : callable
        flop(B, I, O) -> int. Of sparse rows I is the number of entries a row.
    reads : callable, optional
        reads(B, I, O) -> numbers read and written; by default each argument once.
    reference : Entry, optional
        The plain loop that a fast kernel must agree with, where one is written down.
    adapter : callable, optional
        Calls a fast kernel with plain arguments: see adapters.py.
    """

    name: str
    kernel: Function
    arguments: str
    flop: Callable[[int, int, int], int]
    reads: Callable[[int, int, int], int] | None = None
    reference: "Entry | None" = None
    adapter: Function | None = None

    @property
    def documented(self) -> Function:
        """The function whose signature and docstring tell the arguments."""
        return self.reference.kernel if self.reference else self.adapter or self.kernel

    @cached_property
    def equations(self) -> tuple[int, ...]:
        """The paper's equations that it computes, by the docstring: those in brackets of their own."""
        found = set()
        for listed in _LISTED.findall(self.documented.__doc__ or ""):
            for first, last in re.findall(r"(\d+)(?:-(\d+))?", listed):
                found.update(range(int(first), int(last or first) + 1))
        return tuple(sorted(found))

    @cached_property
    def directions(self) -> dict[str, tuple[str | None, str | None]]:
        """The arguments as the docstring gives them: {name: (direction, shape)}, (None, None) for a number."""
        found = {}
        for names, direction, shape in _ARGUMENTS.findall(inspect.getdoc(self.documented) or ""):
            found |= dict.fromkeys(names.split(", "), (direction or None, shape or None))
        return {name: found.get(name, ("undocumented", None)) for name in inspect.signature(self.documented).parameters}

    @property
    def variants(self) -> dict[str, Function]:
        """{name: function}; `with function(*arguments) as run: run()` computes, once for each run()."""
        if isinstance(self.kernel, PlainLoop):
            return {name: partial(_plain, getattr(self.kernel, name)) for name in ("serial", "parallel")}
        reference = {"reference": self.reference.variants["serial"]} if self.reference else {}
        return {"fast": self.adapter, **reference}

    def call(self, variant: str, *arguments: Any) -> Any:
        """Compute once, from plain arguments; return what the kernel returns, mostly None."""
        with self.variants[variant](*arguments) as run:
            return run()

    def elements(self, B: int, I: int, O: int) -> int:
        """Return how many numbers must be read and written at least."""
        if self.reads:
            return self.reads(B, I, O)
        lengths = [prod(_lengths(word, _sizes(B, I, O)) or [0]) for word in self.arguments.split()]
        times = [_TIMES.get(direction, 0) for direction, _ in self.directions.values()]
        return sum(length * many for length, many in zip(lengths, times, strict=True))

    def bytes(self, B: int, I: int, O: int, itemsize: int) -> int:
        """Return the least traffic in bytes, all numbers counted at `itemsize`."""
        return self.elements(B, I, O) * itemsize

    def sample(self, B: int, I: int, O: int, dtype: DType, rng: np.random.Generator) -> list[Any]:
        """Return arguments to call the kernel with, made of normal numbers of `dtype` from the Generator `rng`.

        What stands before a colon asks for other numbers: "z" for probabilities, "h" for what ReLU leaves, the name of
        an activation for what that leaves, "v" for squares, "panels" for a flat array that holds such a matrix in
        panels, and before a value a dtype of its own. Values with commas are a tuple. "y" are class numbers, "order"
        row numbers, "levels" numbers below I, the last of them first. "entries",
        "columns", "ends", "bounds" and "indptr" are arrays of sparse rows: I entries a row, in columns drawn one by
        one.
        """
        sizes = _sizes(B, I, O)
        return [_argument(word, sizes, np.dtype(dtype), rng) for word in self.arguments.split()]


def _sizes(B, I, O):
    """Return the sizes that letters stand for: embeddings have three outputs E of H frequencies."""
    return {"B": B, "I": I, "O": O, "E": 3, "H": O}


def _lengths(word, sizes):
    """Return the shape of the array that a word asks for; None for a number."""
    shape = word.rpartition(":")[2]
    if shape in ("y", "order", "levels"):
        return [sizes["B"]]
    if shape in _SPARSE:
        return [_SPARSE[shape](*map(sizes.get, "BIO"))]
    return None if shape[0] in "0123456789," else [sizes[letter] for letter in shape.rstrip("*")]


def _argument(word, sizes, dtype, rng):
    kind, _, shape = word.rpartition(":")
    lengths = _lengths(word, sizes)
    if lengths is None:
        number = np.dtype(kind or dtype).type
        return tuple(number(value) for value in shape.split(",") if value) if "," in shape else number(shape)
    if shape in ("y", "order"):
        return rng.integers(0, sizes["O" if shape == "y" else "B"], sizes["B"])
    if shape == "levels":
        return np.append(sizes["I"] - 1, rng.integers(0, sizes["I"], sizes["B"] - 1))
    if shape == "columns":
        return rng.integers(0, sizes["I"], lengths)
    if shape in ("ends", "bounds", "indptr"):
        return np.arange(shape == "ends", lengths[0] + (shape == "ends")) * sizes["I"]
    if kind == "panels":
        lengths = [padded(length, lanes_of(dtype)) for length in lengths]
    numbers = _numbers(kind, rng.standard_normal(lengths)).astype(dtype)
    return numbers.ravel() if kind == "panels" or shape.endswith("*") else numbers


def _numbers(kind, normal):
    if kind == "z":
        return np.exp(normal) / np.exp(normal).sum(1, keepdims=True)
    if kind == "h":
        return np.where(normal < -0.2, -0.0, normal.clip(0))
    if kind in ACTIVATIONS:
        return np.vectorize(ACTIVATIONS[kind].f, otypes=[float])(normal)
    return normal**2 if kind == "v" else normal


def _plain(function, *arguments):
    return nullcontext(partial(function, *arguments))
