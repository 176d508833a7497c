"""Lines of a page with their place and type, from a PDF's own text."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.document import Box
from ingest.ideographs import closed
from ingest.tables import Cell

# A gap this wide, in type sizes, separates cells of a row; justified prose stays below it.
_CELL_GAP = 1.6
_BOLD_WEIGHT = 600
_BOLD = re.compile(
    r"bold|black|heavy|nimbus.*-(?:medi|demi)"
    r"|(?:^|\+)(?:cm(?:b|bx\w{0,2}|ssbx|ssdc)|(?:sf|ec)(?:b[ixl]|rb|s[ox]))\d"
)
_ITALIC = re.compile(
    r"italic|oblique|nimbus.*ital|(?:^|\+)(?:cm(?:bxti|s[il]|ti)|(?:sf|ec)(?:bi|bl|s[il]|ti))\d"
)
_SOFT_HYPHENS = str.maketrans({"\ufffe": "\u00ad", "\x02": "\u00ad", "\x00": "\ufffd"})


@dataclass(frozen=True)
class Line:
    """One line of a page. ``size`` is the type's height as a share of the page's height.

    ``parts`` are its cells where wide gaps part it, else none. ``place`` is its box on the page as
    it is shown, where that is another one: it was turned to be read, or something was filled in.
    """

    text: str
    page: int
    box: Box
    size: float
    is_bold: bool = False
    is_italic: bool = False
    parts: tuple[Cell, ...] = ()
    place: Box | None = None

    @property
    def shown(self) -> Box:
        return self.place or self.box

    @property
    def cells(self) -> int:
        return max(1, len(self.parts))


@dataclass(frozen=True)
class _Glyph:
    character: str
    index: int
    left: float
    right: float
    bottom: float
    top: float


def read_lines(page: Any, text_page: Any, number: int) -> list[Line]:
    """Return the lines of a pypdfium2 page in the order in which its text is written."""
    lines: list[Line] = []
    measure = _Measure(page, text_page, number)
    for glyphs in _runs(text_page):
        line = measure.line(glyphs)
        if line is not None:
            lines.append(line)
    return lines


def _runs(text_page: Any) -> Iterator[list[_Glyph]]:
    """Yield the glyphs between the line ends that PDFium finds."""
    import pypdfium2.raw as pdfium

    left, right = ctypes.c_double(), ctypes.c_double()
    bottom, top = ctypes.c_double(), ctypes.c_double()
    run: list[_Glyph] = []
    for index in range(text_page.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text_page, index)
        if code in (10, 13):
            if run:
                yield run
                run = []
            continue
        pdfium.FPDFText_GetCharBox(text_page, index, left, right, bottom, top)
        run.append(_Glyph(chr(code), index, left.value, right.value, bottom.value, top.value))
    if run:
        yield run


class _Measure:
    """Turns glyphs of one page into lines in the page's displayed, unit coordinates."""

    def __init__(self, page: Any, text_page: Any, number: int) -> None:
        self._page = page
        self._text_page = text_page
        self._number = number
        self._height = page.get_height() or 1.0
        self._is_landscape = page.get_rotation() in (90, 270)

    def line(self, glyphs: list[_Glyph]) -> Line | None:
        inked = [g for g in glyphs if not g.character.isspace() and g.right > g.left]
        text = _text(glyphs)
        if not inked or not text:
            return None
        middle = inked[len(inked) // 2]
        size = self._type_size(middle)
        is_bold, is_italic = self._style(inked)
        return Line(
            text=text,
            page=self._number,
            box=self._displayed(inked),
            size=size / self._height,
            is_bold=is_bold,
            is_italic=is_italic,
            parts=tuple(self._cells(glyphs, size)),
        )

    def _cells(self, glyphs: list[_Glyph], size: float) -> Iterator[Cell]:
        """Yield the runs of glyphs with wide gaps between them, if there are several."""
        runs = _parted(glyphs, _CELL_GAP * size, is_landscape=self._is_landscape)
        if len(runs) < 2:
            return
        for run in runs:
            box = self._displayed([g for g in run if g.right > g.left])
            yield Cell(_text(run), box[0], box[2])

    def _type_size(self, glyph: _Glyph) -> float:
        """Return the size in points: the font's own, scaled by the text's matrix."""
        import pypdfium2.raw as pdfium

        matrix = pdfium.FS_MATRIX()
        nominal: float = pdfium.FPDFText_GetFontSize(self._text_page, glyph.index)
        if not pdfium.FPDFText_GetMatrix(self._text_page, glyph.index, matrix):
            return nominal
        return nominal * float((matrix.c**2 + matrix.d**2) ** 0.5)

    def _style(self, inked: list[_Glyph]) -> tuple[bool, bool]:
        """Return whether the line is bold, and italic, from its first to its last glyph."""
        fonts = [self._font(g) for g in (inked[0], inked[len(inked) // 2], inked[-1])]
        return all(bold for bold, _ in fonts), all(italic for _, italic in fonts)

    def _font(self, glyph: _Glyph) -> tuple[bool, bool]:
        import pypdfium2.raw as pdfium

        buffer = ctypes.create_string_buffer(128)
        flags = ctypes.c_int()
        pdfium.FPDFText_GetFontInfo(self._text_page, glyph.index, buffer, 128, flags)
        name = buffer.value.decode("utf-8", "replace")
        weight = pdfium.FPDFText_GetFontWeight(self._text_page, glyph.index)
        is_bold, is_italic = style_of(name)
        return is_bold or weight >= _BOLD_WEIGHT, is_italic

    def _displayed(self, inked: list[_Glyph]) -> Box:
        left, bottom = min(g.left for g in inked), min(g.bottom for g in inked)
        right, top = max(g.right for g in inked), max(g.top for g in inked)
        return displayed(self._page, left, bottom, right, top)


def style_of(font: str) -> tuple[bool, bool]:
    """Return whether a font is bold, and italic, by its name. TeX's say so in letters of their own
    and have no weight: CMBX12, SFTI1000, NimbusRomNo9L-Medi."""
    return _BOLD.search(font.lower()) is not None, _ITALIC.search(font.lower()) is not None


def displayed(page: Any, left: float, bottom: float, right: float, top: float) -> Box:
    """Return a box, in points of the page, as displayed: rotation and crop box applied, from the
    top left, 0-1."""
    corners = [_to_display(page, left, top), _to_display(page, right, bottom)]
    xs, ys = zip(*corners, strict=True)
    return (min(xs), min(ys), max(xs), max(ys))


def _to_display(page: Any, x: float, y: float) -> tuple[float, float]:
    import pypdfium2.raw as pdfium

    unit = 100_000
    column, row = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, unit, unit, 0, x, y, column, row)
    return (_clamp(column.value / unit), _clamp(row.value / unit))


def _text(glyphs: list[_Glyph]) -> str:
    joined = "".join(g.character for g in glyphs)
    paired = joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return closed(" ".join(paired.translate(_SOFT_HYPHENS).split()))


def _parted(glyphs: list[_Glyph], gap: float, *, is_landscape: bool) -> list[list[_Glyph]]:
    """Cut the line where two glyphs with ink stand farther apart than ``gap``."""
    runs: list[list[_Glyph]] = []
    last: _Glyph | None = None
    for glyph in glyphs:
        if glyph.character.isspace() or glyph.right <= glyph.left:
            if runs:
                runs[-1].append(glyph)
            continue
        if last is None or _distance(last, glyph, is_landscape=is_landscape) > gap:
            runs.append([])
        runs[-1].append(glyph)
        last = glyph
    return runs


def _distance(last: _Glyph, glyph: _Glyph, *, is_landscape: bool) -> float:
    """Return the blank between two glyphs; on a page turned to be read lines run up or down it."""
    if is_landscape:
        return max(glyph.bottom - last.top, last.bottom - glyph.top)
    return glyph.left - last.right


def _clamp(share: float) -> float:
    return min(1.0, max(0.0, share))
