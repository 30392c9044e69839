"""Sources that objects of the user's are: functions, iterables, data sets by the methods of Keras's PyDataset."""

from __future__ import annotations

import collections.abc
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import checks, frames
from .source import MEMORY, Part, PieceError, Source

SAMPLES = 1024  # single rows that are put together to a part
_EXPECTED = "X, a pair (X, y) or (X, y, weight)"


class Pieces(Source):
    """Rows that an object of yours gives in pieces, with a bound of memory or a number of rows stated.

    `Model.fit`, `Model.evaluate` and `Model.predict` take such an object as it is, too, in place of X and y.

    Parameters
    ----------
    given : function, iterable or data set
        A function without arguments that returns a fresh iterator of pieces each time, one an epoch. An iterable of
        pieces whose ``iter`` is a fresh one each time, such as PyTorch's IterableDataset and DataLoader. Or an object
        with ``__len__`` and ``__getitem__``, which return the number of pieces and one of them, as Keras's PyDataset
        has; its ``on_epoch_end``, if any, is called after each epoch. A piece is a pair (X, y), or (X, y, weight), of
        any number of rows, or a single row of these; for `Model.predict` X alone will do. Pieces are asked for in
        another thread, one at a time.
    rows : int, optional
        How many rows an epoch has, which is not known otherwise: schedules such as Cosine need it.
    memory : int or str
        Bound of the bytes of the rows that the network learns and those that are read meanwhile.

    Notes
    -----
    With shuffling, the pieces of a data set with ``__getitem__`` come in a random order, and so do the rows of as many
    pieces as fit half of `memory`. Pieces of functions and iterables come as they are given.

    Examples
    --------
    >>> import fastbp
    >>> import numpy as np
    >>> def pieces():
    ...     for part in range(3):
    ...         X = np.random.default_rng(part).standard_normal((100, 4))
    ...         yield X, (X.sum(axis=1) > 0).astype(int)
    >>> model = fastbp.Model([4, 8, 2], optimizer="adam", learning_rate=0.01, seed=0)
    >>> rows = fastbp.data.Pieces(pieces, rows=300, memory="10 MB")
    >>> history = model.fit(rows, epochs=40, schedule=fastbp.schedules.Cosine(), verbose=0)
    >>> model.evaluate(pieces)["accuracy"] > 0.9
    True
    """

    def __init__(self, given: Any, *, rows: int | None = None, memory: int | str = MEMORY) -> None:
        super().__init__(memory)
        if not is_given(given):
            raise TypeError(f"given must be {EXPECTED}, got {type(given).__name__}{_hint(given)}")
        self._given, self._last = given, None
        self._rows = None if rows is None else checks.whole_number("rows", rows, 1)

    @property
    def rows(self) -> int | None:
        """How many rows an epoch has, or None if that was not said."""
        return self._rows

    def __len__(self) -> int:
        """Return the number of pieces, each of which can be had by itself: 1 for a function or an iterable."""
        if not _by_number(self._given):
            return 1
        return checks.whole_number(f"len of the {type(self._given).__name__}", len(self._given), 1)

    def _read(self, piece: int, features: bool = True) -> Iterator[Part]:
        if _by_number(self._given):
            name = f"{type(self._given).__name__}[{piece}]"
            given = _asked(name, lambda: self._given[piece])
            yield _together([_as_tuple(given)], name, 0) if _is_row(given) else _part(given, name)
            return
        what = getattr(self._given, "__name__", type(self._given).__name__)
        iterator = _asked(f"X: {what}", lambda: self._given() if callable(self._given) else iter(self._given))
        iterator = _asked(f"X: {what}", lambda: iter(iterator))
        if self._last is not None and iterator is self._last:
            raise PieceError(f"{what}: gave the same iterator as before, which is used up; it must give a fresh one")
        self._last = iterator
        count = 0
        for part in _parts(iterator, what):
            count += 1
            yield part
        if not count:
            raise PieceError(f"{what}: gave no piece; it must give a fresh iterator each time")

    def _identity(self) -> dict[str, Any]:
        return {"source": type(self._given).__name__, "rows": self._rows}

    def _epoch_ended(self) -> None:
        if hasattr(self._given, "on_epoch_end"):
            _asked(f"{type(self._given).__name__}.on_epoch_end", self._given.on_epoch_end)


