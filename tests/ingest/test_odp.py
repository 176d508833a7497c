"""Slides of OpenDocument."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from ingest.document import Piece
from ingest.failures import CorruptDocument
from ingest.limits import Limits
from ingest.odp import read
from ingest.read import read_document
from ingest.sniff import sniff

URN = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    [
        *(f'xmlns:{n}="{URN}{n}:1.0"' for n in ("office", "table", "text", "presentation")),
        f'xmlns:draw="{URN}drawing:1.0"',
        f'xmlns:svg="{URN}svg-compatible:1.0"',
        'xmlns:xlink="http://www.w3.org/1999/xlink"',
    ]
)
ROW = "<table:table-row>{}</table:table-row>"
CELL = "<table:table-cell>{}</table:table-cell>"
TIDES = ROW.format(CELL.format("<text:p>Port</text:p>") + CELL.format("<text:p>Tide</text:p>"))
TIDES += ROW.format(
    CELL.format("<text:list><text:list-item><text:p>Brest</text:p></text:list-item></text:list>")
    + CELL.format("<text:p>7<text:s/>m<!-- no --></text:p>")
)


def _frame(inside: str, kind: str = "", x: str = "1cm", y: str = "5cm") -> str:
    named = f'presentation:class="{kind}"' if kind else ""
    return f'<draw:frame {named} svg:x="{x}" svg:y="{y}">{inside}</draw:frame>'


def _box(text: str, kind: str = "", **place: str) -> str:
    return _frame(f"<draw:text-box>{text}</draw:text-box>", kind, **place)


def _content(body: str) -> str:
    return f"<office:document-content {NAMESPACES}>{body}</office:document-content>"


def _odp(path: Path, slides: str, **members: bytes | str) -> Path:
    with ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.presentation")
        body = f"<office:body><office:presentation>{slides}</office:presentation></office:body>"
        archive.writestr("content.xml", _content(body))
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return path


def _pieces(path: Path, slide: str, **members: bytes | str) -> list[Piece]:
    return read(_odp(path / "x.odp", f"<draw:page>{slide}</draw:page>", **members), None).pieces


def test_slides_are_read_in_the_order_in_which_people_read_them(tmp_path: Path) -> None:
    first = (
        _box("<text:p>Below</text:p>", y="120mm")
        + _box("<text:p>right</text:p>", x="2in", y="3cm")
        + _box("<text:p>Left and</text:p>", y="3cm")
        + _box("<text:p>Page 1</text:p>", "page-number", y="1cm")
        + _box("<text:p>High<text:line-break/>tide</text:p>", "title", y="9cm")
        + "<presentation:notes>"
        + _box("<text:p>Speak up.</text:p>", "notes")
        + _box("<text:p>1</text:p>", "page-number")
        + "</presentation:notes>"
    )
    second = _box("<text:p>No title here</text:p>")
    slides = f"<draw:page>{first}</draw:page><draw:page/><draw:page>{second}</draw:page>"
    path = _odp(tmp_path / "tides.odp", slides)
    assert sniff(path, "tides").kind == "odp"
    document = read_document(path, "tides.odp", Limits(), "eng", lambda *_: None)
    assert [(e.kind, e.text, e.page) for e in document.elements] == [
        ("title", "High tide", 1),
        *(("text", text, 1) for text in ("Left and", "right", "Below", "Speak up.")),
        ("text", "No title here", 3),
    ]
    assert document.elements[-1].heading_path == ()
    assert (document.page_count, document.pages_with_text) == (3, 2)


def test_lists_shapes_and_groups_are_read(tmp_path: Path) -> None:
    inner = "<text:list><text:list-item><text:p>inner</text:p></text:list-item></text:list>"
    outer = f"<text:list><text:list-item><text:p>outer</text:p>{inner}</text:list-item></text:list>"
    shape = '<draw:custom-shape svg:x="1cm" svg:y="1cm"><text:p>first</text:p></draw:custom-shape>'
    slide = _box(outer, "outline", y="4cm") + f"<draw:g>{shape}</draw:g>"
    slide += _box("<text:p>second</text:p>", y="2cm")
    assert [(p.kind, p.text) for p in _pieces(tmp_path, slide)] == [
        ("text", "first"),
        ("text", "second"),
        ("list", "outer"),
        ("list", "inner"),
    ]


def test_a_table_is_told_and_its_picture_is_not(tmp_path: Path) -> None:
    preview = '<draw:image xlink:href="Pictures/preview.svm"/>'
    slide = _frame(f"<table:table>{TIDES}</table:table>{preview}")
    path = _odp(tmp_path / "x.odp", f"<draw:page>{slide}</draw:page>")
    (piece,) = read(path, lambda *_: [Piece("text", "seen")]).pieces
    assert piece == Piece("table", "| Port | Tide |\n| --- | --- |\n| Brest | 7 m |", 1)


def test_the_numbers_of_a_chart_are_read(tmp_path: Path) -> None:
    slide = _frame('<draw:object xlink:href="./Object 1"/>')
    chart = _content(f"<office:body><table:table>{TIDES}</table:table></office:body>")
    (piece,) = _pieces(tmp_path, slide, **{"Object 1__content_xml": chart})
    assert "| Brest | 7 m |" in piece.text
    elsewhere = _frame('<draw:object xlink:href="http://example.com/chart"/>')
    assert _pieces(tmp_path, elsewhere) == []


def test_a_damaged_chart_keeps_no_slide_back(tmp_path: Path) -> None:
    slide = _frame('<draw:object xlink:href="./Object 1"/>') + _box(
        "<text:p>Tides</text:p>", y="9cm"
    )
    path = _odp(
        tmp_path / "x.odp", f"<draw:page>{slide}</draw:page>", **{"Object 1__content_xml": "<"}
    )
    reading = read(path, None)
    assert [piece.text for piece in reading.pieces] == ["Tides"]
    assert reading.warnings == ["What is shown in a frame of slide 1 is damaged."]


def test_pictures_are_given_to_be_recognised_with_their_slide(tmp_path: Path) -> None:
    picture = _frame('<draw:image xlink:href="Pictures/{}"/>')
    slides = "<draw:page/><draw:page>" + picture.format("scan.png") + picture.format("lost.png")
    path = _odp(tmp_path / "x.odp", slides + "</draw:page>", **{"Pictures__scan.png": b"png"})
    seen: list[tuple[bytes | None, int]] = []

    def recognise(data: bytes | None, page: int) -> list[Piece]:
        seen.append((data, page))
        return [Piece("text", "seen", page)] if data else []

    assert read(path, recognise).pieces == [Piece("text", "seen", 2)]
    assert seen == [(b"png", 2), (None, 2)]
    assert read(path, None).pieces == []


def test_damage_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorruptDocument, match="save it again"):
        read(_odp(tmp_path / "x.odp", "<draw:page>"), None)
