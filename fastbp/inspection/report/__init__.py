"""One page that tells of one training: a single HTML file that needs nothing else, on a phone or in the dark.

Its pictures are SVG within the page (extra `plot`); it loads nothing, runs no script, and can be sent by mail.
"""

from __future__ import annotations

import os

from ...files.writing import write_whole
from . import sections
from .outcome import Outcome
from .page import document

__all__ = ["Outcome", "write"]


def write(path: str | os.PathLike[str], training: Outcome) -> None:
    """Write the page to a file, whole or not at all. The training may be that of an estimator or a pipeline.

    Raises
    ------
    OSError
        Where the file can't be written.
    ImportError
        Without matplotlib.
    """
    training = training.of_model()
    parts = [part for make in sections.ALL if (part := make(training)) is not None]
    title = f"{training.data.name}: {'-'.join(map(str, training.model.layer_sizes))}"
    write_whole(document(title, parts).encode(), path)
