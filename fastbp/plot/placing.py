"""Text beside points, so that none stands on another."""

from __future__ import annotations

from typing import Any

import numpy as np

FONT = 7.5  # points
AROUND = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]  # directions, the best first
DISTANCES = (6.0, 10.0, 15.0, 21.0, 28.0)  # points
MARK = 3.5  # points from a mark's middle to its edge


class Placer:
    """Knows what room is taken, in pixels. The Axes must have their limits and place by now.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    marks : list of (x, y)
        Points of data that no text may cover.
    """

    ax: Any
    point: float
    taken: list[tuple[float, float, float, float]]
    frame: Any

    def __init__(self, ax: Any, marks: list[tuple[float, float]]) -> None:
        self.ax, self.point = ax, ax.figure.figure.dpi / 72  # pixels
        edge = MARK * self.point
        self.taken = [(x - edge, y - edge, x + edge, y + edge) for x, y in ax.transData.transform(marks)]
        self.frame = ax.get_window_extent().extents

    def beside(self, at: tuple[float, float], label: str, colour: Any) -> None:
        """Write a label next to a mark; a line leads to it where it must stand far off."""
        if not label:
            return
        style = {"ha": "center", "va": "center", "fontsize": FONT, "color": colour}
        text = self.ax.annotate(label, at, (0, 0), textcoords="offset points", **style)
        extent = text.get_window_extent()
        half, middle = np.array([extent.width, extent.height]) / 2, self.ax.transData.transform(at)
        candidates = [(distance, np.array(way)) for distance in DISTANCES for way in AROUND]
        offsets = [self.point * r * way / np.hypot(*way) + np.sign(way) * half * 0.5 for r, way in candidates]
        boxes = [(*(middle + offset - half), *(middle + offset + half)) for offset in offsets]
        best = min(range(len(boxes)), key=lambda i: (self._covered(boxes[i]), i))
        self.taken.append(boxes[best])
        text.set_position(offsets[best] / self.point)
        if candidates[best][0] > DISTANCES[1]:
            self._lead(at, offsets[best] / self.point, colour)

    def _lead(self, at: tuple[float, float], offset: np.ndarray, colour: Any) -> None:
        style = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 3, "shrinkB": 3, "color": colour}
        self.ax.annotate("", at, offset, textcoords="offset points", arrowprops=style)

    def along(self, at: tuple[float, float], towards: tuple[float, float], label: str, ha: str) -> None:
        """Write a label just above a line from one point towards another, its middle or end where the line begins."""
        start, end = self.ax.transData.transform([at, towards])
        angle = np.arctan2(*(end - start)[::-1])
        away = np.array([-np.sin(angle), np.cos(angle)]) * 3 - (3 * (ha == "right"), 0)
        style = {"rotation": np.degrees(angle), "rotation_mode": "anchor", "fontsize": FONT, "ha": ha}
        text = self.ax.annotate(label, at, away, textcoords="offset points", va="bottom", **style)
        self.taken.append(text.get_window_extent().extents)

    def _covered(self, box: tuple[float, ...]) -> float:
        """Return the area of a box that is taken, or outside."""
        left, bottom, right, top = box
        outside = (right - left) * (top - bottom) - _common(box, self.frame)
        return outside + sum(_common(box, other) for other in self.taken)


def _common(one: Any, other: Any) -> float:
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)
