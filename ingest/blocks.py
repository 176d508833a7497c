"""Group the lines of a paged document into titles, paragraphs, lists and tables."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from ingest.document import Kind, Piece, union
from ingest.grids import Block, is_near, is_tabular, table_text, whole_tables
from ingest.lines import Line

_BULLET = re.compile(r"^(?:[•·▪‣◦●○■–—*-]|\(?[0-9]{1,2}[.)]|\(?[a-zA-Z][.)])\s+\S")
_CHECKBOX = re.compile("[☐☑☒]")
_BIGGER = 1.1  # times the body's type size
_TITLE_CHARACTERS = 160
_TITLE_LINES = 4
_LOOSE = 1.35  # times the page's usual distance between lines
_SENTENCE = 80  # characters
_SHORT_LINE = 18  # characters; blocks of shorter lines keep their line breaks
_FULL_LINE = 0.8  # of the widest line's width, and
_MOST = 0.7  # of the lines, make prose
_BETWEEN_IDEOGRAPHS = re.compile(
    r"(?<=[\u3040-\u30ff\u4e00-\u9fff]) (?=[\u3040-\u30ff\u4e00-\u9fff])"
)
_FEWEST_REPEATS = 3
_MARGIN = 0.1  # of the page's height; what stands there on both of two pages is running, too
_FULL_PAGE = 7  # lines
_OFTEN = 0.4  # share of the pages on which a running header or footer stands


def pieces(lines: list[Line]) -> list[Piece]:
    """Return the blocks of all pages' lines, without running headers and footers."""
    kept = _without_running(lines)
    ranks = _title_ranks(kept)
    pitches = _pitches(kept)
    blocks = whole_tables(
        _blocks(kept, ranks, pitches), pitches, lambda line: _is_title_line(line, ranks)
    )
    return [_piece(block, ranks) for block in blocks]


def _without_running(lines: list[Line]) -> list[Line]:
    """Drop first and last lines of pages that come back, numbers apart, on many pages."""
    outer = _outermost(lines)
    pages: dict[str, set[int]] = defaultdict(set)
    for position in outer:
        pages[_without_numbers(lines[position].text)].add(lines[position].page)
    total = len({line.page for line in lines})
    needed = max(_FEWEST_REPEATS, total * _OFTEN)
    running = {text for text, on in pages.items() if len(on) >= needed}
    on_both = {text for text, on in pages.items() if len(on) == total == 2}
    return [
        line
        for position, line in enumerate(lines)
        if position not in outer
        or not (
            (text := _without_numbers(line.text)) in running
            or (text in on_both and _is_in_margin(line))
        )
    ]


def _is_in_margin(line: Line) -> bool:
    return line.box[3] < _MARGIN or line.box[1] > 1 - _MARGIN


def _outermost(lines: list[Line]) -> set[int]:
    """Return the positions of each page's first two and last two lines, from top to bottom.

    On a page of a few lines these would be all there is; it has none.
    """
    by_page: dict[int, list[int]] = defaultdict(list)
    for position, line in enumerate(lines):
        by_page[line.page].append(position)
    outer: set[int] = set()
    for positions in by_page.values():
        if len(positions) < _FULL_PAGE:
            continue
        ordered = sorted(positions, key=lambda i: lines[i].box[1])
        outer.update(ordered[:2], ordered[-2:])
    return outer


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", text.lower())


Style = tuple[float, bool, bool]


def _style(line: Line) -> Style:
    """Order of prominence: size, bold, upright; greater is higher."""
    return round(line.size * 400) / 400, line.is_bold, not line.is_italic


def _title_ranks(lines: list[Line]) -> dict[Style, int]:
    """Return the level of each style that makes a title, 1 outermost.

    Titles are set larger than most of the text, or bold where most of the text is not.
    """
    weights: Counter[tuple[float, bool]] = Counter()
    for line in lines:
        weights[(_style(line)[0], line.is_bold)] += len(line.text)
    if not weights:
        return {}
    (body_size, body_bold), _ = weights.most_common(1)[0]
    prominent = {
        _style(line)
        for line in lines
        if _style(line)[0] > body_size * _BIGGER
        or (line.is_bold and not body_bold and _style(line)[0] >= body_size * 0.98)
    }
    return {style: rank for rank, style in enumerate(sorted(prominent, reverse=True), 1)}


