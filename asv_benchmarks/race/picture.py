#!/usr/bin/env python
"""Draw the race's results as bars and print them as a table.

    python asv_benchmarks/race/picture.py                        # of results.json, to .github/pictures/race.png
    python asv_benchmarks/race/picture.py race.json race.svg

It needs matplotlib, which the extra `plot` brings.
"""

from __future__ import annotations

import argparse
import io
import textwrap
from pathlib import Path
from typing import Any

import libraries
import machine
import results
import table
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke
from PIL import Image

TITLE = "How many times as long as fastbp other libraries take"
SUBTITLE = "One training step, or one row predicted; a logarithmic scale. The fastest of the others is bold."
PICTURE = Path(__file__).resolve().parents[2] / ".github" / "pictures" / "race.png"
COLOURS = {  # M. Okabe, K. Ito, Color universal design, 2008: told apart by all eyes
    "jax": "#0072B2",
    "torch": "#D55E00",
    "torch_compile": "#E69F00",
    "sklearn": "#009E73",
    "onnxruntime": "#CC79A7",
}
INK, SOFT, FAINT = "#1f1f1f", "#595959", "#e3e3e3"  # what is read first, what second, and what is only a guide
WIDTH, ROW = 8.6, 0.139  # inches of the picture and of one bar
RIGHT, ABOVE, BELOW = 0.1, 0.96, 0.68  # inches around the bars
LETTER = 0.079  # inches of a letter in a case's name, at the left of the bars
GAP = 1.0  # rows between two cases
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
DPI, PALETTE = 160, 64  # dots an inch and colours of a PNG


def draw(race: results.Race) -> Figure:
    """Return a figure with a group of bars for each case: the time of each peer as a multiple of fastbp's."""
    groups = [_ordered(result) for result in race["cases"]]
    ratios = [1.0, *(ratio for group in groups for ratio in group.values())]
    rows = sum(map(len, groups)) + GAP * (len(groups) - 1)
    height = ABOVE + ROW * rows + BELOW
    figure = Figure((WIDTH, height))
    left = 0.25 + LETTER * max((len(_named(result)) for result in race["cases"]), default=0)
    ax = figure.add_axes((left / WIDTH, BELOW / height, 1 - (left + RIGHT) / WIDTH, ROW * rows / height))
    ax.set(xscale="log", xlim=(min(ratios), max(ratios) ** 1.12), ylim=(rows, 0))  # room for the longest bar's value
    top = 0.0
    for result, group in zip(race["cases"], groups, strict=True):
        _draw_bars(ax, result, group, top)
        _draw_name(ax, result, top + len(group) / 2)
        top += len(group) + GAP
    _draw_scale(ax)
    _draw_words(figure, race, [name for name in COLOURS if any(name in group for group in groups)])
    return figure


def _ordered(result: results.CaseResult) -> dict[str, float]:
    """Return the ratios of a case in the order of the legend."""
    return {name: result["ratios"][name] for name in COLOURS if name in result["ratios"]}


def _named(result: results.CaseResult) -> str:
    """Return the name of a case: what is done, and the sizes of the network."""
    case = libraries.Case.parse(result["case"])
    return f"{case.mode} {'–'.join(map(str, case.sizes))}"


def _draw_bars(ax: Any, result: results.CaseResult, group: dict[str, float], top: float) -> None:
    """Draw the bars of one case from a row on, with the value at the end of each."""
    halo = [Stroke(linewidth=3, foreground="white"), Normal()]
    for row, (name, ratio) in enumerate(group.items()):
        middle, best = top + row + 0.5, name == results.best(result)
        ax.barh(middle, ratio - 1, 0.84, left=1, color=COLOURS[name])
        value = table.multiple(ratio).replace("x", "×")
        text = {"fontsize": 8, "color": INK, "weight": "bold" if best else "normal", "path_effects": halo}
        ax.annotate(value, (max(ratio, 1), middle), (4, -0.5), textcoords="offset points", va="center", **text)


def _draw_name(ax: Any, result: results.CaseResult, middle: float) -> None:
    """Draw at the left of a case what it is and how long fastbp takes."""
    case = libraries.Case.parse(result["case"])
    lines = [
        (_named(result), 11, {"fontsize": 9, "weight": "bold", "color": INK}),
        (table.conditions(case), 0, {"fontsize": 8, "color": SOFT}),
        (f"fastbp: {table.duration(result['seconds']['fastbp'])} a {case.per}", -11, {"fontsize": 8, "color": SOFT}),
    ]
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right", "va": "center"}
    for line, offset, style in lines:
        ax.annotate(line, (0, middle), (-9, offset), **place, **style)


def _draw_scale(ax: Any) -> None:
    """Draw the scale of multiples, and fastbp as the line at 1."""
    least, largest = ax.get_xlim()
    ticks = [tick for tick in TICKS if least <= tick <= largest]
    ax.set_xticks(ticks, [f"{tick}×" for tick in ticks], fontsize=8, color=SOFT)
    ax.set_xticks([], minor=True)
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.grid(axis="x", color=FAINT, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.axvline(1, color=INK, linewidth=1.6, clip_on=False)
    ax.annotate(
        "fastbp", (1, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
        ha="center", fontsize=8, weight="bold", color=INK,
    )  # fmt: skip
    ax.spines[:].set_visible(False)


def _draw_words(figure: Figure, race: results.Race, peers: list[str]) -> None:
    """Draw the title and the legend above the bars, and below them what they were measured on."""
    left, height = 0.1 / WIDTH, figure.get_figheight()
    figure.text(left, 1 - 0.1 / height, TITLE, va="top", fontsize=12, weight="bold", color=INK)
    figure.text(left, 1 - 0.36 / height, SUBTITLE, va="top", fontsize=8.5, color=SOFT)
    handles = [Patch(color=COLOURS[name], label=libraries.TITLES[name]) for name in peers]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(left, 1 - 0.56 / height), ncols=len(peers), frameon=False,
        fontsize=9, labelcolor=INK, borderpad=0, borderaxespad=0, handlelength=1.3, handleheight=0.8, columnspacing=1.8,
    )  # fmt: skip
    about = machine.in_words(race["machine"], race["versions"], race["date"])
    about = textwrap.fill(f"Medians of {race['rounds']} rounds: {about}.", 150, break_on_hyphens=False)
    figure.text(left, 0.09 / height, about, fontsize=7, color=SOFT, linespacing=1.4)


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file; the same figure gives the same bytes."""
    if path.suffix != ".png":
        return figure.savefig(path)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    Image.open(buffer).convert("RGB").quantize(PALETTE).save(path, optimize=True)


def main() -> None:
    """Draw the picture and print the table."""
    assert __doc__
    summary, _, more = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="?", type=Path, default=results.RESULTS, help="what race --json saved")
    parser.add_argument("picture", nargs="?", type=Path, default=PICTURE, help="file to draw to")
    options = parser.parse_args()
    race = results.load(options.results)
    save(draw(race), options.picture)
    print(table.markdown(race))


if __name__ == "__main__":
    main()
