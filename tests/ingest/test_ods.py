"""Workbooks of OpenDocument."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from ingest.failures import CorruptDocument
from ingest.limits import Limits
from ingest.ods import read
from ingest.read import read_document
from ingest.sniff import sniff

CELL = "table:table-cell"
TABLES = f"""
<table:table table:name="Fees">
  <table:table-header-rows><table:table-row>
    <{CELL}><text:p>Pier</text:p></{CELL}><{CELL}><text:p>Fee</text:p></{CELL}>
    <{CELL}><text:p>Paid</text:p></{CELL}><{CELL} table:number-columns-repeated="16381"/>
  </table:table-row></table:table-header-rows>
  <table:table-row>
    <{CELL} table:number-rows-spanned="3"><text:p>North</text:p></{CELL}>
    <{CELL} office:value-type="percentage" office:value=".125"><text:p>12.5 %</text:p></{CELL}>
    <{CELL}><office:annotation><text:p>In cash.</text:p></office:annotation>
      <text:p>on <text:span>1</text:span> March</text:p></{CELL}>
  </table:table-row>
  <table:table-row table:number-rows-repeated="2">
    <table:covered-table-cell/>
    <{CELL} table:number-columns-repeated="2"><text:p>none</text:p></{CELL}>
  </table:table-row>
  <table:table-row table:number-rows-repeated="1048573"><{CELL}/></table:table-row>
</table:table>
<table:table table:name="Empty"><table:table-row><{CELL}/></table:table-row></table:table>
"""


def _ods(path: Path, tables: str) -> Path:
    uri = "urn:oasis:names:tc:opendocument:xmlns:"
    spaces = " ".join(f'xmlns:{name}="{uri}{name}:1.0"' for name in ("office", "table", "text"))
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    with ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        content = f"<office:document-content {spaces}>{body}</office:document-content>"
        archive.writestr("content.xml", content)
    return path


def test_sheets_are_told_as_they_are_shown(tmp_path: Path) -> None:
    path = _ods(tmp_path / "fees.ods", TABLES)
    assert sniff(path, "fees").kind == "ods"
    document = read_document(path, "fees.ods", Limits(), "eng", lambda *_: None)
    assert document.text == (
        "Fees\n\n"
        "| Pier | Fee | Paid |\n| --- | --- | --- |\n"
        "| North | 12.5 % | on 1 March |\n| North | none | none |\n| North | none | none |\n\n"
        "In cash."
    )
    assert (document.page_count, document.pages_with_text) == (2, 1)


def test_words_of_a_cell_stay_apart(tmp_path: Path) -> None:
    lines = (
        "<text:p>two<text:line-break/>lines</text:p><text:p>and<text:tab/>a<text:s/> tab</text:p>"
    )
    table = (
        f"<table:table><table:table-row><{CELL}>{lines}</{CELL}></table:table-row></table:table>"
    )
    assert read(_ods(tmp_path / "x.ods", table)).pieces[1].text == "two lines and a tab"


def test_what_is_written_in_a_shape_upon_a_sheet_is_read(tmp_path: Path) -> None:
    shape = "<text:p>Prices</text:p><text:p>are net.</text:p>"
    table = f"<table:table><table:shapes><table:x>{shape}</table:x></table:shapes></table:table>"
    assert [p.text for p in read(_ods(tmp_path / "x.ods", table)).pieces[1:]] == ["Prices are net."]


def test_what_is_repeated_without_end_is_not(tmp_path: Path) -> None:
    repeated = (
        '<table:table><table:table-row table:number-rows-repeated="1048576">'
        f'<{CELL} table:number-columns-repeated="1"><text:p>x</text:p></{CELL}>'
        "</table:table-row></table:table>"
    )
    (piece,) = read(_ods(tmp_path / "x.ods", repeated)).pieces[1:]
    assert piece.text.count("x") == 1000


@pytest.mark.parametrize("tables", ["<table:table", "<!DOCTYPE x [<!ENTITY e 'e'>]>"])
def test_damage_is_told(tmp_path: Path, tables: str) -> None:
    with pytest.raises(CorruptDocument):
        read(_ods(tmp_path / "x.ods", tables))


def test_an_archive_without_content_is_damaged(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "x.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(CorruptDocument):
        read(tmp_path / "x.ods")
