"""The invisible text that lies under a scan, from whoever recognised it before, and may be bad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from ingest.doubts import common_share, words_of
from ingest.lines import Line
from ingest.scanned_part import pictures

if TYPE_CHECKING:
    from ingest.ocr import Recognised

_WHOLE: Final = 0.85  # of the page is its scan
_FEWEST_WORDS: Final = 30
_COMMON: Final = 0.05  # share of the commonest words of any language, below which it is odd
_SURE: Final = 0.8
_AGREED: Final = 0.3  # of its words that were recognised again, from which it is kept


def is_odd(page: Any, lines: Sequence[Line]) -> bool:
    """Whether all of the page's text is invisible upon a scan, and hardly any word a common one."""
    words = words_of(" ".join(line.text for line in lines))
    if len(words) < _FEWEST_WORDS or common_share(words) >= _COMMON:
        return False
    largest = max(((b[2] - b[0]) * (b[3] - b[1]) for b in pictures(page)), default=0.0)
    return largest >= _WHOLE and _is_invisible(page)


def is_refuted(lines: Sequence[Line], recognised: Recognised) -> bool:
    """Whether what was recognised anew is sure and something else than the invisible text.

    Lists of names have few common words, too, and languages that we have no list of: those agree.
    """
    hidden, seen = (
        Counter(words_of(" ".join(line.text for line in some)))
        for some in (lines, recognised.lines)
    )
    agreed = (hidden & seen).total() / max(hidden.total(), 1)
    return recognised.confidence >= _SURE and agreed < _AGREED


def _is_invisible(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    texts = page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_TEXT,), max_depth=4)
    return all(
        pdfium.FPDFTextObj_GetTextRenderMode(text) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
        for text in texts
    )
