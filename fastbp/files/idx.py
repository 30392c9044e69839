"""IDX, the format of MNIST: a magic number, the size of each dimension, then plain bytes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from .streams import whole

UBYTE = 0x08  # third byte of the magic number: what one value is


def is_idx(head: bytes) -> bool:
    """Return whether a file that begins with these four bytes says that it is IDX, of any type of value."""
    return len(head) >= 4 and head[:2] == b"\0\0" and 0x08 <= head[2] <= 0x0E and head[3] > 0


def images(data: bytes, path: object) -> np.ndarray:
    """Return the images of an IDX file as rows.

    Parameters
    ----------
    data : bytes
        The whole file, decompressed.
    path : object
        What errors call the file.

    Returns
    -------
    ndarray of shape (images, pixels), uint8, read-only

    Raises
    ------
    ValueError
        For another magic number, no image, or more or fewer bytes than the sizes say.
    """
    pixels = _ubytes(data, path)
    if pixels.ndim < 2:
        raise ValueError(f"{path}: holds labels (magic number {_magic(data)}), expected images (0x00000803)")
    return pixels.reshape(len(pixels), -1)


def labels(data: bytes, path: object) -> np.ndarray:
    """Return the labels of an IDX file, shape (labels,), uint8, read-only; ValueError as for `images`."""
    numbers = _ubytes(data, path)
    if numbers.ndim != 1:
        raise ValueError(f"{path}: holds images (magic number {_magic(data)}), expected labels (0x00000801)")
    return numbers


def _magic(data: bytes) -> str:
    return f"0x{data[:4].hex()}"


def _ubytes(data: bytes, path: object) -> np.ndarray:
    if not is_idx(data[:4]) or data[2] != UBYTE:
        raise ValueError(
            f"{path}: magic number {_magic(data)} is not that of IDX images (0x00000803) or labels (0x00000801)"
        )
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise ValueError(f"{path}: cut short: {len(data)} bytes, its header alone takes {start}")
    sizes = [int.from_bytes(data[i : i + 4], "big") for i in range(4, start, 4)]
    if 0 in sizes:
        raise ValueError(f"{path}: holds nothing: its sizes are {sizes}")
    held, expected = len(data) - start, math.prod(sizes)
    if held != expected:
        state = "cut short" if held < expected else "too long"
        raise ValueError(f"{path}: {state}: {held} bytes of data, its sizes {sizes} take {expected}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(sizes)


def folder(path: Path, part: str, max_bytes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of one part of MNIST, "train" or "t10k", from a folder of IDX files.

    Returns
    -------
    X : ndarray of shape (images, pixels), uint8
    y : ndarray of shape (images,), uint8

    Raises
    ------
    ValueError
        For a file that is missing or as it should not be, and for unlike numbers of images and labels.
    """
    X = images(*_content(path, f"{part}-images", "-idx3-ubyte", max_bytes))
    y = labels(*_content(path, f"{part}-labels", "-idx1-ubyte", max_bytes))
    if len(X) != len(y):
        raise ValueError(f"{path}: {len(X)} images and {len(y)} labels in its {part} files")
    return X, y


def has(path: Path, part: str) -> bool:
    """Return whether a folder holds a file of that part."""
    return any(path.glob(f"{part}-*-ubyte*")) or any(path.glob(f"{part}-*.idx?-ubyte*"))


def _content(path: Path, start: str, end: str, max_bytes: int | None) -> tuple[bytes, Path]:
    for name in (start + end, start + end.replace("-", ".", 1)):  # some mirrors have a dot there
        for file in (path / name, path / f"{name}.gz"):
            if file.is_file():
                return whole(file, max_bytes), file
    raise ValueError(f"{path}: no {start}{end} or {start}{end}.gz in this folder")
