"""Where compiled kernels lie on disk: how their folder is found and made, and how files are written and removed."""

import contextlib
import os
import re
import secrets
import tempfile
import warnings
from pathlib import Path

from numba.core import config
from numba.misc.appdirs import AppDirs

KEPT = 8  # caches, so that switching back and forth between versions compiles nothing anew
NAME = re.compile(r"[0-9a-f]{24}")  # of a cache


def folder(key):
    """Folder of the kernels under this key, made if need be; None where none can be written."""
    base = Path(config.CACHE_DIR or AppDirs("fastbp", appauthor=False).user_cache_dir)
    base = base / "fastbp" if config.CACHE_DIR else base
    found = base / key
    try:
        found.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=found).close()
        os.utime(found)
    except OSError as error:
        if any(found.glob("*.kernel")):  # a read-only install, compiled ahead
            return found
        message = f"fastbp compiles its kernels anew in every process: no cache in {found} ({error.strerror})"
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        return None
    prune(base)
    return found


def write(path, content):
    """Write a file, whole or not at all."""
    part = path.with_suffix(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # another process may have pruned it
        part.write_bytes(content)
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def prune(base):
    """Remove all but the newest caches; another process that still uses one merely compiles again."""
    with contextlib.suppress(OSError), os.scandir(base) as entries:
        for cache in sorted(filter(_is_cache, entries), key=_age)[KEPT:]:
            _remove(cache)


def _is_cache(entry):
    """Whether a folder's entry is a folder named like a cache that holds nothing but kernels."""
    try:
        if not (NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)):
            return False
        with os.scandir(entry) as files:
            return all(map(_is_kernel, files))
    except OSError:
        return False


def _is_kernel(entry):
    """Whether a cache's entry is a kernel, or one that was never wholly written."""
    return entry.name.endswith((".kernel", ".part")) and entry.is_file(follow_symlinks=False)


def _age(entry):
    try:
        return -entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def _remove(cache):
    """Remove a cache file by file: where anything else has come into it, that and the folder stay."""
    with contextlib.suppress(OSError):
        with os.scandir(cache) as files:
            for file in filter(_is_kernel, list(files)):
                os.unlink(file.path)
        os.rmdir(cache.path)
