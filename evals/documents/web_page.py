"""Pages of HTML as sites have them, with what stands around their text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from evals.documents.source import Block, Cell, Group, Heading, Items, Paragraph, Table


def render_page(blocks: Iterable[Block]) -> str:
    """Return a page with a bar of links, a main part and a foot."""
    page = _Page()
    body = "\n".join(map(page.render, blocks))
    notes = "".join(f'<li id="n{n}">{escape(note)}</li>' for n, note in enumerate(page.notes, 1))
    foot = f'<section class="footnotes"><ol>{notes}</ol></section>' if notes else ""
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Page</title>'
        "<style>td { border: 1px solid }</style></head><body>\n"
        '<nav><ul><li><a href="/">Home</a></li><li><a href="/all">All</a></li></ul></nav>\n'
        f"<main><article>\n{body}\n{foot}</article></main>\n"
        '<footer><a href="/imprint">Imprint</a></footer></body></html>\n'
    )


class _Page:
    def __init__(self) -> None:
        self.notes: list[str] = []

    def render(self, block: Block) -> str:
        match block:
            case Heading(level, text):
                return f"<h{level}>{escape(text)}</h{level}>"
            case Paragraph(parts):
                return f"<p>{''.join(escape(text) + self._mark(note) for text, note in parts)}</p>"
            case Items(texts, is_numbered):
                tag = "ol" if is_numbered else "ul"
                return f"<{tag}>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</{tag}>"
            case Table():
                return f"<figure>{_render_table(block)}</figure>"
            case Group(kind, blocks):
                tag = "aside" if kind == "box" else "div"
                return f'<{tag} class="{kind}">{"".join(map(self.render, blocks))}</{tag}>'

    def _mark(self, note: str) -> str:
        if not note:
            return ""
        self.notes.append(note)
        number = len(self.notes)
        return f'<sup><a href="#n{number}">{number}</a></sup>'


def _render_table(table: Table) -> str:
    rows = []
    for row in table.rows:
        cells = (_render_cell(cell) for cell in row if not cell.is_covered)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _render_cell(cell: Cell) -> str:
    spans = f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    spans += f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
    inner = escape(cell.text) if cell.inner is None else _render_table(cell.inner)
    return f"<td{spans}>{inner}</td>"
