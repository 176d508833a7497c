"""The formats that are read, and by what: a new one is a converter and a line here.

``python -m ingest.formats`` writes them as the table of ``docs/formats.md``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from ingest import (
    attachments,
    jats,
    libreoffice,
    notebooks,
    odp,
    ods,
    odt,
    office,
    office_types,
    old_books,
    pdf,
    picture,
    plain,
)
from ingest.conversion import Conversion, Convert
from ingest.decode import decode
from ingest.document import Reading

Family = Literal["archive", "binary", "image", "plain", "text"]


@dataclass(frozen=True)
class Format:
    """A kind of file; ``suffixes`` tell a text of that kind, which no signature does.

    ``plain`` formats are texts that no foreign library reads.
    """

    kind: str
    mime_type: str
    family: Family
    library: str
    convert: Convert
    suffixes: tuple[str, ...] = ()


def _pdf(c: Conversion) -> Reading:
    return pdf.read(c.path, c.limits, c.languages, c.progress)


def _picture(c: Conversion) -> Reading:
    return picture.read(c.path, c.limits, c.languages, c.progress)


def _plain(c: Conversion) -> Reading:
    return plain.read(c.path.read_bytes(), c.kind, c.limits)


def _office(c: Conversion) -> Reading:
    return office.read(c.path, c.kind, c.pictures)


def _office_archive(c: Conversion) -> Reading:
    with office_types.usual(c.path, c.kind) as path:
        return office.read(path, c.kind, c.pictures)


def _old_office(c: Conversion) -> Reading:
    with libreoffice.convert_document(c.path, c.kind) as path:
        return c.convert(replace(c, path=path, kind=path.suffix[1:]))


def _rtf(c: Conversion) -> Reading:
    return _old_office(c) if libreoffice.is_installed() else _office(c)


def _odt(c: Conversion) -> Reading:
    with odt.convert_text(c.path) as path:
        return office.read(path, "docx", c.pictures)


def _odp(c: Conversion) -> Reading:
    return odp.read(c.path, None if c.pictures is None else c.pictures.read)


def _xml(c: Conversion) -> Reading:
    article = jats.read(c.path)
    return _office(c) if article is None else article


def _notebook(c: Conversion) -> Reading:
    markdown = notebooks.as_markdown(decode(c.path.read_bytes()))
    if markdown is None:
        return _plain(replace(c, kind="json"))
    with _written(markdown, ".md") as path:
        return c.convert(replace(c, path=path, kind="md"))


@contextmanager
def _written(text: str, suffix: str) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(text.encode("utf-8", "replace"))
        file.flush()
        yield Path(file.name)


_OPEN: Final = "application/vnd.openxmlformats-officedocument"
_OASIS: Final = "application/vnd.oasis.opendocument"
_OCR: Final = "Pillow, Tesseract"
_PANDOC: Final = "pandoc, lxml, unstructured"

FORMATS: Final[dict[str, Format]] = {
    each.kind: each
    for each in (
        Format("pdf", "application/pdf", "binary", "pypdfium2, Tesseract", _pdf),
        Format("docx", f"{_OPEN}.wordprocessingml.document", "archive",
               "python-docx, unstructured", _office_archive),
        Format("doc", "application/msword", "binary", "LibreOffice to docx", _old_office),
        Format("pptx", f"{_OPEN}.presentationml.presentation", "archive",
               "python-pptx, unstructured", _office_archive),
        Format("ppt", "application/vnd.ms-powerpoint", "binary", "LibreOffice to pptx",
               _old_office),
        Format("xlsx", f"{_OPEN}.spreadsheetml.sheet", "archive", "openpyxl", _office),
        Format("xls", "application/vnd.ms-excel", "binary", "xlrd",
               lambda c: old_books.read(c.path)),
        Format("odt", f"{_OASIS}.text", "archive", "lxml, pandoc to docx", _odt),
        Format("ods", f"{_OASIS}.spreadsheet", "archive", "lxml", lambda c: ods.read(c.path)),
        Format("odp", f"{_OASIS}.presentation", "archive", "lxml", _odp),
        Format("epub", "application/epub+zip", "archive", _PANDOC, _office),
        Format("rtf", "application/rtf", "text", f"LibreOffice to docx, else {_PANDOC}", _rtf),
        Format("html", "text/html", "text", "lxml, unstructured", _office,
               (".html", ".htm", ".xhtml")),
        Format("xml", "application/xml", "text", "lxml (JATS), unstructured", _xml,
               (".xml", ".nxml")),
        Format("json", "application/json", "plain", "json", _plain, (".json",)),
        Format("csv", "text/csv", "plain", "csv", _plain, (".csv",)),
        Format("tsv", "text/tab-separated-values", "plain", "csv", _plain, (".tsv",)),
        Format("md", "text/markdown", "text", "markdown-it-py, lxml, unstructured", _office,
               (".md", ".markdown")),
        Format("rst", "text/x-rst", "text", _PANDOC, _office, (".rst",)),
        Format("org", "text/org", "text", _PANDOC, _office, (".org",)),
        Format("ipynb", "application/x-ipynb+json", "text", "json, then as md", _notebook,
               (".ipynb",)),
        Format("eml", "message/rfc822", "text", "email, lxml, unstructured",
               attachments.read_mail, (".eml", ".p7s")),
        Format("msg", "application/vnd.ms-outlook", "binary",
               "python-oxmsg, lxml, unstructured", attachments.read_mail),
        Format("mbox", "application/mbox", "text", "email, each as eml",
               attachments.read_mailbox),
        Format("txt", "text/plain", "plain", "icalendar (ics), none", _plain),
        Format("png", "image/png", "image", _OCR, _picture),
        Format("jpg", "image/jpeg", "image", _OCR, _picture),
        Format("gif", "image/gif", "image", _OCR, _picture),
        Format("bmp", "image/bmp", "image", _OCR, _picture),
        Format("tif", "image/tiff", "image", _OCR, _picture),
        Format("webp", "image/webp", "image", _OCR, _picture),
        Format("heic", "image/heic", "image", "pi-heif, Tesseract", _picture),
        Format("avif", "image/avif", "image", _OCR, _picture),
    )
}  # fmt: skip


def kinds_of(*families: Family) -> frozenset[str]:
    """Return the kinds of formats of these families."""
    return frozenset(each.kind for each in FORMATS.values() if each.family in families)


def kind_by_suffix(suffix: str) -> str | None:
    """Return the kind of text that a file's name tells, ``None`` for any other suffix."""
    return next((each.kind for each in FORMATS.values() if suffix in each.suffixes), None)


def render_table() -> str:
    """Return the page that says what reads each format."""
    rows = "\n".join(
        f"| {each.kind} | `{each.mime_type}` | {each.library} |" for each in FORMATS.values()
    )
    return (
        "# Formats\n\nWritten by `make formats-page`: which libraries read a format, in the "
        "order in which they do. doc and ppt need LibreOffice's `soffice` on the path.\n\n"
        f"| format | media type | read by |\n| --- | --- | --- |\n{rows}\n"
    )


if __name__ == "__main__":
    print(render_table(), end="")  # noqa: T201 - what it is for
