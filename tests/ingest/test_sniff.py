from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ingest.failures import CorruptDocument, EmptyDocument, EncryptedDocument, UnsupportedType
from ingest.sniff import sniff
from tests.ingest import making


def _kind(tmp_path: Path, data: bytes, name: str) -> str:
    path = tmp_path / "blob"
    path.write_bytes(data)
    return sniff(path, name).kind


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"Just words.", "notes.txt", "txt"),
        (b"BMI-1 is a gene. BMP too.", "genes.txt", "txt"),
        (b"# Head\n\nText", "notes.md", "md"),
        (b"a,b\n1,2\n", "table.csv", "csv"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "page", "html"),
        (b"<?xml version='1.0'?><a>x</a>", "data.bin", "xml"),
        (b'{"a": [1, 2]}', "unnamed", "json"),
        (b"From: a@b.c\nTo: d@e.f\nSubject: Hi\n\nText\n", "letter.txt", "eml"),
        (b"Note: this is\nplain text\n\nTo: be read", "note.txt", "txt"),
        (b"{\\rtf1\\ansi x}", "x.doc", "rtf"),
        (making.pdf([[]]), "x.txt", "pdf"),
    ],
)
def test_content_tells_the_kind(tmp_path: Path, data: bytes, name: str, kind: str) -> None:
    assert _kind(tmp_path, data, name) == kind


def test_office_files_are_told_by_their_parts(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", "")
    assert sniff(path, "renamed.docx").kind == "xlsx"


@pytest.mark.parametrize("data", [b"", b" \n\t ", b"\x00" * 100])
def test_nothing_is_empty(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(EmptyDocument):
        _kind(tmp_path, data, "x.txt")


def test_archives_programs_and_old_office_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.txt", "x")
    with pytest.raises(UnsupportedType, match="unpack"):
        sniff(path, "a.zip")
    for data in (b"\x7fELF" + bytes(range(200)) * 5, bytes(range(256)) * 4):
        with pytest.raises(UnsupportedType):
            _kind(tmp_path, data, "x.txt")
    with pytest.raises(UnsupportedType, match="docx"):
        _kind(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "old.doc")


def test_encrypted_office_files_say_so(tmp_path: Path) -> None:
    data = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le")
    )
    with pytest.raises(EncryptedDocument):
        _kind(tmp_path, data, "secret.docx")


def test_a_damaged_archive_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorruptDocument):
        _kind(tmp_path, b"PK\x03\x04" + b"\x01" * 400, "x.docx")
