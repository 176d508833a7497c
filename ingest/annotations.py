"""What was written upon a page of a PDF: a form's fields, typed texts, people's comments.

None of it is part of the page's own text (ISO 32000-2, 12.5 and 12.7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ingest.comments import told
from ingest.document import Box, Piece
from ingest.lines import displayed

CHECKED: Final = "☒"
UNCHECKED: Final = "☐"
_LINE: Final = 0.02  # of the page's height, where a text may have several
_NO_COMMENTS: Final = frozenset(
    ("FPDF_ANNOT_FREETEXT", "FPDF_ANNOT_LINK", "FPDF_ANNOT_POPUP", "FPDF_ANNOT_WIDGET")
)


@dataclass(frozen=True)
class Entry:
    """What was filled in, and where."""

    text: str
    box: Box

    @property
    def is_mark(self) -> bool:
        """Whether it is a box, ticked or not, whose words mostly follow it."""
        return self.text in (CHECKED, UNCHECKED)


def entries(page: Any) -> list[Entry]:
    """Return what fields have and what was typed upon the page, a line each, from top to bottom."""
    import pypdfium2.raw as pdfium

    found: list[Entry] = []
    for annotation in _annotations(page):
        kind = pdfium.FPDFAnnot_GetSubtype(annotation)
        place = _box(page, annotation)
        if kind == pdfium.FPDF_ANNOT_FREETEXT:
            found += _by_line(_said(annotation, b"Contents"), place)
        elif kind == pdfium.FPDF_ANNOT_WIDGET and page.formenv is not None:
            found += _of_field(page.formenv, annotation, place)
    return sorted(found, key=lambda entry: (entry.box[1], entry.box[0]))


def comments(page: Any, number: int) -> Iterator[Piece]:
    """Yield what people noted upon a page, as notes or with what they marked or drew."""
    import pypdfium2.raw as pdfium

    others = {getattr(pdfium, name) for name in _NO_COMMENTS}
    for annotation in _annotations(page):
        if pdfium.FPDFAnnot_GetSubtype(annotation) in others:
            continue
        words = " ".join(_said(annotation, b"Contents").split())
        author = " ".join(_said(annotation, b"T").split())
        if words:
            yield Piece("text", told(words, author), number, _box(page, annotation))


def _annotations(page: Any) -> Iterator[Any]:
    """Yield those that are shown, each as long as it is looked at."""
    import pypdfium2.raw as pdfium

    hidden = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        with _opened(page, index) as annotation:
            if annotation and not pdfium.FPDFAnnot_GetFlags(annotation) & hidden:
                yield annotation


@contextmanager
def _opened(page: Any, index: int) -> Iterator[Any]:
    import pypdfium2.raw as pdfium

    annotation = pdfium.FPDFPage_GetAnnot(page, index)
    try:
        yield annotation
    finally:
        if annotation:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _of_field(form: Any, field: Any, place: Box) -> Iterator[Entry]:
    import pypdfium2.raw as pdfium

    flags = pdfium.FPDFAnnot_GetFormFieldFlags(form, field)
    text = "" if flags & pdfium.FPDF_FORMFLAG_TEXT_PASSWORD else _value(form, field)
    if flags & pdfium.FPDF_FORMFLAG_TEXT_MULTILINE:
        yield from _by_line(text, place)
    elif said := " ".join(text.split()):
        yield Entry(said, place)


def _value(form: Any, field: Any) -> str:
    """Return what a field has; whether it is ticked, for those that can be."""
    import pypdfium2.raw as pdfium

    kind = pdfium.FPDFAnnot_GetFormFieldType(form, field)
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        return CHECKED if pdfium.FPDFAnnot_IsChecked(form, field) else UNCHECKED
    if kind == pdfium.FPDF_FORMFIELD_LISTBOX:
        return ", ".join(_chosen(form, field))
    if kind in (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX):
        return _text(pdfium.FPDFAnnot_GetFormFieldValue, form, field)
    return ""


def _chosen(form: Any, field: Any) -> Iterator[str]:
    import pypdfium2.raw as pdfium

    for index in range(pdfium.FPDFAnnot_GetOptionCount(form, field)):
        if pdfium.FPDFAnnot_IsOptionSelected(form, field, index):
            yield _text(pdfium.FPDFAnnot_GetOptionLabel, form, field, index)


def _said(annotation: Any, key: bytes) -> str:
    import pypdfium2.raw as pdfium

    return _text(pdfium.FPDFAnnot_GetStringValue, annotation, key)


def _text(get: Callable[..., int], *of: Any) -> str:
    """Return a string of PDFium's, which says first how many bytes of UTF-16 there are."""
    import pypdfium2.raw as pdfium

    size = get(*of, None, 0)
    units = (pdfium.FPDF_WCHAR * max(1, size // 2))()
    get(*of, units, size)
    return bytes(units).decode("utf-16-le", "replace").rstrip("\0")


def _box(page: Any, annotation: Any) -> Box:
    import pypdfium2.raw as pdfium

    place = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(annotation, place)
    return displayed(page, place.left, place.bottom, place.right, place.top)


def _by_line(text: str, box: Box) -> Iterator[Entry]:
    """Yield the lines of a text, each where it stands in its box."""
    left, top, right, bottom = box
    lines = text.splitlines()
    height = min(_LINE, (bottom - top) / max(1, len(lines)))
    for number, line in enumerate(lines):
        said, upper = " ".join(line.split()), top + number * height
        if said:
            yield Entry(said, (left, upper, right, upper + height))
