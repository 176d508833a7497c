"""One document from a file to its text, within the process that calls it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from ingest import embedded, guard, office, pdf, picture, plain
from ingest.document import ParsedDocument, Reading, assemble
from ingest.failures import CorruptDocument, NoText, ParseFailed
from ingest.limits import Limits
from ingest.sniff import IMAGES, PLAIN, FileType, sniff

Progress = Callable[[str, int, int], None]

_WITH_PICTURES = frozenset({"docx", "pptx", "xlsx", "odt", "epub"})


def read_document(
    path: Path, name: str, limits: Limits, languages: str, progress: Progress
) -> ParsedDocument:
    """Return the text and structure of the file at ``path``.

    ``name`` is what its owner calls it, ``languages`` are Tesseract's. ``progress`` is called with
    the stage (``parsing``, ``ocr``), the pages done and the pages in all. Raises ``ParseFailed``.
    """
    found = sniff(path, name)
    guard.check(path, found.kind, limits)
    reading = _read(path, found, limits, languages, progress)
    document = assemble(reading)
    if not document.text.strip():
        raise NoText("No text was found in the document: check that it is the right file.")
    return document


def _read(
    path: Path, found: FileType, limits: Limits, languages: str, progress: Progress
) -> Reading:
    if found.kind in PLAIN:
        return plain.read(path.read_bytes(), found.kind, limits)
    if found.kind == "pdf":
        return pdf.read(path, limits, languages, progress)
    if found.kind in IMAGES:
        return picture.read(path, limits, languages, progress)
    reading = _read_office(path, found.kind)
    if found.kind == "eml" and (names := embedded.attachments(path)):
        reading.warnings.append(f"Attachments were not read: {', '.join(names)}.")
    if any(piece.text for piece in reading.pieces if piece.kind != "title"):
        return reading
    return _read_inside(path, found.kind, limits, languages, progress, reading)


def _read_inside(
    path: Path, kind: str, limits: Limits, languages: str, progress: Progress, outer: Reading
) -> Reading:
    """Return what a document without text of its own carries inside, else the document's."""
    inner = Reading()
    if kind == "eml":
        inner = embedded.read_messages(path)
    elif kind in _WITH_PICTURES and limits.ocr != "off":
        inner = embedded.read_pictures(path, limits, languages, progress)
    outer.pieces += inner.pieces
    outer.ocr_confidence = inner.ocr_confidence
    return outer


def _read_office(path: Path, kind: str) -> Reading:
    try:
        return office.read(path, kind)
    except (ParseFailed, MemoryError):
        raise
    except zipfile.BadZipFile as error:
        raise CorruptDocument(
            "The file is a damaged archive: save the document again and upload the new file."
        ) from error
