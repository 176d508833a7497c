from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import guard
from ingest.failures import CorruptDocument, DocumentTooLarge, EncryptedDocument
from ingest.limits import MEGABYTE, Limits


def _archive(path: Path, *sizes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, size in enumerate(sizes):
            archive.writestr(f"part{i}", b"0" * size)
    return path


def test_a_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(DocumentTooLarge, match="bomb"):
        guard.check(_archive(tmp_path / "x.docx", 20 * MEGABYTE), "docx", Limits())


def test_what_an_archive_grows_to_is_bounded(tmp_path: Path) -> None:
    limits = replace(Limits(), max_expanded_bytes=1000)
    guard.check(_archive(tmp_path / "a.xlsx", 400, 500), "xlsx", limits)
    with pytest.raises(DocumentTooLarge, match="grows"):
        guard.check(_archive(tmp_path / "b.xlsx", 600, 500), "xlsx", limits)


def test_parts_are_counted(tmp_path: Path) -> None:
    with pytest.raises(DocumentTooLarge, match="parts"):
        guard.check(
            _archive(tmp_path / "a.epub", 1, 1, 1), "epub", replace(Limits(), max_members=2)
        )


@pytest.mark.parametrize("kind", ["odt", "ods", "odp"])
def test_an_open_document_with_a_password_is_not_called_damaged(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    entry = '<manifest:file-entry manifest:full-path="content.xml"{}</manifest:file-entry>'
    for inside in ("/>", "><manifest:encryption-data/>"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("META-INF/manifest.xml", entry.format(inside))
        if inside == "/>":
            guard.check(path, kind, Limits())
    with pytest.raises(EncryptedDocument, match="remove the protection"):
        guard.check(path, kind, Limits())


def test_entities_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(CorruptDocument, match="entities"):
        guard.check(path, "xml", Limits())
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(CorruptDocument, match="entities"):
        guard.check(path, "xml", Limits())


def test_text_has_a_smaller_limit_than_files(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"x" * 101)
    limits = replace(Limits(), max_text_file_bytes=100)
    with pytest.raises(DocumentTooLarge, match="split"):
        guard.check(path, "txt", limits)
    guard.check(path, "pdf", limits)
