"""Files of several kinds with made-up texts, as users upload them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from evals.bench.texts import documents

_PAGE: Final = (595.0, 842.0)  # A4 in points
_MARGIN: Final = 60.0
_LINE: Final = 15.0  # between the feet of two lines, in points
_LINE_CHARS: Final = 85
_PAGE_CHARS: Final = 3_000
_SCAN_DPI: Final = 200


def make_docx(text: str) -> bytes:
    """Return a Word document with a heading and paragraphs of the text."""
    from docx import Document

    document = Document()
    document.add_heading(text[:60], level=1)
    for line in _lines(text, 500):
        document.add_paragraph(line)
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def make_pdf(texts: Sequence[str]) -> bytes:
    """Return a PDF with a page of each text."""
    import pypdfium2

    pdf = pypdfium2.PdfDocument.new()
    for text in texts:
        page = pdf.new_page(*_PAGE)
        for number, line in enumerate(_lines(text, _LINE_CHARS)):
            _insert(pdf, page, line, _PAGE[1] - _MARGIN - number * _LINE)
        page.gen_content()
    data = io.BytesIO()
    pdf.save(data)
    return data.getvalue()


def make_scan(text: str) -> bytes:
    """Return a page of text as a PNG without a text layer."""
    from PIL import Image, ImageDraw, ImageFont

    scale = _SCAN_DPI / 72
    size = round(_PAGE[0] * scale), round(_PAGE[1] * scale)
    image = Image.new("L", size, 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=11 * scale)
    for number, line in enumerate(_lines(text, _LINE_CHARS - 10)):
        draw.text((_MARGIN * scale, (_MARGIN + number * _LINE) * scale), line, 0, font)
    data = io.BytesIO()
    image.save(data, "PNG", dpi=(_SCAN_DPI, _SCAN_DPI))
    return data.getvalue()


def make_pages(count: int, seed: int) -> list[str]:
    """Return texts that fill a page each."""
    return documents(count, _PAGE_CHARS, seed)


def _insert(pdf: Any, page: Any, line: str, foot: float) -> None:
    import pypdfium2.raw as pdfium

    text = pdfium.FPDFPageObj_NewTextObj(pdf, b"Helvetica", 11.0)
    encoded = (line + "\0").encode("utf-16-le")
    buffer = (pdfium.FPDF_WCHAR * (len(encoded) // 2)).from_buffer_copy(encoded)
    pdfium.FPDFText_SetText(text, buffer)
    pdfium.FPDFPageObj_Transform(text, 1, 0, 0, 1, _MARGIN, foot)
    pdfium.FPDFPage_InsertObject(page, text)


def _lines(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)