def _is_title_line(line: Line, ranks: dict[Style, int]) -> bool:
    return (
        _style(line) in ranks
        and line.cells == 1
        and len(line.text) <= _TITLE_CHARACTERS
        and any(c.isalpha() for c in line.text)
        and not _CHECKBOX.search(line.text)
        and not line.text.endswith((",", ";"))
    )


def _blocks(
    lines: list[Line], ranks: dict[Style, int], pitches: dict[int, float]
) -> Iterator[list[Line]]:
    """Yield runs of lines that belong together."""
    block: list[Line] = []
    rows = 0  # lines of the block that have cells
    for line in lines:
        is_table = 2 * rows >= len(block)
        if block and not _continues(block, is_table, line, ranks, pitches[line.page]):
            yield block
            block, rows = [], 0
        block.append(line)
        rows += line.cells > 1
    if block:
        yield block


def _is_sentence(line: Line) -> bool:
    """Whether the line says something of its own about the table next to it."""
    return line.cells == 1 and len(line.text) >= _SENTENCE and line.text.endswith((".", ":"))


def _pitches(lines: list[Line]) -> dict[int, float]:
    """Return each page's usual distance between the tops of successive lines, of its prose where
    it has some: rows may stand farther apart."""
    steps: dict[int, list[float]] = defaultdict(list)
    prose: dict[int, list[float]] = defaultdict(list)
    for above, below in pairwise(lines):
        if above.page == below.page and below.box[1] > above.box[1]:
            of = prose if above.cells == below.cells == 1 else steps
            of[below.page].append(below.box[1] - above.box[1])
    steps |= prose
    return defaultdict(float, {page: median(found) for page, found in steps.items()})


def _continues(
    block: list[Line], is_table: bool, line: Line, ranks: dict[Style, int], pitch: float
) -> bool:
    last = block[-1]
    if last.page != line.page:
        return False
    is_title, after_title = _is_title_line(line, ranks), _is_title_line(last, ranks)
    if is_title or after_title:
        same = is_title and after_title and _style(line) == _style(last)
        return same and len(block) < _TITLE_LINES and is_near(last, line, line.size * 1.8)
    if (_is_sentence(line) or _is_sentence(last)) and is_tabular([last, line]):
        return False
    if is_table and line.cells > 1:
        return True
    if line.cells > 1 and len(block) > 1 and not is_table and _is_prose(block):
        return False
    if line.cells > 1 or last.cells > 1:
        return is_near(last, line, pitch * _LOOSE * 1.3)
    if _BULLET.match(line.text):
        return False
    return is_near(last, line, max(pitch, line.size) * _LOOSE)


def _piece(block: Block, ranks: dict[Style, int]) -> Piece:
    first = block.lines[0]
    box = union([line.shown for line in block.lines])
    if block.is_table:
        return Piece("table", table_text(block.lines), first.page, box)
    if _is_title_line(first, ranks):
        text = " ".join(line.text for line in block.lines)
        return Piece("title", text, first.page, box, ranks[_style(first)])
    kind: Kind = "list" if _BULLET.match(first.text) else "text"
    return Piece(kind, _joined(block.lines), first.page, box)


def _joined(block: list[Line]) -> str:
    """Join the lines: rows and short lines stay lines, prose flows on."""
    texts = [line.text for line in block]
    if not _is_prose(block):
        return "\n".join(text.replace("\u00ad", "") for text in texts)
    flowing = _BETWEEN_IDEOGRAPHS.sub("", " ".join(texts))
    return re.sub(r"\u00ad ?", "", flowing)


def _is_prose(block: list[Line]) -> bool:
    """Whether the lines run on: all but the last reach about equally far."""
    if is_tabular(block):
        return False
    widths = [line.box[2] - line.box[0] for line in block]
    full = sum(width >= _FULL_LINE * max(widths) for width in widths[:-1])
    length = sum(len(line.text) for line in block) / len(block)
    return full >= _MOST * (len(block) - 1) and length >= _SHORT_LINE
