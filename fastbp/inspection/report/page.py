"""HTML: the page's frame and style, sections, tables, pictures within the page. All text is escaped here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from ...plot import canvas

INK = "#010203"  # drawn where the page's own text colour shall stand, which depends on the reader's light
PIXELS = 96  # an inch, to a browser
SMALLEST = 0.68  # of its size, to which a picture shrinks before it scrolls
_THEME = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK) | {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
}


class Section(NamedTuple):
    """A part of the page; `body` is HTML."""

    title: str
    body: str


def document(title: str, sections: Sequence[Section]) -> str:
    """Return the whole page."""
    entries = "".join(f'<li><a href="#{_anchor(part)}">{escape(part.title)}</a></li>' for part in sections)
    bodies = "\n".join(f'<section id="{_anchor(s)}"><h2>{escape(s.title)}</h2>\n{s.body}</section>' for s in sections)
    return _FRAME.format(title=escape(title), style=_STYLE, entries=entries, bodies=bodies)


def _anchor(part: Section) -> str:
    return re.sub(r"\W+", "-", part.title.lower())


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{escape(text)}</p>\n"


def listed(items: Iterable[str]) -> str:
    """Return a list of plain texts."""
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>\n"


def pairs(values: dict[str, object]) -> str:
    """Return names and what belongs to them."""
    entries = (f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in values.items())
    return f"<dl>{''.join(entries)}</dl>\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """Return a table whose first columns hold text and the others numbers; on a narrow screen it scrolls by itself."""

    def line(cells: Sequence[str], tag: str) -> str:
        kinds = ('class="text"' if place < texts else "" for place in range(len(cells)))
        return "<tr>" + "".join(f"<{tag} {k}>{escape(c)}</{tag}>" for c, k in zip(cells, kinds, strict=True)) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return _wide(f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>") + "\n"


def _wide(body: str) -> str:
    """Return what scrolls by itself where it is wider than the screen."""
    return f'<div class="wide" tabindex="0">{body}</div>'


def folded(summary: str, body: str) -> str:
    """Return what unfolds on a click."""
    return f"<details><summary>{escape(summary)}</summary>\n{body}</details>\n"


def beside(pictures: Iterable[str]) -> str:
    """Return pictures side by side where there is room."""
    return f'<div class="pictures">{"".join(pictures)}</div>\n'


def picture(draw: Callable[[Any], Any], caption: str, width: float = 5.0, height: float = 3.75) -> str:
    """Return a picture, of so many inches where there is room, drawn by a function that is given Axes."""
    with canvas.matplotlib().rc_context(_THEME):
        ax = canvas.blank(width, height)
        draw(ax)
        svg = canvas.as_bytes(ax, "svg").decode()
    svg = _wide(_within_the_page(svg, caption, width))
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>\n"


def _within_the_page(svg: str, caption: str, width: float) -> str:
    """Return an SVG file's picture as an element whose ids are its own and whose ink is the page's."""
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    own = _anchor(Section(caption, ""))
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{own}-", svg)
    head, rest = svg.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    size = f"max-width: {width * PIXELS:.0f}px; min-width: {width * PIXELS * SMALLEST:.0f}px"
    return f'{head} role="img" aria-label="{escape(caption)}" style="{size}">{rest}'


_STYLE = """
:root { color-scheme: light dark;
  --ink: #1a1a1a; --paper: #ffffff; --faint: #5c5c5c; --line: #d9d9d9; --link: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --paper: #16181b; --faint: #a8a8a8; --line: #3a3d42; --link: #56b4e9; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem 1rem 4rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1rem 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0; padding: 0; list-style: none; }
p, li { max-width: 45rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .25rem 2rem; margin: 0; }
dl div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line); }
dt { color: var(--faint); }
dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; }
th:first-child, td:first-child { padding-left: 0; }
.text { text-align: left; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 0 2rem; }
figure { margin: 1rem 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { color: var(--faint); font-size: .9rem; max-width: 45rem; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--link); }
@media print { body { max-width: none; } details > * { display: block; } }
""".strip()

_FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<header><h1>{title}</h1>
<nav aria-label="Contents"><ul>{entries}</ul></nav></header>
<main>
{bodies}
</main>
</body>
</html>
"""
