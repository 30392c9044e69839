"""What a model can do through modules that stand above it: each is imported when it is called."""

from __future__ import annotations

import os


class Doors:
    """The part of `Model` that leads elsewhere."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file, whole or not at all; `fastbp.load` reads it back to the bit."""
        from .files import models

        models.save(self, path)  # type: ignore[arg-type]
