"""Marks like ``[2]`` in a streamed answer, checked before anyone sees them.

A mark stands only if its number was retrieved in this turn and the passage bears out what is said
before the mark; its quote is cut from the passage here, in code. Other marks are taken out, with
the blank before them. In code, fenced or between backticks, brackets are brackets. The rest of a
line of code that nobody put there is put between backticks, from its first such bracket on: so
that an index is not lost, and no bracket that was not checked stands for a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.marks import MARK, MARK_BEGUN, is_code, may_be_code
from pipelines.masking import mask
from pipelines.passages import Passage, Passages
from pipelines.references import as_text
from pipelines.support import find_support

_MARK_BEGUN_AT_END: Final = re.compile(rf"{MARK_BEGUN.pattern}\Z")
_OPENS_LINE: Final = re.compile(r"(?:\A|\n)[\s>*\-\d.]{0,12}\Z")
_WORD: Final = re.compile(r"\w")
_PLAIN: Final = re.compile(r"[^\[` \t]+")
_BLANKS: Final = re.compile(r"[ \t]{1,64}+")
_TICKS: Final = re.compile(r"`{1,64}+")
_FENCE: Final = 3
_LONGEST_INLINE_CODE: Final = 200
_KEPT: Final = 2000  # characters of the answer that a claim is looked for in
_LONGEST_RUN: Final = 64  # blanks or backticks that are waited for


@dataclass(frozen=True)
class Citation:
    """A checked mark: ``quote`` occurs in the chunk, at these offsets of the document's text; a
    secret of the workspace that stands in it has its name there instead.

    Of a chunk that somebody ``edited`` the offsets are ``None`` unless the document still says it.
    """

    n: int
    document_id: str
    document_name: str
    chunk_id: str
    page: int | None
    bbox: Sequence[float] | None
    quote: str
    start_offset: int | None
    end_offset: int | None
    edited: bool = False


class CitationChecker:
    """Feed it an answer in pieces of any size; what it returns joined is the final content.

    ``secrets`` are values by name that no quote may show.
    """

    def __init__(self, passages: Passages, secrets: Mapping[str, str] | None = None) -> None:
        self._passages = passages
        self._secrets = secrets or {}
        self._held = ""
        self._tail = ""  # the end of the content so far
        self._said = ""  # what was let through since the last mark
        self._claim = ""  # what the last mark stands for
        self._in_fence = False
        self._is_after_mark = False
        self._is_after_code = False  # that was put between backticks here
        # One without another: a backtick of ours could close it, and lay open what should be code.
        self._has_stray_tick = False
        self._cited: set[tuple[int, str]] = set()

    def feed(self, piece: str) -> list[str | Citation]:
        """Return the text and citations that are certain by now, each citation before its mark."""
        self._held += piece
        return list(self._take(is_last=False))

    def finish(self) -> list[str | Citation]:
        """Return the rest."""
        return list(self._take(is_last=True))

    def _take(self, *, is_last: bool) -> Iterator[str | Citation]:
        out: list[str] = []
        position = 0
        while position < len(self._held):
            step = self._step(position, is_last)
            if step is None:
                break
            for part in step.parts:
                if isinstance(part, str):
                    out.append(part)
                    continue
                if out:
                    yield "".join(out)
                    out.clear()
                yield part
            position = step.end
        self._held = self._held[position:]
        text = "".join(out)
        if text:
            yield text

    def _step(self, at: int, is_last: bool) -> _Step | None:
        """Return what to do with the next piece at ``at``; None: wait for more."""
        if self._in_fence:
            return self._in_code(at, is_last)
        letter = self._held[at]
        if letter in " \t":
            return self._blanks(at, is_last)
        if letter == "[":
            return self._bracket(at, at, is_last)
        if letter == "`":
            return self._backticks(at, is_last)
        plain = _PLAIN.match(self._held, at)
        return self._let_through(at, plain.end() if plain else at + 1)

    def _blanks(self, at: int, is_last: bool) -> _Step | None:
        blanks = _BLANKS.match(self._held, at)
        end = blanks.end() if blanks else at + 1
        if self._may_grow(at, end, is_last):
            return None
        if self._held[end : end + 1] == "[":
            return self._bracket(at, end, is_last)
        return self._let_through(at, end)

    def _bracket(self, at: int, bracket: int, is_last: bool) -> _Step | None:
        mark = MARK.match(self._held, bracket)
        if mark:
            code_end = self._end_of_code(at, mark, is_last)
            if code_end is None:
                return None
            if code_end:
                return self._as_code(at, bracket, code_end)
            return _Step(list(self._judge(self._held[at:bracket], mark.group())), mark.end())
        begun = MARK_BEGUN.match(self._held, bracket)
        if begun and begun.end() == len(self._held) and not is_last:
            return None
        return self._let_through(at, bracket + 1)

    def _end_of_code(self, at: int, mark: re.Match[str], is_last: bool) -> int | None:
        """Return where the line of code ends that a mark's brackets are part of, 0 if they are of
        none or it is too long for code within a line; None: wait for more."""
        begun = self._tail[self._tail.rfind("\n") + 1 :] + self._held[at : mark.start()]
        if self._has_stray_tick or "\n" in mark.group() or not may_be_code(begun):
            return 0
        limit = mark.start() + _LONGEST_INLINE_CODE
        end = self._held.find("\n", mark.end(), limit)
        if end < 0:
            if len(self._held) < limit and not is_last:
                return None
            end = len(self._held)
        is_whole = end < limit and is_code(begun + self._held[mark.start() : end])
        return end if is_whole else 0

    def _as_code(self, at: int, bracket: int, end: int) -> _Step:
        code = self._held[bracket:end].rstrip()
        step = self._say(f"{self._held[at:bracket]}`{code}`", bracket + len(code))
        self._is_after_code = True
        return step

    def _backticks(self, at: int, is_last: bool) -> _Step | None:
        ticks = _TICKS.match(self._held, at)
        end = ticks.end() if ticks else at + 1
        if self._may_grow(at, end, is_last):
            return None
        if self._is_after_code:
            return self._say(" ", at)  # else the two would be one
        self._has_stray_tick = self._has_stray_tick or self._tail.endswith("`")
        if end - at >= 2 * _FENCE:  # nobody's fence; to some readers one that is closed at once
            self._has_stray_tick = True
            return self._let_through(at, end)
        if end - at >= _FENCE and _OPENS_LINE.search(self._tail):
            self._in_fence = True
            return self._let_through(at, end)
        line_end = self._held.find("\n", end)
        limit = min(len(self._held) if line_end < 0 else line_end, end + _LONGEST_INLINE_CODE)
        closing = self._held.find(self._held[at:end], end, limit)
        if closing >= 0:
            return self._let_through(at, closing + end - at)
        if line_end < 0 and limit == len(self._held) and not is_last:
            return None
        self._has_stray_tick = True
        return self._let_through(at, end)

    def _may_grow(self, at: int, end: int, is_last: bool) -> bool:
        return end == len(self._held) and not is_last and end - at < _LONGEST_RUN

    def _in_code(self, at: int, is_last: bool) -> _Step | None:
        closing = self._held.find("```", at)
        if closing >= 0:
            self._in_fence = False
            return self._let_through(at, closing + 3)
        end = len(self._held) if is_last else len(self._held.rstrip("`"))
        return self._let_through(at, end) if end > at else None

    def _let_through(self, at: int, end: int) -> _Step:
        return self._say(self._held[at:end], end)

    def _say(self, text: str, end: int) -> _Step:
        self._is_after_code = False
        self._tail = (self._tail + text)[-_KEPT:]
        self._said = (self._said + text)[-_KEPT:]
        self._is_after_mark = self._is_after_mark and not _WORD.search(text)
        return _Step([text], end)

    def _judge(self, blanks: str, mark: str) -> Iterator[str | Citation]:
        numbers = list(dict.fromkeys(map(int, re.findall(r"\d+", mark))))
        if not self._is_after_mark:  # [1][2]: both stand for the same words
            self._claim, self._said = self._said, ""
        self._is_after_mark = True
        kept = []
        for n in numbers:
            citation = self._cite(n)
            if citation is None:
                continue
            kept.append(n)
            if (n, citation.quote) not in self._cited:
                self._cited.add((n, citation.quote))
                yield citation
        text = f"{blanks}[{', '.join(map(str, kept))}]" if kept else ""
        if not kept and _MARK_BEGUN_AT_END.search(self._tail):
            text = f"{blanks}({mark[1:-1]})"  # else what stands around it would close to a mark
        self._tail = (self._tail + text)[-_KEPT:]
        self._is_after_code = self._is_after_code and not text
        if text:
            yield text

    def _cite(self, n: int) -> Citation | None:
        passage = self._passages.get(n)
        span = find_support(self._claim, passage.text) if passage else None
        if passage is None or span is None:
            return None
        start, end = _past_secrets(passage.text, span.start, span.end, self._secrets)
        return _citation(passage, start, end, self._secrets)


@dataclass(frozen=True)
class _Step:
    parts: list[str | Citation]
    end: int


def _past_secrets(text: str, start: int, end: int, secrets: Mapping[str, str]) -> tuple[int, int]:
    """Return a piece's bounds, moved to where they cut no secret: half of one could be read."""
    for secret in filter(None, secrets.values()):
        cut = text.find(secret, max(0, start - len(secret) + 1), start + len(secret) - 1)
        start = cut if 0 <= cut < start else start
        cut = text.find(secret, max(0, end - len(secret) + 1), end + len(secret) - 1)
        end = cut + len(secret) if 0 <= cut < end else end
    return start, end


def _citation(passage: Passage, start: int, end: int, secrets: Mapping[str, str]) -> Citation:
    begin = passage.start_offset
    return Citation(
        n=passage.n,
        document_id=passage.document_id,
        document_name=as_text(mask(passage.document_name, secrets)),
        chunk_id=passage.chunk_id,
        page=passage.page,
        bbox=passage.bbox,
        quote=as_text(mask(passage.text[start:end], secrets)),
        start_offset=None if begin is None else begin + start,
        end_offset=None if begin is None else begin + end,
        edited=passage.edited,
    )
