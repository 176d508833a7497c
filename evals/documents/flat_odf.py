"""Flat OpenDocument files (OpenDocument 1.3, part 2, 2): texts and workbooks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

from evals.documents.source import Block, Cell, Group, Heading, Items, Paragraph, Table

_URN: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_SPACES: Final = " ".join(
    [
        *(
            f'xmlns:{name}="{_URN}{urn}:1.0"'
            for name, urn in {
                "office": "office",
                "style": "style",
                "text": "text",
                "table": "table",
                "draw": "drawing",
                "fo": "xsl-fo-compatible",
                "svg": "svg-compatible",
            }.items()
        ),
    ]
)
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_SIZES: Final = (20, 16, 14, 12)


def _heading_style(level: int, size: int) -> str:
    return (
        f'<style:style style:name="Heading_20_{level}" style:display-name="Heading {level}" '
        f'style:family="paragraph" style:default-outline-level="{level}">'
        '<style:paragraph-properties fo:margin-top="0.5cm" fo:margin-bottom="0.2cm" '
        'fo:keep-with-next="always"/>'
        f'<style:text-properties fo:font-size="{size}pt" fo:font-weight="bold"/></style:style>'
    )


_STYLES: Final = (
    '<office:styles><style:style style:name="Standard" style:family="paragraph">'
    '<style:paragraph-properties fo:margin-bottom="0.2cm"/>'
    '<style:text-properties fo:font-size="11pt"/></style:style>'
    + "".join(_heading_style(level, size) for level, size in enumerate(_SIZES, 1))
    + "</office:styles>"
)
_AUTOMATIC: Final = (
    '<office:automatic-styles><style:style style:name="Line" style:family="table-cell">'
    '<style:table-cell-properties fo:border="0.5pt solid #808080" fo:padding="0.1cm"/>'
    '</style:style><style:style style:name="Two" style:family="section">'
    '<style:section-properties><style:columns fo:column-count="2" fo:column-gap="0.8cm"/>'
    "</style:section-properties></style:style>"
    '<text:list-style style:name="Dots"><text:list-level-style-bullet text:level="1" '
    'text:bullet-char="•"><style:list-level-properties text:space-before="0.4cm" '
    'text:min-label-width="0.5cm"/></text:list-level-style-bullet></text:list-style>'
    '<text:list-style style:name="Numbers"><text:list-level-style-number text:level="1" '
    'style:num-suffix="." style:num-format="1"><style:list-level-properties '
    'text:space-before="0.4cm" text:min-label-width="0.6cm"/></text:list-level-style-number>'
    '</text:list-style><style:page-layout style:name="Page"><style:page-layout-properties '
    'fo:page-width="21cm" fo:page-height="29.7cm" fo:margin="2.3cm"/></style:page-layout>'
    "</office:automatic-styles>"
)
_MASTERS: Final = (
    '<office:master-styles><style:master-page style:name="Standard" '
    'style:page-layout-name="Page"/></office:master-styles>'
)


def render_text(blocks: Iterable[Block]) -> str:
    """Return a text document."""
    body = f"<office:text>{''.join(map(_Text().render, blocks))}</office:text>"
    return _document("text", body)


def render_workbook(blocks: Iterable[Block]) -> str:
    """Return a workbook with a sheet for each heading."""
    sheets: list[str] = []
    name = ""
    for block in blocks:
        if isinstance(block, Heading):
            name = escape(block.text)
        elif isinstance(block, Table):
            rows = _rows(block, _render_value)
            sheets.append(f'<table:table table:name="{name}">{rows}</table:table>')
    body = f"<office:spreadsheet>{''.join(sheets)}</office:spreadsheet>"
    return _document("spreadsheet", body)


def _document(kind: str, body: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_SPACES} office:version="1.3" '
        f'office:mimetype="application/vnd.oasis.opendocument.{kind}">{_STYLES}{_AUTOMATIC}'
        f"{_MASTERS}<office:body>{body}</office:body></office:document>"
    )


class _Text:
    """Renders blocks; notes and tables are numbered through the document."""

    def __init__(self) -> None:
        self._notes = 0
        self._tables = 0

    def render(self, block: Block) -> str:
        match block:
            case Heading(level, text):
                return (
                    f'<text:h text:style-name="Heading_20_{level}" text:outline-level="{level}">'
                    f"{escape(text)}</text:h>"
                )
            case Paragraph(parts):
                said = "".join(escape(text) + self._render_note(note) for text, note in parts)
                return f"<text:p>{said}</text:p>"
            case Items():
                return _render_items(block)
            case Table():
                return self._render_table(block)
            case Group(kind, blocks):
                return _GROUPS[kind].format("".join(map(self.render, blocks)))

    def _render_note(self, note: str) -> str:
        if not note:
            return ""
        self._notes += 1
        return (
            f'<text:note text:id="ftn{self._notes}" text:note-class="footnote">'
            f"<text:note-citation>{self._notes}</text:note-citation><text:note-body><text:p>"
            f"{escape(note)}</text:p></text:note-body></text:note>"
        )

    def _render_table(self, table: Table) -> str:
        self._tables += 1
        name = f"Table{self._tables}"
        columns = f'<table:table-column table:number-columns-repeated="{len(table.rows[0])}"/>'
        rows = _rows(table, self._render_cell)
        return f'<table:table table:name="{name}">{columns}{rows}</table:table><text:p/>'

    def _render_cell(self, cell: Cell) -> str:
        if cell.inner is not None:
            return self._render_table(cell.inner)
        return f"<text:p>{escape(cell.text)}</text:p>"


_GROUPS: Final = {
    "box": (
        '<text:p><draw:frame text:anchor-type="paragraph" svg:width="12cm" svg:x="1cm" '
        'svg:y="0.2cm" draw:z-index="0"><draw:text-box fo:min-height="1cm">{}</draw:text-box>'
        "</draw:frame></text:p><text:p/><text:p/>"
    ),
    "columns": '<text:section text:style-name="Two" text:name="Columns">{}</text:section>',
}


def _render_items(items: Items) -> str:
    style = "Numbers" if items.is_numbered else "Dots"
    inner = "".join(
        f"<text:list-item><text:p>{escape(text)}</text:p></text:list-item>" for text in items.texts
    )
    return f'<text:list text:style-name="{style}">{inner}</text:list>'


def _rows(table: Table, render: object) -> str:
    assert callable(render)
    rows = []
    for row in table.rows:
        cells = []
        for cell in row:
            if cell.is_covered:
                cells.append("<table:covered-table-cell/>")
                continue
            spans = (
                f'table:number-columns-spanned="{cell.columns}" '
                f'table:number-rows-spanned="{cell.rows}"'
            )
            value = ""
            if _NUMBER.fullmatch(cell.text):
                value = f' office:value-type="float" office:value="{cell.text}"'
            cells.append(
                f'<table:table-cell table:style-name="Line" {spans}{value}>{render(cell)}'
                "</table:table-cell>"
            )
        rows.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    return "".join(rows)


def _render_value(cell: Cell) -> str:
    return f"<text:p>{escape(cell.text)}</text:p>"
