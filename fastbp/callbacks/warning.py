"""Warnings that name the line from which this package was called, however deep it is."""

from __future__ import annotations

import sys
import warnings


def warn(text: str, kind: type[Warning] = RuntimeWarning) -> None:
    """Give a warning that names the line outside this package from which it was called."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "fastbp":
        frame, level = frame.f_back, level + 1
    warnings.warn(text, kind, stacklevel=level)
