"""Texts of OpenDocument: what pandoc by itself would lose."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from ingest.document import ParsedDocument
from ingest.failures import CorruptDocument
from ingest.limits import Limits
from ingest.read import read_document

URN = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    [
        *(f'xmlns:{name}="{URN}{name}:1.0"' for name in ("office", "table", "text", "style")),
        f'xmlns:draw="{URN}drawing:1.0"',
        'xmlns:dc="http://purl.org/dc/elements/1.1/"',
    ]
)
STYLES = "<office:styles/><office:automatic-styles/><office:master-styles/>"


def _odt(path: Path, body: str) -> Path:
    text = f"<office:automatic-styles/><office:body><office:text>{body}</office:text></office:body>"
    with ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        for name, inside in (("content", text), ("styles", STYLES)):
            tag = f"office:document-{name}"
            archive.writestr(f"{name}.xml", f"<{tag} {NAMESPACES}>{inside}</{tag}>")
    return path


def _read(tmp_path: Path, body: str) -> ParsedDocument:
    path = _odt(tmp_path / "letter.odt", body)
    before = path.read_bytes()
    document = read_document(path, path.name, Limits(), "eng", lambda *_: None)
    assert path.read_bytes() == before
    return document


def test_fields_say_what_they_show(tmp_path: Path) -> None:
    body = (
        '<text:p>On <text:date text:fixed="true">3 May</text:date>, dear '
        "<text:database-display>Ada <text:span>L.</text:span></text:database-display>!</text:p>"
        "<text:p><text:ruby><text:ruby-base>海</text:ruby-base><text:ruby-text>うみ</text:ruby-text>"
        "</text:ruby> and <text:conditional-text>more</text:conditional-text></text:p>"
    )
    assert _read(tmp_path, body).text == "On 3 May, dear Ada L.!\n\n海 and more"


def test_boxes_shapes_and_comments_follow_the_paragraph_that_they_stand_at(tmp_path: Path) -> None:
    two = "<text:p>{}</text:p><text:p>{}</text:p>"
    box = f"<draw:frame><draw:text-box>{two}</draw:text-box></draw:frame>"
    inner = box.format("inner", "innermost")
    shape = "<draw:custom-shape><text:p>shape</text:p></draw:custom-shape>"
    comment = (
        "<office:annotation><dc:creator>Ann</dc:creator><text:p>comment</text:p>"
        "</office:annotation>"
    )
    body = (
        f"<text:p>one {box.format('first', f'second{inner}')}two {shape}three{comment} four"
        f"</text:p><text:p>last</text:p>{box.format('of the', 'page')}"
    )
    found = [element.text for element in _read(tmp_path, body).elements]
    assert found[0] == "one two three four"
    assert sorted(found[1:7]) == [
        *("Comment by Ann: comment", "first", "inner", "innermost", "second", "shape")
    ]
    assert found.index("first") < found.index("second") < found.index("inner")
    assert found[7:] == ["last", "of the", "page"]


def test_a_table_within_a_table_is_told_in_its_cell(tmp_path: Path) -> None:
    row = "<table:table-row>{}</table:table-row>"
    cell = "<table:table-cell>{}</table:table-cell>"
    inner = f"<table:table>{row.format(cell.format('<text:p>7 m</text:p>'))}</table:table>"
    heads = cell.format("<text:p>Port</text:p>") + cell.format("<text:p>Tide</text:p>")
    cells = cell.format("<text:p>Brest</text:p>") + cell.format(inner)
    document = _read(tmp_path, f"<table:table>{row.format(heads)}{row.format(cells)}</table:table>")
    assert document.text == "| Port | Tide |\n| --- | --- |\n| Brest | 7 m |"


def test_what_was_deleted_or_hidden_stays_out(tmp_path: Path) -> None:
    deletion = "<text:deletion><text:p>deleted<text:date>!</text:date></text:p></text:deletion>"
    changes = f'<text:changed-region text:id="c">{deletion}</text:changed-region>'
    body = f"<text:tracked-changes>{changes}</text:tracked-changes><text:p>kept"
    body += "<text:hidden-text>hidden</text:hidden-text></text:p>"
    body += "<text:numbered-paragraph><text:p>numbered</text:p></text:numbered-paragraph>"
    assert _read(tmp_path, body).text == "kept\n\nnumbered"


def test_damage_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorruptDocument):
        _read(tmp_path, "<text:p>")
