"""The pictures of README.md here, drawn anew: ``python -m fastbp.plot.gallery .github/pictures``."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..files import datasets
from ..files.writing import write_whole
from ..model.model import Model
from . import canvas, confusion, descent, history, network

WIDTH, HEIGHT, DPI = 4.8, 3.6, 160  # inches; dots an inch
COLOURS = 160  # of a file, which is half as large for it


def pictures() -> dict[str, Callable[[Any], Any]]:
    """Return functions that draw into Axes, by name: of a small network that learns the digits that come along."""
    data = datasets.split(datasets.digits(), 0.2, seed=0)
    shift, scale = datasets.scaling(data.X)
    held, some = (data.X_test, data.y_test), (data.X[:500], data.y[:500])

    def model() -> Model:
        sizes = [64, 32, 10]
        return Model(sizes, seed=0, input_shift=shift, input_scale=scale, class_names=data.class_names)

    fresh, trained = model(), model()
    curves = trained.fit(data.X, data.y, epochs=20, batch_size=32, validation_data=held, verbose=0)
    return {
        "confusion": lambda ax: confusion(trained, *held, ax),
        "descent": lambda ax: descent(fresh, *some, ax=ax, steps=40, learning_rate=0.5),
        "history": lambda ax: history(curves, ax),
        "network": lambda ax: network(fresh, ax),
    }


def main(arguments: Sequence[str]) -> int:
    """Draw into the folder named; return the exit status."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m fastbp.plot.gallery FOLDER", file=sys.stderr)
        return 2
    for name, draw in pictures().items():
        ax = canvas.blank(WIDTH, HEIGHT)
        draw(ax)
        write_whole(_small(canvas.as_bytes(ax, "png", DPI)), Path(arguments[0]) / f"{name}.png")
    return 0


def _small(png: bytes) -> bytes:
    """Return a picture of few colours."""
    from PIL import Image  # which matplotlib brings along

    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
