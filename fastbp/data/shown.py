"""Results as notebooks show them: tables of HTML, and text that is shown as it prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST_ROWS = 20  # of a table; of more the first and the last are shown


class Text(str):
    """Text that shows itself as it prints, in a notebook and at the prompt."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{_escaped(self)}</pre>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return an HTML table of a few rows: of many the first and the last, and how many are left out."""
    body = [_line(row, "td") for row in rows]
    if len(body) > MOST_ROWS:
        half, left = MOST_ROWS // 2, len(body) - 2 * (MOST_ROWS // 2)
        body[half:-half] = [f'<tr><td colspan="{len(head)}">... {left} more ...</td></tr>']
    top = f"<caption>{_escaped(caption)}</caption>" if caption else ""
    return f"<table>{top}<thead>{_line(head, 'th')}</thead><tbody>{''.join(body)}</tbody></table>"


def listed(items: Iterable[str]) -> str:
    """Return an HTML list, or nothing of no items."""
    found = "".join(f"<li>{_escaped(item)}</li>" for item in items)
    return f"<ol>{found}</ol>" if found else ""


def _line(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_escaped(cell)}</{tag}>" for cell in cells) + "</tr>"


def _escaped(text: str) -> str:
    """Return a text as HTML shows it."""
    import html  # which few programs need

    return html.escape(text)
