"""The files of a folder of checkpoints: their names, the newest, those that are removed."""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Any, NamedTuple

import numpy as np

from ...callbacks.warning import warn
from ...files import sealed
from ...files.writing import sync_folder, write_whole

_NAME = re.compile(r"checkpoint-([0-9]{8,})-([0-9a-f]{8})\.safetensors")


class File(NamedTuple):
    """A checkpoint: its number, which grows, the training that it is of, and its path."""

    number: int
    training: str
    path: str


def files(folder: str) -> list[File]:
    """Return the checkpoints of a folder, the newest last; none if there is no such folder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = ((match, name) for name in names if (match := _NAME.fullmatch(name)))
    return sorted(File(int(match[1]), match[2], os.path.join(folder, name)) for match, name in found)


def write(folder: str, training: str, keep: int, config: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    """Write the next checkpoint of a training, and remove those of the same training before the newest `keep`."""
    if not os.path.isdir(folder):
        os.makedirs(folder, exist_ok=True)
        sync_folder(os.path.dirname(os.path.abspath(folder)))
    there = files(folder)
    number = there[-1].number + 1 if there else 1
    path = os.path.join(folder, f"checkpoint-{number:08d}-{training}.safetensors")
    write_whole(sealed.packed(sealed.CHECKPOINT, config, tensors), path)
    tidy(folder, training, keep)


def tidy(folder: str, training: str, keep: int) -> None:
    """Remove the checkpoints of a training before its newest `keep`."""
    own = [file for file in files(folder) if file.training == training]
    for file in own[:-keep]:
        with contextlib.suppress(OSError):
            os.unlink(file.path)


def newest(folder: str) -> tuple[str, dict[str, Any], dict[str, np.ndarray]] | None:
    """Return path and content of the newest checkpoint that can be read, or None if the folder holds none.

    Raises ValueError if there are some but none can be read.
    """
    error: ValueError | None = None
    for file in reversed(files(folder)):
        try:
            data, metadata = sealed.read(file.path)
            if metadata["format"] != sealed.CHECKPOINT:
                raise ValueError(f"{file.path}: holds {metadata['format']!r}, not a checkpoint")
        except FileNotFoundError:  # another process of the same training has removed it
            continue
        except ValueError as wrong:
            error = error or wrong
            continue
        if error is not None:
            warn(f"{error}; an older checkpoint is taken, {file.path}")
        return file.path, json.loads(metadata["config"]), sealed.tensors(data)
    if error is not None:
        raise error
    return None
