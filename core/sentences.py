"""Where sentences begin and end, in time linear in the text, with or without spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LONG: Final = 400  # characters; beyond it a line end is taken for a sentence's end (tables, lists)
_LOOK_BACK: Final = 24  # characters; longer than any abbreviation below
# "Name: ", of what a line of a form or a mail's head says.
_LABEL: Final = r"[^\S\n]{0,8}[^\W\d_][^\n:.!?;,]{0,39}:[^\S\n]"
_LABELLED: Final = re.compile(_LABEL)

# Every branch matches wherever it starts, so that no text is scanned twice.
_CANDIDATE: Final = re.compile(
    r"[.!?…]++[\"'”’»)\]]*+"
    r"|[。！？｡।॥؟۔။។]++[\"'”’」』）】]*+"
    r"|\n[^\S\n]*+\n\s*+"
    r"|\n(?=[^\S\n]{0,8}(?:[•‣◦▪●–—*-]|\d{1,3}[.)])\s)"
    rf"|\n(?=(?P<label>{_LABEL}))"
)
_WORD_BEFORE: Final = re.compile(r"[^\W_](?:[^\W_]|[.'’])*$")
_NEXT_WORD: Final = re.compile(r"\s*[\"'“‘«(\[]*(\w*)")
_ABBREVIATIONS: Final = _words(
    """mr mrs ms dr prof rev gen col capt lt sgt sr jr st mt messrs hon
    e.g i.e cf viz vs approx ca resp incl excl nos vol vols p pp pg sec art ch par ed eds
    fig figs eq eqs ref refs tab dept univ bros est
    jan feb mar apr jun jul aug sep sept oct nov dec
    bzw z.b d.h u.a usw nr vgl ggf sog m bd abs hrsg str"""
)
# After these a sentence may well end: it does if the next word is one that opens sentences.
_MAY_END: Final = _words("al co corp etc inc llc ltd plc")
_OPENERS: Final = _words(
    """A After All Also An And As At But By For From He Her His However I If In It Its Many No On
    Our She Since Some Such That The Their Then There These They This Those To Under We What When
    Where While Who With You"""
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of ``text`` as ``(start, end)`` in code points, without outer blanks.

    Spans are in order, do not overlap and leave out only white space. Blank lines and list items
    end a sentence, line ends do between lines that each begin with a label ("Name: Ada"), and in
    runs of more than 400 characters without any other end.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for end in (*_ends(text), len(text)):
        spans.extend(_cut(text, start, end))
        start = end
    return spans


def _ends(text: str) -> Iterator[int]:
    for candidate in _CANDIDATE.finditer(text):
        mark = text[candidate.start()]
        if candidate["label"]:
            is_end = _is_labelled(text, candidate.start())
        else:
            is_end = mark not in ".!?…" or _ends_sentence(text, *candidate.span())
        if is_end:
            yield candidate.end()


def _is_labelled(text: str, end: int) -> bool:
    """Whether the line that ends there begins with a label; a long one is prose."""
    before = text.rfind("\n", max(0, end - _LONG), end)
    is_long = before < 0 and end > _LONG
    return not is_long and _LABELLED.match(text, before + 1, end) is not None


def _ends_sentence(text: str, mark: int, end: int) -> bool:
    """Decide about the full stop or other mark at ``mark`` whose run and closers end at ``end``."""
    if end < len(text) and not text[end].isspace():
        return False
    following = _NEXT_WORD.match(text[end : end + _LOOK_BACK])
    next_word = following.group(1) if following else ""
    if next_word[:1].islower():
        return False
    if text[mark] != "." or text[mark : mark + 2] == "..":
        return True
    return not _is_abbreviation(text[max(0, mark - _LOOK_BACK) : mark], next_word)


def _is_abbreviation(before: str, next_word: str) -> bool:
    found = _WORD_BEFORE.search(before)
    word = found.group() if found else ""
    lowered = word.lower()
    if lowered == "no":
        return next_word[:1].isdecimal()
    is_initial = len(word) == 1 and word.isupper()
    is_acronym = "." in word and all(len(part) == 1 for part in word.split("."))
    if is_initial or is_acronym or lowered in _MAY_END:
        return next_word not in _OPENERS
    return lowered in _ABBREVIATIONS


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the stripped span, or its lines if it is too long to be one sentence."""
    if end - start > _LONG and "\n" in text[start:end]:
        for line in re.finditer(r"[^\n]+", text[start:end]):
            yield from _stripped(text, start + line.start(), start + line.end())
    else:
        yield from _stripped(text, start, end)


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if left < right:
        yield left, right
