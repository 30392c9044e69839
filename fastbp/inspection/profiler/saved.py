"""Profiles that were saved, read back."""

from __future__ import annotations

import json
import os
from typing import Any

from ...files.writing import path_of

_NUMBER = (int, float)
_PARTS: dict[str, dict[str, Any]] = {
    "machine": {"cpu": str, **dict.fromkeys(("threads", "simd_bits", "peak_gflops", "bandwidth_gbs"), _NUMBER)},
    "kernels": {"name": str, "layer": (int, type(None)), "seconds": _NUMBER},
    "step": dict.fromkeys(("count", "seconds", "kernel_seconds", "seconds_unprofiled"), _NUMBER),
}  # what a comparison reads, and of which type it is


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `Profile.to_dict` made and `Profile.save` wrote; ValueError where the file holds something else."""
    path = path_of(path)
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        for part, kinds in _PARTS.items():
            rows = found[part] if part == "kernels" else [found[part]]
            if not all(isinstance(row[name], kind) for row in rows for name, kind in kinds.items()):
                raise TypeError(part)
        if found["step"]["count"] <= 0:
            raise ValueError("count")
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}: not a profile that fastbp profile --json wrote") from None
    return found
