"""Shows which words of a passage were asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Final

from core.text import analyze

_WORD: Final = re.compile(r"[^\W_]+(?:['’.,][^\W_]+)*")
_MARGIN: Final = 80  # characters shown on either side of a word
_MOST_FRAGMENTS: Final = 3

Span = tuple[int, int]


def highlights(content: str, terms: frozenset[str], language: str) -> list[str]:
    """Return up to three fragments of ``content`` as HTML, words of ``terms`` in ``<mark>``.

    ``terms`` are analyzed words; everything else in a fragment is escaped.
    """
    spans = list(_matches(content, terms, language))
    windows = _windows(content, spans)
    densest = sorted(windows, key=lambda window: -_distinct(content, window, spans))
    chosen = sorted(densest[:_MOST_FRAGMENTS])
    return [_marked(content, window, spans) for window in chosen]


def _matches(content: str, terms: frozenset[str], language: str) -> Iterator[Span]:
    for word in _WORD.finditer(content):
        found = analyze(word.group(), language)
        if terms.isdisjoint(found):
            continue
        if len(found) == 1:
            yield word.span()
        else:
            yield from _parts(content, word.span(), terms, language)


def _parts(content: str, word: Span, terms: frozenset[str], language: str) -> Iterator[Span]:
    """Find the terms inside a run without spaces, whose terms are pairs of characters."""
    start, end = word
    open_span: Span | None = None
    for at in range(start, max(end - 1, start + 1)):
        if terms.isdisjoint(analyze(content[at : at + 2], language)):
            continue
        if open_span and at <= open_span[1]:
            open_span = (open_span[0], at + 2)
            continue
        if open_span:
            yield open_span
        open_span = (at, at + 2)
    yield open_span or word


def _windows(content: str, spans: list[Span]) -> list[Span]:
    """Return stretches around the spans, those that touch joined, cut at blanks."""
    windows: list[Span] = []
    for start, end in spans:
        left, right = _cut(content, max(0, start - _MARGIN), min(len(content), end + _MARGIN))
        left, right = min(left, start), max(right, end)
        if windows and left <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(right, windows[-1][1]))
        else:
            windows.append((left, right))
    return windows


def _cut(content: str, left: int, right: int) -> Span:
    if left:
        blank = content.find(" ", left)
        left = blank + 1 if 0 <= blank < right else left
    if right < len(content):
        blank = content.rfind(" ", left, right)
        right = blank if blank > left else right
    return left, right


def _distinct(content: str, window: Span, spans: list[Span]) -> int:
    return len({content[a:b].lower() for a, b in spans if window[0] <= a and b <= window[1]})


def _marked(content: str, window: Span, spans: list[Span]) -> str:
    at, end = window
    parts: list[str] = []
    for a, b in spans:
        if window[0] <= a and b <= end:
            parts += [escape(content[at:a]), "<mark>", escape(content[a:b]), "</mark>"]
            at = b
    return "".join([*parts, escape(content[at:end])])
