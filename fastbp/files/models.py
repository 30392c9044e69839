"""Saved models: safetensors, with the settings and a checksum of the whole file as metadata."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from ..model import Model

FORMAT, VERSION = "fastbp-model", "1"
TENSORS = "weight", "bias", "norm.weight", "norm.bias"  # of a layer: W, b and, where it is normalized, g and c
LONGEST_HEADER = 100_000_000  # bytes, the format's own limit
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')  # quotes inside the other values are escaped
_BLANK = b"0" * 64  # stands in the digest's place while it is computed


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all; the same model gives the same bytes.

    Parameters
    ----------
    model : Model
    path : path
        A file there is replaced.

    Raises
    ------
    OSError
        Where the file can't be written; what was there is then as it was.
    """
    write_whole(_packed(model), path)


def write_whole(data: bytes, path: str | os.PathLike[str]) -> None:
    """Write a file, whole or not at all: `data` takes its name once it is on the disk.

    Raises
    ------
    OSError
        Where the file can't be written; what was there is then as it was.
    """
    path = check_writable(path)
    temporary = _beside(path)
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, path) from error
        raise


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model that `Model.save` wrote: its predictions and its further training are the same to the bit.

    Parameters
    ----------
    path : path

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        Where the file is no model, a byte of it is damaged, or a newer fastbp wrote it.
    OSError
        Where the file can't be read.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        head, metadata = _header(file, path)
        data = head + file.read()
    _check_digest(data, len(head), path)
    try:
        return _unpacked(data, metadata)
    except MemoryError:
        raise
    except Exception as error:  # no damage, the checksum is right: whatever it is, the file was not made by `save`
        raise ValueError(f"{path}: not a model that fastbp can use: {error}") from error


def check_writable(path: str | os.PathLike[str]) -> str:
    """Return the path that a model saved there is written to, links followed, if it can be.

    Raises
    ------
    OSError
        Where it can't: it is no ordinary file, write-protected, or its folder is missing or takes no new file.
    """
    given = os.fspath(path)
    path = os.path.realpath(given)
    if os.path.isdir(path) or given.endswith(("/", os.sep)):
        raise IsADirectoryError(errno.EISDIR, "is a folder", given)
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "is no ordinary file", given)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.lstat(path)  # too long a name?
        if os.path.exists(path):
            open(path, "ab").close()  # write-protected?
        temporary = _beside(path)
        open(temporary, "xb").close()
        os.unlink(temporary)
    except OSError as error:
        raise OSError(error.errno, error.strerror, given) from error
    return path


def _beside(path: str) -> str:
    return os.path.join(os.path.dirname(path), f".fastbp-{secrets.token_hex(8)}.tmp")


def _packed(model: Model) -> bytes:
    """Return the whole file of a model."""
    from safetensors.numpy import save as pack

    config, state = model.get_config(), model.get_state()
    tensors: dict[str, np.ndarray] = {}
    del config["n_threads"]  # it is the machine's, and the next may have fewer
    for i, layer in enumerate(model.parameters):
        tensors |= {f"layers.{i}.{name}": array for name, array in zip(TENSORS, layer, strict=False)}
    for slot, values in state["optimizer"].items():
        tensors[f"optimizer.{slot}"] = values
    for name in ("shift", "scale"):
        if isinstance(config[f"input_{name}"], list):
            tensors[f"input.{name}"] = np.array(config.pop(f"input_{name}"), np.float64)
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "config": json.dumps(config),
        "steps": str(state["steps"]),
        "random": json.dumps(state["random"]),
        "sha256": _BLANK.decode(),
    }
    data = pack({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, metadata)
    head, body = _in_order(data)
    digest = hashlib.sha256(head + body).hexdigest().encode()
    return _DIGEST.sub(b'"sha256":"%s"' % digest, head) + body


def _in_order(data: bytes) -> tuple[bytes, bytes]:
    """Return a safetensors file's header, its metadata in alphabetical instead of random order, and the rest."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8
    return len(text).to_bytes(8, "little") + text, data[end:]


def _header(file: BinaryIO, path: str) -> tuple[bytes, dict[str, str]]:
    """Return the bytes before the tensors, and the metadata in them."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    text = file.read(length) if len(start) == 8 and length <= LONGEST_HEADER else b""
    try:
        metadata = json.loads(text)["__metadata__"]
        written_by = metadata["format"], metadata["version"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ValueError(f"{path}: not a model that fastbp saved, or cut short or damaged") from error
    if written_by[0] != FORMAT:
        raise ValueError(f"{path}: holds {written_by[0]!r}, not a model that fastbp saved")
    if written_by[1] != VERSION:
        raise ValueError(
            f"{path}: model format {written_by[1]!r}, this fastbp reads format {VERSION!r}: "
            "a newer fastbp wrote the file, or it is damaged"
        )
    return start + text, metadata


def _check_digest(data: bytes, header: int, path: str) -> None:
    places = list(_DIGEST.finditer(data, 8, header))
    if len(places) == 1:
        begin, end = places[0].span(1)
        digest = hashlib.sha256(data[:begin])
        digest.update(_BLANK)
        digest.update(memoryview(data)[end:])
        if digest.hexdigest().encode() == data[begin:end]:
            return
    raise ValueError(f"{path}: damaged: its content does not match its checksum")


def _unpacked(data: bytes, metadata: dict[str, str]) -> Model:
    from safetensors.numpy import load as unpack

    from ..model import Model

    tensors = unpack(data)
    config: dict[str, Any] = json.loads(metadata["config"])
    for name in ("shift", "scale"):
        if f"input.{name}" in tensors:
            config[f"input_{name}"] = tensors.pop(f"input.{name}")
    model = Model(**config)
    for i, layer in enumerate(model.parameters):
        for name, array in zip(TENSORS, layer, strict=False):
            array[...] = _fitting(tensors.pop(f"layers.{i}.{name}"), array)
    slots = {name.removeprefix("optimizer."): tensor for name, tensor in tensors.items()}
    state = {"steps": int(metadata["steps"]), "random": json.loads(metadata["random"]), "optimizer": slots}
    model.set_state(model.get_state() | state)
    return model


def _fitting(tensor: np.ndarray, place: np.ndarray) -> np.ndarray:
    if tensor.shape != place.shape or tensor.dtype != place.dtype:
        expected = f"{place.shape} of {place.dtype}"
        raise ValueError(f"a tensor of shape {tensor.shape} of {tensor.dtype}, expected {expected}")
    return tensor
