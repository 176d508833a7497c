"""One document from a file to its text, within the process that calls it."""

from __future__ import annotations

import logging
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ingest import (
    doubts,
    guard,
    jats,
    mail,
    mbox,
    notebooks,
    odp,
    ods,
    odt,
    office,
    office_types,
    old_books,
    old_slides,
    old_texts,
    pdf,
    picture,
    plain,
)
from ingest.decode import decode
from ingest.document import ParsedDocument, Piece, Reading, assemble
from ingest.embedded import EmbeddedPictures
from ingest.failures import CorruptDocument, NoText, ParseFailed
from ingest.jail import Refused
from ingest.limits import Limits
from ingest.sniff import IMAGES, MIME_TYPES, PLAIN, FileType, sniff
from ingest.steps import Steps
from ingest.windows import Window, joined

Progress = Callable[[str, int, int], None]

logger = logging.getLogger(__name__)

_MAILS = frozenset({"eml", "msg"})
_BY_THEMSELVES = {
    "xls": old_books.read,
    "ods": ods.read,
    "doc": old_texts.read,
    "ppt": old_slides.read,
}


def read_document(
    path: Path, name: str, limits: Limits, languages: str, progress: Progress
) -> ParsedDocument:
    """Return the text and structure of the file at ``path``.

    ``name`` is what its owner calls it, ``languages`` are Tesseract's. ``progress`` is called with
    the stage (``parsing``, ``ocr``), the pages done and the pages in all. Raises ``ParseFailed``.
    """
    found = sniff(path, name)
    guard.check(path, found.kind, limits)
    return _with_text(_Reader(limits, languages, progress).whole(path, found), languages)


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
    return finished([window], languages) if is_whole else window


def finished(windows: Sequence[Window], languages: str) -> ParsedDocument:
    """Return the document of all its windows; raises ``NoText`` for one without text."""
    return _with_text(joined(windows), languages)


def _with_text(reading: Reading, languages: str) -> ParsedDocument:
    reading.warnings += doubts.told(reading.doubts, languages)
    document = assemble(reading)
    if not document.text.strip():
        why = " ".join(reading.warnings) or "check that it is the right file."
        raise NoText(f"No text was found in the document: {why}")
    return document


