"""Cut a parsed document into passages: whole sentences and rows, under one heading, on one page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.markdown_tables import is_rule
from core.sentences import sentences
from core.titles import title_of, without_extension
from ingest.document import Box, Chunk, Element, ParsedDocument, union
from ingest.tables import head_of, without_bars
from ingest.tokens import CHARACTERS_A_TOKEN, TokenRuler

MAX_TOKENS = 200
_PREFIX_WORDS = 40  # with 200 tokens of text this stays within the model's window of 256
_PREFIX_CHARACTERS = 240
_LONGEST_HEAD = 2_000  # characters of a table's head that go with each of its passages
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class _Unit:
    """What is never cut: a sentence, a row, a title."""

    start: int
    end: int
    tokens: int
    element: Element


def split(
    document: ParsedDocument,
    max_tokens: int = MAX_TOKENS,
    overlap_tokens: int = 0,
    strategy: str = "auto",
) -> list[Chunk]:
    """Return the passages of ``document`` in order, each of at most ``max_tokens`` tokens.

    A heading opens a new passage once the current one holds a quarter of ``max_tokens``, so that
    small sections share one. Passages of one section are of about equal size. With
    ``overlap_tokens`` a passage begins with the last whole sentences of the one before it in the
    same section, as far as they fit. Equal documents give equal passages. No passage spans pages.

    That is the ``strategy`` ``auto``. By ``title`` every heading opens a passage, by ``table`` each
    row of a table is one as well, with the table's head; by ``page`` and ``recursive`` none opens.

    Raises ``ValueError`` unless ``0 <= overlap_tokens <= max_tokens / 2``.
    """
    if not 0 <= overlap_tokens <= max_tokens / 2:
        raise ValueError("overlap_tokens must lie between 0 and half of max_tokens")
    ruler = TokenRuler(document.text)
    chunks: list[Chunk] = []
    for section in _sections(document, ruler, max_tokens, strategy):
        for begin, group in _pack(section, max_tokens - overlap_tokens):
            overlap = _overlap(section, begin, overlap_tokens)
            chunks.append(_chunk(document.text, ruler, [*overlap, *group], len(chunks)))
    return chunks


def split_for(document: ParsedDocument, chunking: Mapping[str, Any]) -> list[Chunk]:
    """Return the passages of ``document`` as a base's settings want them."""
    max_tokens = min(chunking.get("maxTokens", MAX_TOKENS), MAX_TOKENS)
    return split(
        document,
        max_tokens=max_tokens,
        overlap_tokens=min(chunking.get("overlapTokens", 0), max_tokens // 2),
        strategy=chunking.get("strategy", "auto"),
    )


def embedding_text(chunk: Chunk, document_name: str) -> str:
    """Return what the embedding model reads of a passage (see ``prefixed``)."""
    return prefixed(chunk.text, document_name, chunk.heading_path, chunk.context)


def indexed_text(chunk: Chunk, document_name: str) -> str:
    """Return what keyword search finds a passage by: what is embedded, and any name at all."""
    text = embedding_text(chunk, document_name)
    return text if title_of(document_name) else f"{without_extension(document_name)}\n{text}"


def prefixed(text: str, document_name: str, heading_path: Sequence[str], context: str) -> str:
    """Return a passage below its document's name, its headings and its table's first row.

    The passage alone often does not say whose figures it holds ("Net sales 82,959"): the name and
    the headings do. They are cut so that the whole stays within the model's window. A name that
    tells nothing is left out, as are the bars between a table's cells: to the model they would be
    noise.
    """
    above = filter(None, [title_of(document_name), *heading_path])
    lines = [_shorten(" > ".join(above))]
    if context:
        lines.append(_shorten(without_bars(context[:_LONGEST_HEAD])))
    return "\n".join([*(line for line in lines if line), without_bars(text)])


def _shorten(line: str) -> str:
    return " ".join(line[:_PREFIX_CHARACTERS].split()[:_PREFIX_WORDS])


def _sections(
    document: ParsedDocument, ruler: TokenRuler, max_tokens: int, strategy: str
) -> Iterator[list[_Unit]]:
    """Yield runs of units that may share a passage."""
    section: list[_Unit] = []
    for element in document.elements:
        if section and _opens(element, section, max_tokens, strategy):
            yield section
            section = []
        units = list(_units(document.text, element, ruler, max_tokens))
        if strategy == "table" and element.kind == "table":
            yield [*section, *units[:2]]  # a head says nothing without a row
            yield from ([unit] for unit in units[2:])
            section = []
        else:
            section.extend(units)
    if section:
        yield section


def _opens(element: Element, section: list[_Unit], max_tokens: int, strategy: str) -> bool:
    """Whether an element begins a section of its own."""
    last = section[-1].element
    if last.page != element.page:
        return True
    if element.kind == "title":
        least = {"auto": max_tokens // 4, "title": 1, "table": 1}.get(strategy)
        return least is not None and _is_full(section, least)
    return strategy == "table" and element.kind == "table" and last.kind != "title"


def _is_full(section: list[_Unit], tokens: int) -> bool:
    """Whether the section holds that much; titles alone wait for their text."""
    if not section or section[-1].element.kind == "title":
        return False
    return sum(unit.tokens for unit in section) >= tokens


def _units(text: str, element: Element, ruler: TokenRuler, max_tokens: int) -> Iterator[_Unit]:
    if element.kind == "title":
        spans = [(element.start, element.end)]
    elif element.kind in ("table", "code"):
        spans = _line_spans(text, element.start, element.end)
    else:
        spans = [(element.start + a, element.start + b) for a, b in sentences(element.text)]
    for start, end in spans:
        for piece_start, piece_end in _within(text, start, end, ruler, max_tokens):
            tokens = max(1, ruler.count(piece_start, piece_end))  # of bars alone there are none
            yield _Unit(piece_start, piece_end, tokens, element)


def _line_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    has_rule = False
    for line in text[start:end].splitlines(keepends=True):
        body = line.rstrip()
        if is_rule(body) and spans and not has_rule:  # is never parted from the head above it
            spans[-1] = (spans[-1][0], start + len(body))
            has_rule = True
        elif body:
            spans.append((start, start + len(body)))
        start += len(line)
    return spans


def _within(
    text: str, start: int, end: int, ruler: TokenRuler, max_tokens: int
) -> Iterator[tuple[int, int]]:
    """Yield the span, cut at words where it holds more than ``max_tokens``."""
    while ruler.count(start, end) > max_tokens:
        cut = ruler.cut(start, end, max_tokens)
        if cut >= end:
            break
        if body := text[start:cut].rstrip():
            yield start, start + len(body)
        blanks = _BLANKS.match(text, cut, end)
        start = blanks.end() if blanks else cut
    yield start, end


def _pack(section: list[_Unit], budget: int) -> Iterator[tuple[int, list[_Unit]]]:
    """Yield groups within ``budget`` tokens, about equal in size, titles with what follows, each
    behind its place in the section."""
    remaining = sum(unit.tokens for unit in section)
    position = 0
    while position < len(section):
        share = remaining / max(1, -(-remaining // budget))
        end, held = position + 1, section[position].tokens
        farthest = section[position].start + budget * CHARACTERS_A_TOKEN  # of blanks, too
        while end < len(section) and held + section[end].tokens <= budget:
            if section[end].end > farthest:
                break
            if held + section[end].tokens / 2 > share:
                break
            held += section[end].tokens
            end += 1
        end = _before_titles(section, position, end)
        group = section[position:end]
        remaining -= sum(unit.tokens for unit in group)
        begin, position = position, end
        yield begin, group


def _before_titles(section: list[_Unit], start: int, end: int) -> int:
    """Move the end of a group before titles that would end it."""
    moved = end
    while end < len(section) and moved > start + 1 and section[moved - 1].element.kind == "title":
        moved -= 1
    return moved if section[moved - 1].element.kind != "title" else end


def _overlap(section: list[_Unit], position: int, tokens: int) -> list[_Unit]:
    begin, held = position, 0
    while begin > 0 and held + section[begin - 1].tokens <= tokens:
        begin -= 1
        held += section[begin].tokens
    return section[begin:position]


def _chunk(text: str, ruler: TokenRuler, group: list[_Unit], index: int) -> Chunk:
    start, end = group[0].start, group[-1].end
    body = next((u.element for u in group if u.element.kind != "title"), group[-1].element)
    return Chunk(
        index=index,
        text=text[start:end],
        page=group[0].element.page,
        bbox=_box(group),
        heading_path=body.heading_path,
        start=start,
        end=end,
        token_count=ruler.count(start, end),
        context=_header_row(group[0]),
    )


def _box(group: list[_Unit]) -> Box | None:
    return union([unit.element.bbox for unit in group if unit.element.bbox is not None])


def _header_row(unit: _Unit) -> str:
    """Return the head of the table that ``unit`` continues."""
    element = unit.element
    if element.kind != "table" or unit.start == element.start:
        return ""
    return head_of(element.text)[:_LONGEST_HEAD]
