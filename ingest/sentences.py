"""Where sentences end, in any script, without a model."""

from __future__ import annotations

import re

# Full stops of Latin, Greek, Arabic, Devanagari and CJK scripts, then closing quotes and brackets.
_END = re.compile(r"(?:[.!?…؟۔।։]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[”’」』）]*|\n)\s*")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|No|Nos|Inc|Corp|Ltd|Co|vs|etc|cf|al|Fig|Figs|Eq|Sec|Art|Vol"
    r"|pp|approx|dept|est|e\.g|i\.e|a\.m|p\.m|U\.S|z\.B|bzw|Nr|Abb|usw|d\.h"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)|\b\w)\.$",
    re.IGNORECASE,
)
_LOOK_BACK = 12


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return the spans of the sentences in ``text[start:end]``; a line break ends a sentence.

    The spans cover everything but the white space between sentences, in order.
    """
    stop = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    begin = start
    for match in _END.finditer(text, start, stop):
        if _is_abbreviation(text, begin, match):
            continue
        _add(spans, text, begin, match.end())
        begin = match.end()
    _add(spans, text, begin, stop)
    return spans


def _is_abbreviation(text: str, begin: int, match: re.Match[str]) -> bool:
    if not match.group().rstrip() == ".":
        return False
    after = text[match.end() : match.end() + 1]
    if after.islower():
        return True
    dot = match.start() + 1
    return bool(_ABBREVIATION.search(text, max(begin, dot - _LOOK_BACK), dot))


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    body = piece.strip()
    if body:
        offset = start + piece.index(body[0])
        spans.append((offset, offset + len(body)))
