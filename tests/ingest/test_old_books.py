"""Workbooks of Excel before 2007."""

from __future__ import annotations

import random
from pathlib import Path
from zipfile import ZipFile

import pytest

from ingest.failures import CorruptDocument, EncryptedDocument, ParseFailed, UnsupportedType
from ingest.limits import Limits
from ingest.old_books import read
from ingest.read import read_document
from ingest.sniff import sniff

BERTHS = Path(__file__).parent / "samples" / "berths.xls"  # of our own


def test_an_xls_is_read_sheet_by_sheet_as_an_xlsx_is() -> None:
    assert sniff(BERTHS, "berths").kind == "xls"
    reading = read(BERTHS)
    assert [(p.kind, p.page, p.text) for p in reading.pieces] == [
        ("title", 1, "Berths 2024"),
        (
            "table",
            1,
            "| Pier | Berth | Fee | Paid on | At | Share | Open |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n"
            "| North | N1 | 412.5 | 2024-03-01 | 2024-03-01 09:30:00 | 52% | FALSE |\n"
            "| North | N2 | 380 | 2024-04-12 | 18:45:00 | 48% | TRUE |\n"
            "| Sum |  |  |  | #N/A |",
        ),
        ("title", 2, "Notes"),
        ("text", 2, "Größere Boote zahlen das Doppelte."),
    ]
    assert (reading.page_count, reading.pages_with_text) == (3, 2)


def test_damage_is_told_whatever_is_damaged(tmp_path: Path) -> None:
    whole, draw, path = BERTHS.read_bytes(), random.Random(7), tmp_path / "x.xls"
    for _ in range(60):
        damaged = bytearray(whole[: draw.randrange(600, len(whole))])
        for _ in range(draw.choice((0, 3, 30))):
            damaged[draw.randrange(512, len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            read_document(path, "x.xls", Limits(), "eng", lambda *_: None)
        except ParseFailed as failed:
            assert failed.message.endswith(("it.", "file.", "picture."))


def test_one_with_a_password_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import xlrd

    def refuse(*_: object, **__: object) -> None:
        raise xlrd.XLRDError("Workbook is encrypted")

    monkeypatch.setattr(xlrd, "open_workbook", refuse)
    with pytest.raises(EncryptedDocument):
        read(BERTHS)


def test_other_old_files_are_refused_with_what_to_do(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    path = tmp_path / "old"
    path.write_bytes(ole + "VisioDocument\0".encode("utf-16-le"))
    with pytest.raises(UnsupportedType, match="upload pdf, docx"):
        sniff(path, "old")
    with ZipFile(tmp_path / "x.xlsb", "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.bin", "")
    with pytest.raises(UnsupportedType, match="save it as xlsx"):
        sniff(tmp_path / "x.xlsb", "x.xlsb")


def test_what_is_no_workbook_inside_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.xls"
    path.write_bytes(BERTHS.read_bytes()[:600] + "Workbook\0".encode("utf-16-le"))
    with pytest.raises(CorruptDocument):
        read(path)
