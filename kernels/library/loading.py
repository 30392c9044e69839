"""The library of kernels for this CPU: opened if it was made of the kernels' present sources."""

import ctypes
import functools
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..entries.typed import DType
from . import settings, sources
from .calls import entry_point
from .levels import Level, levels, present
from .symbols import symbol

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
FOLDER = Path(__file__).parent / "built"


class Library:
    """A shared library of kernels.

    Parameters
    ----------
    path : Path
        Of the library. What it was made of stands beside it, in a file of JSON.

    Attributes
    ----------
    level : str
        The kind of CPU that it is for.
    about : Level
        The same with all that is known of it.
    simd_bits : int
        Width of the vectors that its code computes on.
    tile : (int, int)
        Rows and vectors of its register tiles.
    """

    path: Path
    level: str
    about: Level
    simd_bits: int
    tile: tuple[int, int]

    def __init__(self, path: Path) -> None:
        told = about(path)
        self.path, self._code = path, ctypes.CDLL(str(path))
        self.level, self.tile = told["level"], tuple(told["tile"])
        self.about = next(level for level in levels() if level.name == self.level)
        self.simd_bits = self.about.simd_bits

    def address(self, name: str, dtype: DType, of: str | None = None) -> int | None:
        """Return where a function lies, or None if the library lacks it."""
        try:
            return ctypes.cast(getattr(self._code, symbol(name, dtype, of)), ctypes.c_void_p).value
        except AttributeError:
            return None


@functools.cache
def library() -> Library | None:
    """Return the best library for this CPU, or None where there is none or Numba's settings ask for other code.

    Raises
    ------
    ImportError
        If FASTBP_LIBRARY names a level that can't be used here.
    """
    choice = os.environ.get(settings.CHOICE) or None
    if choice == "off" or (choice is None and settings.compiles_anew()):
        return None
    files = {level.name: FOLDER / f"{level.name}{SUFFIX}" for level in levels()}
    known = [level for level in levels() if files[level.name].exists()]
    usable = [level.name for level in _usable(known, files) if choice in (None, level.name)]
    if usable:
        return _opened(files[usable[-1]])
    if choice:
        raise ImportError(
            f"{settings.CHOICE} must be 'off' or a level whose library is here and current, got {choice!r}"
        )
    return None


def _usable(known, files):
    """Return those of the levels that this CPU has, if their libraries are made of the present sources."""
    known = [level for level in known if is_current(files[level.name])]
    if not known or not known[0].bits:
        return known
    identify = entry_point(_opened(files[known[0].name]).address("identify", "float32"))
    had = present(levels(), identify)  # each level adds to those below it, whose libraries may not be here
    return [level for level in known if level in had]


def about(path: Path) -> dict[str, Any]:
    """Return what is told of a library: its level, its tile, and hashes of the sources and of itself."""
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def digest(path: Path) -> str:
    """Return a hash of a library's code: the system ends a process that opens a damaged one."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_current(path: Path) -> bool:
    """Whether a file is a library, undamaged, that was made of the present sources."""
    try:
        told = about(path)
        if told["code"] != digest(path):
            return False
        return told["sources"] == sources.key()
    except sources.MissingError:  # nobody can have edited them
        return True
    except (OSError, ValueError, KeyError, TypeError):  # incomplete, or no library of ours
        return False


@functools.cache
def _opened(path):
    if sys.platform == "linux":  # whose math library others may have loaded for themselves alone
        try:
            ctypes.CDLL("libm.so.6", ctypes.RTLD_GLOBAL)
        except OSError:  # musl has it in libc
            pass
    return Library(path)
