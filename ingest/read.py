"""One document from a file to its text, within the process that calls it."""

from __future__ import annotations

import logging
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ingest import embedded, guard, mail, office, pdf, picture, plain
from ingest.document import ParsedDocument, Piece, Reading, assemble
from ingest.failures import CorruptDocument, NoText, ParseFailed
from ingest.jail import Refused
from ingest.limits import Limits
from ingest.sniff import IMAGES, PLAIN, FileType, sniff
from ingest.windows import Window, joined

Progress = Callable[[str, int, int], None]

logger = logging.getLogger(__name__)

_MAILS = frozenset({"eml", "msg"})
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
    return _with_text(_read(path, found, limits, languages, progress))


def read_part(
    path: Path,
    name: str,
    limits: Limits,
    languages: str,
    progress: Progress,
    first: int,
    seconds: float,
) -> ParsedDocument | Window:
    """Read as much of a document from page ``first`` on as takes so many seconds.

    Return the document where that is all of it, or its format has no pages to stop at; else the
    window, of which the last goes with the others to :func:`finished`. Raises ``ParseFailed``.
    """
    if sniff(path, name).kind != "pdf":
        return read_document(path, name, limits, languages, progress)
    guard.check(path, "pdf", limits)
    window = pdf.read_window(path, limits, languages, progress, first, seconds)
    is_whole = first == 1 and window.next_page is None
    return finished([window]) if is_whole else window


def finished(windows: Sequence[Window]) -> ParsedDocument:
    """Return the document of all its windows; raises ``NoText`` for one without text."""
    return _with_text(joined(windows))


def _with_text(reading: Reading) -> ParsedDocument:
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
    if found.kind in _MAILS:
        _read_attachments(path, found.kind, limits, languages, progress, reading)
    has_text = any(piece.text for piece in reading.pieces if piece.kind != "title")
    if not has_text and found.kind in _WITH_PICTURES and limits.ocr != "off":
        inner = embedded.read_pictures(path, limits, languages, progress)
        reading.pieces += inner.pieces
        reading.ocr_confidence = inner.ocr_confidence
    return reading


def _read_attachments(
    path: Path, kind: str, limits: Limits, languages: str, progress: Progress, outer: Reading
) -> None:
    """Add what a mail's attachments hold, each under its name; warn of those that are not read."""
    if limits.max_mail_depth == 0:
        outer.warnings.append("Mails within mails within mails were not read.")
        return
    left = limits.max_expanded_bytes
    for number, attached in enumerate(mail.attachments(path, kind)):
        left -= len(attached.data)
        if number >= limits.max_attachments or left < 0:
            outer.warnings.append(f"{attached.name} and what follows it is too much to be read.")
            return
        inside = replace(limits, max_mail_depth=limits.max_mail_depth - 1)
        try:
            reading = _read_attachment(attached, inside, languages, progress)
        except ParseFailed as failed:
            outer.warnings.append(f"{attached.name} was not read: {failed.message}")
        else:
            _add(outer, reading, attached.name)


def _read_attachment(
    attached: mail.Attachment, limits: Limits, languages: str, progress: Progress
) -> Reading:
    with tempfile.NamedTemporaryFile(suffix=Path(attached.name).suffix[:16]) as file:
        file.write(attached.data)
        file.flush()
        path = Path(file.name)
        found = sniff(path, attached.name)
        guard.check(path, found.kind, limits)
        try:
            return _read(path, found, limits, languages, progress)
        except (ParseFailed, Refused, MemoryError):
            raise
        except Exception as error:  # a library's error about bad bytes: the mail goes on
            logger.exception("an attachment could not be read")
            raise CorruptDocument(f"It is damaged ({type(error).__name__}).") from error


def _add(outer: Reading, inner: Reading, name: str) -> None:
    if not inner.pieces:
        outer.warnings.append(f"{name} was not read: no text was found in it.")
        return
    outer.pieces.append(Piece("title", name))
    outer.pieces += (replace(piece, level=piece.level + 1) for piece in inner.pieces)
    outer.warnings += inner.warnings
    outer.ocr_pages += inner.ocr_pages
    known = [c for c in (outer.ocr_confidence, inner.ocr_confidence) if c is not None]
    outer.ocr_confidence = min(known, default=None)


def _read_office(path: Path, kind: str) -> Reading:
    try:
        return office.read(path, kind)
    except (ParseFailed, MemoryError):
        raise
    except zipfile.BadZipFile as error:
        raise CorruptDocument(
            "The file is a damaged archive: save the document again and upload the new file."
        ) from error
