"""Files in the safetensors format, with settings and a checksum of the whole file as metadata."""

from __future__ import annotations

import hashlib
import json
import re
import reprlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

MODEL, TABLE, CHECKPOINT = "fastbp-model", "fastbp-table", "fastbp-checkpoint"
VERSIONS = {MODEL: "3", TABLE: "2", CHECKPOINT: "2"}  # of each format that can be read
LONGEST_HEADER = 100_000_000  # bytes, the format's own limit
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')  # quotes inside the other values are escaped
_BLANK = b"0" * 64  # stands in the digest's place while it is computed


def packed(
    name: str, config: Any, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> tuple[bytes, memoryview]:
    """Return the header and the arrays of a file of a format; the same content gives the same bytes.

    `config` is kept as JSON, beside `metadata`. The arrays are copied once.
    """
    from safetensors.numpy import save as pack

    told = {"format": name, "version": VERSIONS[name], "config": json.dumps(config), "sha256": _BLANK.decode()}
    data = pack({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, told | dict(metadata or {}))
    head, body = _in_order(data)
    digest = hashlib.sha256(head)
    digest.update(body)
    return _DIGEST.sub(b'"sha256":"%s"' % digest.hexdigest().encode(), head), body


def read(path: str) -> tuple[bytes, dict[str, str]]:
    """Return a file's bytes and its metadata; raise ValueError for other formats, other versions and damaged files."""
    with open(path, "rb") as file:
        head, metadata = _header(file, path)
        data = head + file.read()
    _check_digest(data, len(head), path)
    return data, metadata


def tensors(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of a file; raise ValueError where they are none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpack

    try:
        return unpack(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _in_order(data: bytes) -> tuple[bytes, memoryview]:
    """Return a safetensors file's header, its metadata in alphabetical instead of random order, and the rest."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8
    return len(text).to_bytes(8, "little") + text, memoryview(data)[end:]


def _header(file: BinaryIO, path: str) -> tuple[bytes, dict[str, str]]:
    """Return the bytes before the tensors, and the metadata in them."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    text = file.read(length) if len(start) == 8 and length <= LONGEST_HEADER else b""
    try:
        metadata = json.loads(text)["__metadata__"]
        written_by = str(metadata["format"]), metadata["version"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ValueError(f"{path}: not a model that fastbp saved, or cut short or damaged") from error
    if written_by[0] not in VERSIONS:
        raise ValueError(f"{path}: holds {reprlib.repr(written_by[0])}, not a model that fastbp saved")
    if written_by[1] != VERSIONS[written_by[0]]:
        raise ValueError(
            f"{path}: model format {reprlib.repr(written_by[1])}, this fastbp reads format "
            f"{VERSIONS[written_by[0]]!r}: an older or a newer fastbp wrote the file, or it is damaged"
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
