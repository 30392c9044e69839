"""Rows as users have them, and the validation of arguments; sources of rows that are read in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sources.parquet import Arrow, Parquet
    from .sources.parts import Csv, Npy
    from .sources.pieces import Pieces

__all__ = ["Arrow", "Csv", "Npy", "Parquet", "Pieces"]

_PLACES = {"Arrow": "parquet", "Csv": "parts", "Npy": "parts", "Parquet": "parquet", "Pieces": "pieces"}


def __getattr__(name: str) -> object:
    """Import on first use: modules of this folder import each other before any of these."""
    import importlib

    if name in _PLACES:
        return getattr(importlib.import_module(f".sources.{_PLACES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
