"""Kernels under the roof that a machine's arithmetic and memory put over them.

S. Williams, A. Waterman, D. Patterson, Roofline: an insightful visual performance model, 2009.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from . import canvas
from .placing import Placer

ROOM = 0.12  # share of an axis, in logarithms, that is left beyond the outermost points
ON_ROOF = 100  # places that no number may cover
COLOURS = (*canvas.COLOURS, canvas.GREY)


class Point(NamedTuple):
    """A kernel in a layer."""

    name: str
    layer: str
    intensity: float
    gflops: float


def roofline(profile: Any, ax: Any = None) -> Any:
    """Draw each kernel's GFLOP/s over its FLOP a byte, under the roof of this machine; a colour and mark a kernel.

    Numbers beside the points are the layers', from 1. Kernels that compute nothing (0 FLOP) are left out.

    Parameters
    ----------
    profile : Profile or dict
        What `fastbp.profile` returned, or its `to_dict()`, as `fastbp profile --json` writes it: "machine" with
        "peak_gflops" and "bandwidth_gbs", and "kernels" with "name", "layer", "flop", "bytes" and "gflops" each.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    canvas.check(ax)
    peak, bandwidth, points = _read(profile)
    ax = canvas.axes(ax)
    ridge = peak / bandwidth
    low, high = _limits([ridge, *(point.intensity for point in points)])
    roof = [(low, bandwidth * low), (ridge, peak), (high, peak)]
    speeds = _limits([bandwidth * low, peak, *(point.gflops for point in points)])
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=speeds)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")  # 100, not 10^2
        axis.set_minor_formatter(canvas.matplotlib("ticker").LogFormatter())
    ax.plot(*zip(*roof, strict=True), color=canvas.GREY, linewidth=1.5)
    ax.set(xlabel="FLOP / byte", ylabel="GFLOP/s")
    names = list(dict.fromkeys(point.name for point in points))
    handles = [_draw_kernel(ax, place, [p for p in points if p.name == name]) for place, name in enumerate(names)]
    canvas.key_above(ax, handles, title="kernels; numbers are layers")
    _label(ax, points, {handle.get_label(): handle.get_color() for handle in handles}, roof)
    return ax


def _limits(numbers: list[float]) -> tuple[float, float]:
    """Return an axis's ends around numbers, a factor of two beyond them at least."""
    low, high = np.log(min(numbers)), np.log(max(numbers))
    margin = max(ROOM * (high - low), np.log(2))
    return float(np.exp(low - margin)), float(np.exp(high + margin))


def _read(profile: Any) -> tuple[float, float, list[Point]]:
    """Return the peak in GFLOP/s, the bandwidth in GB/s, and the kernels that compute."""
    held = profile.to_dict() if hasattr(profile, "to_dict") else profile
    if not isinstance(held, Mapping):
        raise TypeError(f"profile must be what fastbp.profile returns, or its dict, got {type(profile).__name__}")
    try:
        peak, bandwidth = (float(held["machine"][name]) for name in ("peak_gflops", "bandwidth_gbs"))
        points = [_point(kernel) for kernel in held["kernels"] if kernel["flop"] > 0]
    except (KeyError, TypeError) as error:
        raise ValueError(f"profile must hold the machine's and the kernels' numbers, got none of {error}") from None
    numbers = [peak, bandwidth, *(number for point in points for number in point[2:])]
    if not (np.isfinite(numbers).all() and min(numbers) > 0):
        raise ValueError("profile must hold numbers above 0: peak, bandwidth, bytes and gflops of kernels with flop")
    if not points:
        raise ValueError("profile must hold a kernel with flop above 0, got none")
    return peak, bandwidth, points


def _point(kernel: Mapping[str, Any]) -> Point:
    name, layer = kernel["name"].removeprefix("fast_"), "" if kernel["layer"] is None else str(kernel["layer"])
    return Point(name, layer, kernel["flop"] / (kernel["bytes"] or np.nan), float(kernel["gflops"]))


def _draw_kernel(ax: Any, place: int, points: list[Point]) -> Any:
    colour, marker = COLOURS[place % len(COLOURS)], canvas.MARKERS[place % len(canvas.MARKERS)]
    x, y = [point.intensity for point in points], [point.gflops for point in points]
    style = {"color": colour, "marker": marker, "markersize": 5, "linestyle": "", "markeredgewidth": 0}
    return ax.plot(x, y, **style, label=points[0].name)[0]


def _label(ax: Any, points: list[Point], colours: dict[str, str], roof: list[tuple[float, float]]) -> None:
    """Write the layers' numbers beside the points, and the roof's on it, none over another."""
    canvas.lay_out(ax)
    (low, slope), (ridge, top), (high, _) = roof
    under = np.geomspace(low, high, ON_ROOF)
    on_roof = zip(under, np.minimum(under * top / ridge, top), strict=True)
    placer = Placer(ax, [*((point.intensity, point.gflops) for point in points), *on_roof])
    placer.along((high, top), (high * 2, top), f"{top:.3g} GFLOP/s", ha="right")
    placer.along((np.sqrt(low * ridge), np.sqrt(slope * top)), (ridge, top), f"{top / ridge:.3g} GB/s", ha="center")
    for point in points:
        placer.beside((point.intensity, point.gflops), point.layer, canvas.dark(colours[point.name]))
