"""Columns of categories: levels, and the codes that a network takes for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..files.labels import number, same
from . import words
from .cells import Cells

BOOLEAN = ("True", "False")
_REST = "other values"  # what inputs call the level of all but the commonest


@dataclass(frozen=True)
class Levels:
    """A column's levels.

    Parameters
    ----------
    texts : tuple of str
        Levels in their order, but for the rest.
    rest : bool
        Whether a last level stands for all other values.
    embedded : bool
        Whether numbers of levels are handed out instead of codes.
    """

    texts: tuple[str, ...]
    rest: bool = False
    embedded: bool = False

    @property
    def count(self) -> int:
        """Return how many levels there are, the rest among them."""
        return len(self.texts) + self.rest

    @property
    def width(self) -> int:
        """Return how many inputs the column becomes: one for two levels, none where it is embedded."""
        return 0 if self.embedded else 1 if self.count == 2 else self.count

    @property
    def inputs(self) -> list[str]:
        """Return what each input tells."""
        return [*self.texts, *[_REST] * self.rest][: self.width]

    @cached_property
    def _place(self) -> dict[str, int]:
        """Return the number of each text from 1; another spelling of a number stands for it, too."""
        alike = {same(text): i for i, text in enumerate(self.texts, 1)}
        return alike | {text: i for i, text in enumerate(self.texts, 1)}

    @property
    def spellings(self) -> dict[str, int]:
        """Return the number from 1 of each level's text, and of the usual spellings of texts that are numbers."""
        place = self._place
        longer = {f"{text}.0": i for text, i in place.items() if same(f"{text}.0") == same(text)}
        return longer | place

    def numbered(self, cells: Cells) -> np.ndarray:
        """Return the number of each cell's level from 1, and 0 for gaps and values that `fit` has not seen.

        Where a last level stands for the rest, it takes the unseen, too.
        """
        codes, texts = cells.coded()
        found = [self._find(text) for text in texts]
        return np.array([*found, 0], np.int32)[codes]

    def write(self, cells: Cells, out: np.ndarray) -> None:
        """Write codes into `out`, which holds zeros: 1 and -1 for two levels, else a 1 in the level's column."""
        found = self.numbered(cells)
        if self.count == 2:
            out[:, 0] = np.array([0, 1, -1])[found]
            return
        rows = np.flatnonzero(found)
        out[rows, found[rows] - 1] = 1

    def _find(self, text: str) -> int:
        place = self._place
        if (found := place.get(text) or place.get(same(text))) is not None:
            return found
        if self.texts == BOOLEAN:
            truth = {"1": True, "0": False}.get(same(text), words.is_true(text))
            return 0 if truth is None else 1 if truth else 2
        return self.count if self.rest else 0


def fit(cells: Cells, most: int, embed_above: int | None, train: np.ndarray) -> Levels:
    """Return the levels of a column's cells: all, or of more than `most` the commonest, so that there are `most`.

    Levels that are embedded are those of the rows that train: no step would train the vector of another.
    """
    if cells.form == "boolean":
        return Levels(BOOLEAN)
    codes, texts = cells.coded()
    order = _sorted(texts)
    counts = np.bincount(codes[train][codes[train] >= 0], minlength=len(texts))
    trained = [i for i in order if counts[i]]
    embedded = embed_above is not None and min(len(trained), most) > embed_above
    if embedded:
        order = trained
    else:
        counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    rest = len(order) > most
    if rest:
        common = sorted(order, key=lambda i: -counts[i])[: most - 1]  # sorts stably: ties in the order of levels
        order = sorted(common, key={i: place for place, i in enumerate(order)}.__getitem__)
    return Levels(tuple(texts[i] for i in order), rest, embedded)


def _sorted(texts: Sequence[str]) -> list[int]:
    """Return the order of texts: of numbers by size, else by letters."""
    values = [number(text) for text in texts]
    if None in values:
        return sorted(range(len(texts)), key=texts.__getitem__)
    return sorted(range(len(texts)), key=lambda i: (values[i], texts[i]))
