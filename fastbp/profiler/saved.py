"""Profiles that were saved, read back."""

from __future__ import annotations

import json
import os
from typing import Any

_PARTS = {
    "machine": {"cpu", "threads", "simd_bits", "peak_gflops", "bandwidth_gbs"},
    "kernels": {"name", "layer", "seconds"},
    "step": {"count", "seconds", "kernel_seconds", "seconds_unprofiled"},
}  # what a comparison reads


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `Profile.to_dict` made and `Profile.save` wrote; ValueError where the file holds something else."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        for part, names in _PARTS.items():
            rows = found[part] if part == "kernels" else [found[part]]
            if not all(names <= row.keys() for row in rows):
                raise KeyError(part)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{os.fspath(path)}: not a profile that fastbp profile --json wrote") from None
    return found