EXPECTED = (
    "a function that returns an iterator of pieces, an iterable of them, or a data set with __len__ and __getitem__"
)


def is_given(value: Any) -> bool:
    """Return whether a value gives pieces: no array, frame or list, which hold rows themselves."""
    if isinstance(value, (type, str, bytes, collections.abc.Sequence, collections.abc.Mapping, collections.abc.Set)):
        return False
    kind = type(value)
    held = "__array__", "__array_interface__", "__buffer__", "__dataframe__", "__arrow_c_stream__", "shape", "dtype"
    if any(hasattr(kind, name) for name in held) or is_iterator(value):
        return False
    if _is_buffer(value) or frames.is_frame(value):
        return False
    return _by_number(value) or hasattr(kind, "__iter__") or callable(value)


def is_iterator(value: Any) -> bool:
    """Return whether a value is an iterator, such as a generator, which gives its pieces once only."""
    return hasattr(type(value), "__next__") and hasattr(type(value), "__iter__")


def _hint(value: Any) -> str:
    if is_iterator(value):
        return "; it gives its pieces once only: give the function that makes it"
    return ""


def _is_buffer(value: Any) -> bool:
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def _by_number(value: Any) -> bool:
    """Return whether a value gives its pieces by number; PyTorch's IterableDataset inherits a `__getitem__`."""
    kind = type(value)
    iterable = any(base.__name__ == "IterableDataset" for base in kind.__mro__)
    return hasattr(kind, "__len__") and hasattr(kind, "__getitem__") and not iterable


def _asked(name: str, ask: Any) -> Any:
    """Return what a call of the user's code returns; raise PieceError where it raises."""
    try:
        return ask()
    except Exception as error:
        raise PieceError(f"{name}: raised {type(error).__name__}: {error}") from error


def _parts(iterator: Iterator[Any], what: str) -> Iterator[Part]:
    """Yield the pieces of an iterator, single rows put together."""
    single: list[tuple[Any, ...]] = []
    end, row = object(), 0
    for number in itertools.count():
        name = f"{what}: piece {number}"
        given = _asked(name, lambda: next(iterator, end))
        if given is end:
            break
        if not _is_row(given):
            if single:
                raise PieceError(f"{name}: is a piece of several rows, those before were single rows")
            yield _part(given, name)
            continue
        single.append(_as_tuple(given))
        if len(single) == SAMPLES:
            yield _together(single, what, row)
            row += len(single)
            single = []
    if single:
        yield _together(single, what, row)


def _as_tuple(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


def _is_row(given: Any) -> bool:
    """Return whether a piece is one row: X of one dimension."""
    X = given[0] if isinstance(given, (tuple, list)) and given else given
    ndim = getattr(X, "ndim", None)
    return ndim == 1 or (ndim is None and isinstance(X, (tuple, list)) and bool(X) and np.ndim(X[0]) == 0)


def _together(single: list[tuple[Any, ...]], what: str, row: int) -> Part:
    """Return single rows as a part."""
    if len({len(each) for each in single}) > 1:
        raise PieceError(f"{what}: rows {row} to {row + len(single) - 1} must all be {_EXPECTED} alike")
    try:
        columns = [np.stack([np.asarray(one) for one in column]) for column in zip(*single, strict=True)]
    except ValueError as error:
        raise PieceError(f"{what}: rows {row} to {row + len(single) - 1} differ in length: {error}") from None
    return _part(tuple(columns), what, row)


def _part(given: Any, name: str, row: int = 0) -> Part:
    """Return a piece as a part."""
    if isinstance(given, list) and len(given) in (2, 3) and getattr(given[0], "ndim", 0) == 2:
        given = tuple(given)  # as PyTorch's DataLoader gives them
    if not isinstance(given, tuple):
        return Part(given, None, None, name, row)
    if len(given) not in (1, 2, 3):
        raise PieceError(f"{name}: must be {_EXPECTED}, got a tuple of {len(given)}")
    X, y, weight = (*given, None, None)[:3]
    return Part(X, y, weight, name, row)
