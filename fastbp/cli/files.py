"""The files that a command reads and writes: no file that is read may be written, and no file be written twice."""

from __future__ import annotations

import argparse
import glob
import os
from collections.abc import Iterator
from itertools import combinations

PARTS = "*.parquet", "X*.npy", "*.csv", "*.csv.gz"  # of a folder that is read in pieces
_READ = *PARTS, "y*.npy", "train-*", "t10k-*"  # of any folder, MNIST's among them


def different(options: argparse.Namespace, *names: str) -> dict[str, str]:
    """Return the files that these options write; raise ValueError if two are the same, or if one of them is read."""
    files = {name: path for name in names if (path := getattr(options, name)) is not None}
    for one, other in combinations(files, 2):
        if _same(files[one], files[other]):
            raise ValueError(f"--{one} and --{other} must be different files, got {files[other]}")
    for option, read in _read(options):
        for name, path in files.items():
            if _same(path, read):
                raise ValueError(f"--{name} must name another file than those that --{option} reads, got {path}")
    return files


def is_pattern(path: str) -> bool:
    """Return whether a path is a pattern of files, such as part-*.csv."""
    return glob.has_magic(path) and not os.path.exists(path)


def _same(one: str, other: str) -> bool:
    """Return whether two paths lead to one file, which need not be there yet."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _read(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield the option and the path of each file that is read: the data, their parts, and checkpoints."""
    if options.data is not None:
        yield from (("data", path) for path in _data(options.data))
    folder = getattr(options, "checkpoint", None)
    if folder is not None and os.path.isdir(folder):
        from ..training.checkpoints.folder import files

        yield from (("checkpoint", file.path) for file in files(folder))


def _data(path: str) -> list[str]:
    if is_pattern(path):
        return glob.glob(path, recursive=True)
    if os.path.isdir(path):
        return [file for name in _READ for file in glob.glob(os.path.join(glob.escape(path), name))]
    return [path]
