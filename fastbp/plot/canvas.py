"""What every picture is drawn on: Axes, figures, files, colours that all eyes tell apart, and text that fits.

matplotlib is imported where it is first needed, and pyplot only where a figure of one's own is asked for, so that
no backend is chosen for who brings Axes.
"""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files.writing import check_writable, path_of, write_whole

# M. Okabe, K. Ito, Color universal design, 2008; yellow is left out, since it is too light for lines
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
MARKERS = "osD^vPX*<>"
GREY = "#808080"  # reads on white and on black
SEQUENCE = "viridis"  # for numbers; its lightness rises evenly, so that it reads in grey, too
LEAST_FONT = 5.0  # points: smaller text is left out
SLACK = 1.15  # texts that have so much more room than the tightest one are measured once only: measuring is slow
KEY_FONTS = (8.5, 7.5, 6.5)
FORMATS = ("png", "svg", "pdf", "jpg", "jpeg", "webp", "tif", "tiff", "eps", "ps", "svgz")


def matplotlib(module: str = "") -> Any:
    """Import matplotlib, or a module of it."""
    try:
        return importlib.import_module(f"matplotlib.{module}".rstrip("."))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ImportError("pictures need matplotlib: pip install 'fastbp[plot]'", name=error.name) from None


def check(ax: Any) -> None:
    """Raise TypeError if `ax` is neither None nor Axes, ImportError without matplotlib: before any computing."""
    if not isinstance(ax, (type(None), matplotlib("axes").Axes)):
        raise TypeError(f"ax must be a matplotlib Axes, got {type(ax).__name__}")


def axes(ax: Any) -> Any:
    """Return `ax`, or those of a new figure of pyplot's."""
    return matplotlib("pyplot").subplots(layout="constrained")[1] if ax is None else ax


def blank(width: float, height: float) -> Any:
    """Return the Axes of a new figure of so many inches, which pyplot does not know of."""
    return matplotlib("figure").Figure((width, height), layout="constrained").add_subplot()


def dark(colour: str) -> tuple[float, float, float]:
    """Return a colour no lighter than small text may be, on white and on black."""
    red, green, blue = matplotlib("colors").to_rgb(colour)
    factor = min(1.0, (0.3 / (0.21 * red**2.2 + 0.72 * green**2.2 + 0.07 * blue**2.2)) ** (1 / 2.2))
    return red * factor, green * factor, blue * factor


# ---- files


def check_path(path: str | os.PathLike[str]) -> str:
    """Return the format of a picture to be written there, such as "png".

    Raises
    ------
    ValueError
        Where the name's end tells no format that matplotlib writes without further programs.
    OSError
        Where the file can't be written.
    """
    path = path_of(path)
    ending = Path(path).suffix[1:].lower()
    if ending not in FORMATS:
        raise ValueError(f"{path}: the name must end in a picture's format: .{', .'.join(FORMATS)}")
    check_writable(path)
    return ending


def save(ax: Any, path: str | os.PathLike[str], dpi: int = 150) -> None:
    """Write the figure of these Axes to a file, whole or not at all; the same picture gives the same bytes."""
    kind = check_path(path)
    write_whole(as_bytes(ax, kind, dpi), path)


def as_bytes(ax: Any, kind: str, dpi: int = 150) -> bytes:
    """Return the figure of these Axes as a file's content, without date and program."""
    nothing = {"svg": ("Date", "Creator", "Format", "Type"), "pdf": ("CreationDate", "Creator", "Producer")}
    buffer = io.BytesIO()
    with matplotlib().rc_context({"svg.hashsalt": "fastbp"}):
        metadata = dict.fromkeys(nothing.get(kind, ())) or None
        ax.figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


# ---- text


def key_above(ax: Any, handles: Sequence[Any] | None = None, columns: int = 2, title: str | None = None) -> None:
    """Put the legend above the Axes, where it covers no data, in so many columns, or fewer where it would be too wide.

    Its text shrinks before columns are given up, but where that would leave one column of two entries.
    """
    handles = ax.get_legend_handles_labels()[0] if handles is None else handles
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.3, "frameon": False}
    shape = {"handlelength": 1.6, "columnspacing": 1.2, "labelspacing": 0.3, "alignment": "left", "title": title}
    room = ax.get_window_extent().width
    for ncols in range(min(columns, len(handles)), 0, -1):
        for size in KEY_FONTS:
            legend = ax.legend(handles=handles, ncols=ncols, fontsize=size, title_fontsize=size, **place, **shape)
            if legend.get_window_extent().width <= room:
                return


def lay_out(ax: Any) -> Any:
    """Let the figure find its Axes' places; return that of `ax` in pixels."""
    figure = ax.figure.figure
    figure.draw_without_rendering()
    return ax.get_window_extent()


def fit(texts: Sequence[Any], rooms: Sequence[tuple[float, float]], largest: float) -> float:
    """Give all texts the one largest font size, in points, at which each fits its room of (width, height) pixels.

    The rooms lie within the Axes, so that a layout need not measure the texts again.
    """
    size, tight = largest, list(zip(texts, rooms, strict=True))
    for text in texts:
        text.set_in_layout(False)
    for _ in range(3):  # text does not shrink quite as its size does
        shares = [_share(text, room, size) for text, room in tight]
        size *= min([1.0, *shares])
        tight = [pair for pair, share in zip(tight, shares, strict=True) if share < SLACK * min(shares)]
    for text in texts:
        text.set_fontsize(size)
    return size


def _share(text: Any, room: tuple[float, float], size: float) -> float:
    """Return by what factor a text of this font size would have to grow, or shrink, to fill its room."""
    text.set_fontsize(size)
    box = text.get_window_extent()
    return min(room[0] / max(box.width, 1), room[1] / max(box.height, 1))