class _Reader:
    """Reads a file and what it carries; pictures within them count together."""

    def __init__(self, limits: Limits, languages: str, progress: Progress) -> None:
        self._limits = limits
        self._languages = languages
        self._progress = progress
        self._pictures = EmbeddedPictures(limits, languages, progress)

    def whole(self, path: Path, found: FileType) -> Reading:
        """Return what the file holds, with word of what in it was not read."""
        reading = self._read(path, found, self._progress, self._limits.max_mail_depth)
        self._pictures.end(reading)
        return reading

    def _read(self, path: Path, found: FileType, progress: Progress, depth: int) -> Reading:
        if found.kind in PLAIN:
            return plain.read(path.read_bytes(), found.kind, self._limits)
        if found.kind == "pdf":
            return pdf.read(path, self._limits, self._languages, progress)
        if found.kind in IMAGES:
            return picture.read(path, self._limits, self._languages, progress)
        if found.kind in _BY_THEMSELVES:
            return _BY_THEMSELVES[found.kind](path)
        if found.kind == "odp":
            is_read = self._limits.ocr != "off"
            return odp.read(path, self._pictures.reporting(progress).read if is_read else None)
        if found.kind == "mbox":
            return self._mailbox(path, progress, depth)
        if found.kind == "ipynb":
            return self._notebook(path, progress)
        if found.kind == "xml" and (article := jats.read(path)) is not None:
            return article
        pictures = None if self._limits.ocr == "off" else self._pictures.reporting(progress)
        reading = _read_office(path, found.kind, pictures)
        if found.kind in _MAILS:
            self._add_attachments(path, found.kind, progress, depth, reading)
        return reading

    def _mailbox(self, path: Path, progress: Progress, depth: int) -> Reading:
        """Return what the mails of a mailbox say, one after the other."""
        all_of_it = Reading()
        mails = mbox.messages(path.read_bytes())
        steps = Steps(progress, len(mails))
        for number, data in enumerate(mails, 1):
            attached, report = mail.Attachment(f"Mail {number}.eml", data), steps.next()
            report("parsing", 0, 1)  # many mails take longer than a reader may be silent
            try:
                one = self._read_attachment(attached, report, depth)
            except ParseFailed as failed:
                all_of_it.warnings.append(f"Mail {number} was not read: {failed.message}")
            else:
                self._append(all_of_it, one)
        return all_of_it

    def _notebook(self, path: Path, progress: Progress) -> Reading:
        data = path.read_bytes()
        markdown = notebooks.as_markdown(decode(data))
        if markdown is None:
            return plain.read(data, "json", self._limits)
        with tempfile.NamedTemporaryFile(suffix=".md") as file:
            file.write(markdown.encode("utf-8", "replace"))
            file.flush()
            return self._read(Path(file.name), FileType("md", MIME_TYPES["md"]), progress, 0)

    def _add_attachments(
        self, path: Path, kind: str, progress: Progress, depth: int, outer: Reading
    ) -> None:
        """Add what a mail carries, each under its name; warn of what is not read."""
        if depth == 0:
            outer.warnings.append("Mails within mails within mails were not read.")
            return
        carried = self._carried(path, kind, outer.warnings)
        steps = Steps(progress, len(carried))
        for attached in carried:
            self._add(attached, steps.next(), depth - 1, outer)

    def _carried(self, path: Path, kind: str, told: list[str]) -> list[mail.Attachment]:
        """Return as many of a mail's attachments as the limits allow."""
        carried: list[mail.Attachment] = []
        left = self._limits.max_expanded_bytes
        for attached in mail.attachments(path, kind):
            left -= len(attached.data)
            if len(carried) >= self._limits.max_attachments or left < 0:
                told.append(f"{attached.name} and what follows it is too much to be read.")
                break
            carried.append(attached)
        return carried

    def _add(
        self, attached: mail.Attachment, progress: Progress, depth: int, outer: Reading
    ) -> None:
        if attached.is_inline:
            if self._limits.ocr != "off":
                read = self._pictures.reporting(progress).read(attached.data)
                self._append(outer, Reading(read), attached.name)
            return
        try:
            reading = self._read_attachment(attached, progress, depth)
        except ParseFailed as failed:
            outer.warnings.append(f"{attached.name} was not read: {failed.message}")
            return
        if not reading.pieces:
            outer.warnings.append(f"{attached.name} was not read: no text was found in it.")
        self._append(outer, reading, attached.name)

    def _append(self, outer: Reading, inner: Reading, name: str = "") -> None:
        """Add what was read of a part, under its name if it has one."""
        if inner.pieces and name:
            outer.pieces.append(Piece("title", name))
        deeper = 1 if name else 0
        outer.pieces += (replace(piece, level=piece.level + deeper) for piece in inner.pieces)
        outer.warnings += inner.warnings
        doubted = doubts.told(inner.doubts, self._languages)
        outer.warnings += (f"{name}: {told}" if name else told for told in doubted)
        outer.ocr_pages += inner.ocr_pages
        known = [c for c in (outer.ocr_confidence, inner.ocr_confidence) if c is not None]
        outer.ocr_confidence = min(known, default=None)

    def _read_attachment(
        self, attached: mail.Attachment, progress: Progress, depth: int
    ) -> Reading:
        with tempfile.NamedTemporaryFile(suffix=Path(attached.name).suffix[:16]) as file:
            file.write(attached.data)
            file.flush()
            path = Path(file.name)
            found = sniff(path, attached.name)
            guard.check(path, found.kind, self._limits)
            try:
                return self._read(path, found, progress, depth)
            except (ParseFailed, Refused, MemoryError):
                raise
            except Exception as error:  # a library's error about bad bytes: the mail goes on
                logger.exception("an attachment could not be read")
                raise CorruptDocument(f"It is damaged ({type(error).__name__}).") from error


def _read_office(path: Path, kind: str, pictures: EmbeddedPictures | None) -> Reading:
    try:
        with odt.readable(path) if kind == "odt" else office_types.usual(path, kind) as usual:
            return office.read(usual, kind, pictures)
    except (ParseFailed, MemoryError):
        raise
    except zipfile.BadZipFile as error:
        raise CorruptDocument(
            "The file is a damaged archive: save the document again and upload the new file."
        ) from error
