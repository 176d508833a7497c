"""One document from a file to its text, within the process that calls it."""

from __future__ import annotations

import logging
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ingest import doubts, guard, pdf
from ingest.conversion import Conversion, Progress
from ingest.document import ParsedDocument, Reading, assemble
from ingest.embedded import EmbeddedPictures
from ingest.failures import CorruptDocument, NoText, ParseFailed
from ingest.formats import FORMATS
from ingest.jail import Refused
from ingest.limits import Limits
from ingest.sniff import sniff
from ingest.windows import Window, joined

logger = logging.getLogger(__name__)


def read_document(
    path: Path, name: str, limits: Limits, languages: str, progress: Progress
) -> ParsedDocument:
    """Return the text and structure of the file at ``path``.

    ``name`` is what its owner calls it, ``languages`` are Tesseract's. ``progress`` is called with
    the stage (``parsing``, ``ocr``), the pages done and the pages in all. Raises ``ParseFailed``.
    """
    found = sniff(path, name)
    guard.check(path, found.kind, limits)
    pictures = EmbeddedPictures(limits, languages, progress)  # those of all parts count together
    reading = _convert(
        Conversion(
            path,
            found.kind,
            limits,
            languages,
            progress,
            limits.max_mail_depth,
            pictures,
            _convert,
            _convert_attachment,
        )
    )
    pictures.end(reading)
    return _with_text(reading, languages)


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


def _convert(conversion: Conversion) -> Reading:
    """Return what the file holds, with word of what in it was not read."""
    try:
        return FORMATS[conversion.kind].convert(conversion)
    except zipfile.BadZipFile as error:
        raise CorruptDocument(
            "The file is a damaged archive: save the document again and upload the new file."
        ) from error


def _convert_attachment(conversion: Conversion, name: str, data: bytes) -> Reading:
    with tempfile.NamedTemporaryFile(suffix=Path(name).suffix[:16]) as file:
        file.write(data)
        file.flush()
        path = Path(file.name)
        found = sniff(path, name)
        guard.check(path, found.kind, conversion.limits)
        try:
            return _convert(replace(conversion, path=path, kind=found.kind))
        except (ParseFailed, Refused, MemoryError):
            raise
        except Exception as error:  # a library's error about bad bytes: the mail goes on
            logger.exception("an attachment could not be read")
            raise CorruptDocument(f"It is damaged ({type(error).__name__}).") from error
