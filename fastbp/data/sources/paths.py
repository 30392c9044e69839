"""The files of a source: found by path, pattern or folder, and compared with what they were."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from typing import Any

from .source import PieceError


class Files:
    """The files of a source, in order.

    Parameters
    ----------
    paths : list of str
    """

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        self._stamps = {path: _stamp(path) for path in paths}

    def check(self, path: str) -> None:
        """Raise PieceError if a file is gone or has changed since this object was made."""
        if _stamp(path) != self._stamps[path]:
            raise PieceError(f"{path}: has changed since the source was made; rows must stay as they are")

    def identity(self) -> list[list[Any]]:
        """Return the names and sizes of the files."""
        return [[os.path.basename(path), self._stamps[path][0]] for path in self.paths]


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError as error:
        raise PieceError(f"{path}: can't be read: {error.strerror}") from error
    return found.st_size, found.st_mtime_ns


def found(name: str, value: Any, pattern: str) -> Files:
    """Return the files that a path, a pattern such as "part-*.csv", a folder or a list of these names.

    Their paths are absolute, as the working folder may change before they are read.
    Those of a folder match `pattern`. Files of a pattern or folder are sorted by name.
    """
    given = [value] if isinstance(value, (str, os.PathLike)) else value
    if not isinstance(given, Iterable):
        raise TypeError(f"{name} must be a path, a pattern, a folder or a list of these, got {value!r}")
    paths: list[str] = []
    for one in given:
        if not isinstance(one, (str, os.PathLike)):
            raise TypeError(f"{name} must be a path, a pattern, a folder or a list of these, got {one!r} in it")
        paths += _of(name, os.fsdecode(one), pattern)
    if not paths:
        raise ValueError(f"{name} must name at least one file, got {value!r}")
    return Files([os.path.abspath(path) for path in paths])


def _of(name: str, path: str, pattern: str) -> list[str]:
    if os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        matching = sorted(glob.glob(os.path.join(glob.escape(path), pattern)))
    elif glob.has_magic(path):
        matching = sorted(filter(os.path.isfile, glob.glob(path, recursive=True)))
    else:
        raise FileNotFoundError(2, f"{name}: no such file or folder", path)
    if not matching:
        raise FileNotFoundError(
            2, f"{name}: no file matches {pattern!r} there" if os.path.isdir(path) else f"{name}: no file matches", path
        )
    return matching
