"""Read a PDF: its own text where it has one, recognised text where it has none."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest import hidden_text, ocr
from ingest.annotations import Entry, comments, entries
from ingest.columns import in_reading_order
from ingest.document import Piece, Reading
from ingest.failures import CorruptDocument, EncryptedDocument, TooManyPages
from ingest.filled import filled
from ingest.limits import Limits
from ingest.lines import Line, read_lines
from ingest.scanned_part import recognise_part, scanned_part
from ingest.windows import Window, joined

if TYPE_CHECKING:
    from PIL.Image import Image

Progress = Callable[[str, int, int], None]  # stage, pages done, pages in all

_FEWEST_CHARACTERS = 20  # a page with less text and with a picture is read by OCR
_UNREADABLE = 0.3  # share of characters without a meaning from which a page's text is useless
_UNKNOWN = re.compile(r"\(cid:\d{1,6}\)")  # what some tools wrote for letters they did not know
_DOTS_PER_INCH = 300
_PASSWORD_ERRORS = (4, 5)  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY


def read(path: Path, limits: Limits, languages: str, progress: Progress) -> Reading:
    """Return what stands on the pages of the PDF at ``path``.

    Raises ``EncryptedDocument``, ``CorruptDocument``, ``TooManyPages``.
    """
    return joined([read_window(path, limits, languages, progress)])


def read_window(
    path: Path,
    limits: Limits,
    languages: str,
    progress: Progress,
    first: int = 1,
    seconds: float = math.inf,
) -> Window:
    """Read pages from ``first`` on until so many seconds are over, one page at least.

    Raises as :func:`read` does.
    """
    until = time.monotonic() + seconds
    with _opened(path) as document:
        total = len(document)
        _check_pages(total, limits)
        window = Window(total)
        if first == 1:
            window.warnings += _beside(document)
        for number in range(first, total + 1):
            found = _read_page(document, number, limits, languages, progress, window.warnings)
            window.lines += found.lines
            window.comments += found.comments
            window.pages_with_text += bool(found.lines)
            if found.certainty is not None:
                window.certainties.append(found.certainty)
            if found.doubt is not None:
                window.doubts.append((number, found.doubt))
            progress("parsing", number, total)
            if number < total and time.monotonic() > until:
                window.next_page = number + 1
                break
    return window


class _Page:
    """The lines of one page; where they were recognised, how certain they are, and whether they
    may be in another language."""

    def __init__(
        self, lines: list[Line], certainty: float | None = None, doubt: str | None = None
    ) -> None:
        self.lines = lines
        self.certainty = certainty
        self.doubt = doubt
        self.comments: list[Piece] = []


def _check_pages(total: int, limits: Limits) -> None:
    if total == 0:
        raise CorruptDocument("The PDF has no pages: export it again and upload the new file.")
    if total > limits.max_pages:
        raise TooManyPages(
            f"The PDF has {total} pages and {limits.max_pages} are allowed: split it."
        )


def _beside(document: Any) -> Iterator[str]:
    """Yield what the owner is to know of what a PDF has beside its pages."""
    import pypdfium2.raw as pdfium

    if attached := document.count_attachments():
        files = "A file is" if attached == 1 else f"{attached} files are"
        yield f"{files} attached to the PDF and not read: upload what you need of them, too."
    if document.get_formtype() == pdfium.FORMTYPE_XFA_FULL:
        yield (
            "The PDF is a form (XFA) that may show more in Adobe Reader: if something is missing, "
            "print it to a new PDF there and upload that."
        )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in _PASSWORD_ERRORS:
            raise EncryptedDocument(
                "The PDF asks for a password: remove the protection and upload it again."
            ) from error
        raise CorruptDocument(
            "The PDF is damaged and cannot be opened: export it again and upload the new file."
        ) from error
    try:
        document.init_forms()  # before its pages: fields are read, and drawn for OCR
        yield document
    finally:
        document.close()


def _read_page(
    document: Any,
    number: int,
    limits: Limits,
    languages: str,
    progress: Progress,
    warnings: list[str],
) -> _Page:
    import pypdfium2

    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        warnings.append(f"Page {number} is damaged and was left out.")
        return _Page([])
    try:
        entered = entries(page)
        found = _lines(page, number, entered, limits, languages, partial(progress, "ocr"))
        found.comments += comments(page, number)
        return found
    finally:
        page.close()


def _lines(
    page: Any,
    number: int,
    entered: Sequence[Entry],
    limits: Limits,
    languages: str,
    recognising: Callable[[int, int], None],
) -> _Page:
    text_page = page.get_textpage()
    own = in_reading_order(read_lines(page, text_page, number))
    text_page.close()
    lines = filled(own, number, entered)
    if limits.ocr == "off":
        return _Page(lines)
    is_odd = hidden_text.is_odd(page, own)
    is_whole = limits.ocr == "force" or is_odd or _needs_ocr(page, own)
    part = None if is_whole else scanned_part(page, lines)
    if part is None and not is_whole:
        return _Page(lines)
    recognising(number - 1, len(page.pdf))
    image = _rendered(page, limits, is_bare=bool(entered))
    if part is not None:
        return _Page(*recognise_part(image, part, lines, number, languages))
    recognised = ocr.recognise(image, number, languages)
    if is_odd and limits.ocr != "force" and not hidden_text.is_refuted(own, recognised):
        return _Page(lines)
    read = filled(recognised.lines, number, entered) if recognised.lines else lines
    return _Page(read, recognised.confidence, recognised.doubt)


def _needs_ocr(page: Any, lines: list[Line]) -> bool:
    text = "".join(line.text for line in lines)
    readable = _UNKNOWN.sub("", text)
    unreadable = len(text) - len(readable) + sum(_is_unreadable(c) for c in readable)
    if text and unreadable / len(text) > _UNREADABLE:
        return True
    return len(text) < _FEWEST_CHARACTERS and _has_ink(page)


def _is_unreadable(character: str) -> bool:
    code = ord(character)
    return code == 0xFFFD or 0xE000 <= code <= 0xF8FF or code < 32


def _has_ink(page: Any) -> bool:
    """Whether the page shows anything but text: pictures, or letters drawn as paths."""
    import pypdfium2.raw as pdfium

    drawn = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING)
    return any(True for _ in page.get_objects(filter=drawn, max_depth=4))


def _rendered(page: Any, limits: Limits, *, is_bare: bool) -> Image:
    """Return the page at 300 dots an inch, or at what the limit on pixels leaves; ``is_bare``
    without what was written upon it, which is known letter by letter."""
    width, height = page.get_size()
    scale = _DOTS_PER_INCH / 72
    pixels = width * height * scale * scale
    if pixels > limits.max_pixels:
        scale *= (limits.max_pixels / pixels) ** 0.5
    image: Image = page.render(
        scale=scale, grayscale=True, may_draw_forms=not is_bare, draw_annots=not is_bare
    ).to_pil()
    return image
