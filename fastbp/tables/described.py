"""What became of each column, as users read it."""

from __future__ import annotations

from typing import NamedTuple

from ..data import shown

_HEAD = ("column", "kind", "became", "note")


class Described(NamedTuple):
    """What became of a column.

    Parameters
    ----------
    name : str
    kind : {"number", "category", "boolean", "date", "identifier", "constant", "empty"}
    became : str
        The inputs of the network that it became.
    note : str
        How it was told, and what was done about gaps; may be empty.
    """

    name: str
    kind: str
    became: str
    note: str


class DescribedColumns(tuple[Described, ...]):
    """What became of all columns: a tuple that prints as a table, also in notebooks."""

    def __repr__(self) -> str:
        rows = [_HEAD, *self]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
        return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        return shown.table(_HEAD, self)


def distinct(names: list[str]) -> list[str]:
    """Return names that are all different: such as come again are told apart by a number."""
    taken, found = set(names), list[str]()
    seen: set[str] = set()
    for name in names:
        number, other = 1, name
        while other in seen or (other != name and other in taken):
            number += 1
            other = f"{name} ({number})"
        seen.add(other)
        found.append(other)
    return found
