"""Embeddings of the columns of X, which `Model(embedding=...)` takes: waves of numbers, tables of categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .kernels.entries import settings
from .kernels.program import embedding as program

__all__ = ["Embedding", "Parameters"]


class Parameters(NamedTuple):
    """The trained parameters of embeddings, or their gradients.

    Parameters
    ----------
    w, b : ndarray of shape (numbers, n_frequencies)
        Of u = 2 pi w x + b.
    V : ndarray of shape (numbers, n_outputs, n_frequencies)
        Of the sums V cos u + c.
    c : ndarray of shape (numbers, n_outputs)
    tables : list of ndarray of shape (levels, width)
        One for each category.
    """

    w: np.ndarray
    b: np.ndarray
    V: np.ndarray
    c: np.ndarray
    tables: list[np.ndarray]


@dataclass(frozen=True)
class Embedding:
    """Columns of X that are embedded before the first layer.

    A number x becomes x and a few sums of cosines of it, V cos(2 pi w x + b) + c, all of which are trained
    (Holzmueller, Grinsztajn and Steinwart, 2024, section 3). A level becomes a row of a trained table. The first layer
    takes first the numbers, each with its sums, then the columns that are not embedded, then the categories.

    Parameters
    ----------
    numbers : sequence of int
        Columns of numbers. They should be scaled, about -3 to 3.
    categories : dict of {int: int}
        Columns of level numbers from 0, and how many levels each has: at most 2**24 in a model of float32.
    n_frequencies : int
        Cosines of each number.
    n_outputs : int
        Sums of them.
    width : int
        Columns of each table.
    sigma : float
        Deviation of the first w.

    Examples
    --------
    >>> import fastbp
    >>> embedding = fastbp.embeddings.Embedding(numbers=[0, 1], categories={3: 12})
    >>> model = fastbp.Model([4, 16, 2], embedding=embedding, seed=0)
    >>> model.parameters[0][0].shape, model.embeddings.tables[0].shape
    ((17, 16), (12, 8))
    """

    numbers: Any = ()
    categories: Any = ()
    n_frequencies: int = 16
    n_outputs: int = 3
    width: int = 8
    sigma: float = 0.1

    def __post_init__(self) -> None:
        given = dict(self.categories) if isinstance(self.categories, Mapping) else self.categories
        if not isinstance(given, dict):
            given = _pairs(given)
        categories = tuple((_whole("categories", k, 0), _whole(f"categories[{k}]", n, 1)) for k, n in given.items())
        if isinstance(self.numbers, (str, bytes)) or not np.iterable(self.numbers):
            raise TypeError(f"numbers must be a sequence of column numbers, got {self.numbers!r}")
        numbers = tuple(_whole("numbers", column, 0) for column in self.numbers)
        taken = [*numbers, *(column for column, _ in categories)]
        if len(set(taken)) < len(taken):
            raise ValueError(f"numbers and categories must be different columns, got {list(numbers)} and {given}")
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "categories", categories)
        for name in ("n_frequencies", "n_outputs", "width"):
            object.__setattr__(self, name, _whole(name, getattr(self, name), 1))
        object.__setattr__(self, "sigma", settings.rate("sigma", self.sigma))

    def of(self, columns: int) -> program.Embedding:
        """Return it as programs take it, for an X of so many columns."""
        sizes = self.n_frequencies, self.n_outputs, self.width
        return program.Embedding(columns, self.numbers, self.categories, *sizes)

    def check(self, columns: int) -> None:
        """Raise ValueError where X has no such column."""
        for column in (*self.numbers, *(column for column, _ in self.categories)):
            if column >= columns:
                raise ValueError(f"embedding must name columns of X, which has {columns}, got column {column}")

    @property
    def n_parameters(self) -> tuple[int, int]:
        """How many parameters numbers have, and how many categories."""
        each = (2 + self.n_outputs) * self.n_frequencies + self.n_outputs
        return len(self.numbers) * each, sum(levels for _, levels in self.categories) * self.width

    def views(self, flat: np.ndarray) -> Parameters:
        """Return a vector of all parameters as arrays."""
        n, H, O, at, found = len(self.numbers), self.n_frequencies, self.n_outputs, 0, []
        for shape in ((n, H), (n, H), (n, O, H), (n, O), *((levels, self.width) for _, levels in self.categories)):
            size = int(np.prod(shape))
            found.append(flat[at : at + size].reshape(shape))
            at += size
        w, b, V, c, *tables = found
        return Parameters(w, b, V, c, tables)

    def draw(self, flat: np.ndarray, random: np.random.Generator) -> None:
        """Fill a vector of all parameters with first values."""
        w, b, V, c, tables = self.views(flat)
        w[:] = random.standard_normal(w.shape) * self.sigma
        b[:] = random.uniform(-np.pi, np.pi, b.shape)
        most = self.n_frequencies**-0.5
        V[:], c[:] = random.uniform(-most, most, V.shape), random.uniform(-most, most, c.shape)
        for table in tables:
            table[:] = random.standard_normal(table.shape)

    def settings(self) -> dict[str, Any]:
        """Return the arguments as JSON can hold them."""
        names = ("n_frequencies", "n_outputs", "width", "sigma")
        columns = {"numbers": list(self.numbers), "categories": [list(pair) for pair in self.categories]}
        return columns | {name: getattr(self, name) for name in names}


def _pairs(value: Any) -> dict[Any, Any]:
    """Return pairs (column, levels), as files have them, as a dict."""
    try:
        pairs = [(column, levels) for column, levels in value]
    except (TypeError, ValueError):
        raise TypeError(f"categories must be a dict of {{column: levels}}, got {value!r}") from None
    if len({column for column, _ in pairs}) < len(pairs):
        raise ValueError(f"categories must name each column once, got {value!r}")
    return dict(pairs)


def _whole(name: str, value: Any, least: int) -> int:
    if not settings.is_whole(value):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def checked(value: Any, columns: int, dtype: np.dtype) -> Embedding | None:
    """Return an embedding of columns of this dtype, also from settings; raise TypeError or ValueError otherwise."""
    if isinstance(value, Mapping):
        try:
            value = Embedding(**value)
        except TypeError as error:
            raise TypeError(f"embedding must hold settings of fastbp.embeddings.Embedding: {error}") from None
    if value is None:
        return None
    if not isinstance(value, Embedding):
        raise TypeError(f"embedding must be a fastbp.embeddings.Embedding, got {value!r}")
    value.check(columns)
    most = 2 ** (np.finfo(dtype).nmant + 1)  # X is of this dtype: whole numbers above this are rounded
    for column, levels in value.categories:
        if levels > most:
            told = f"at most {most} levels in a column with dtype {dtype.name!r}"
            raise ValueError(f"embedding must have {told}, got {levels} in column {column}")
    return value


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
