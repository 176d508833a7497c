"""Where in a Markdown text code stands for certain, told as the text comes.

Certain is what every CommonMark parser takes for code: fenced blocks that open on a line of their
own, and spans within one line. After anything that parsers could read in two ways, nothing is
taken for code until the next blank line, or ever again where a fence may be open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_OPENING: Final = re.compile(r"(?P<indent> {0,3})(?P<run>`{3,}(?=[^`\n]*\Z)|~{3,})[^\n]*")
_CLOSING: Final = re.compile(r"(?P<indent> *)(?P<run>`{3,}|~{3,})[ \t]*")
_FENCE_RUN: Final = re.compile(r"`{3}|~{3}")
_INDENT: Final = re.compile(r" *(?=[^ \t]|\Z)")


@dataclass(frozen=True)
class _Fence:
    run: str
    indent: int

    def is_closed_by(self, run: str) -> bool:
        return run[0] == self.run[0] and len(run) >= len(self.run)


class CodeContext:
    """Told each piece of a text in order; lines that may be fences whole, without their ends."""

    def __init__(self) -> None:
        self._fence: _Fence | None = None
        self._is_certain = True
        self._has_stray_ticks = False  # since the last blank line
        self._has_tag = False
        self._is_line_blank = True
        self._tail = ""

    @property
    def is_fenced(self) -> bool:
        """Whether the text goes on in a fenced block."""
        return self._fence is not None

    @property
    def has_tag(self) -> bool:
        """Whether a tag was written since the last blank line: there may be no Markdown here."""
        return self._has_tag

    @property
    def can_have_spans(self) -> bool:
        """Whether backticks that close on the same line make code."""
        return self._is_certain and not self._has_tag and not self._has_stray_ticks

    @property
    def is_line_blank(self) -> bool:
        """Whether nothing but blanks stands on the line so far."""
        return self._is_line_blank

    def add_tag(self) -> None:
        """Take in that a tag was written."""
        self._has_tag = True

    def add_stray_ticks(self) -> None:
        """Take in that there are backticks that do not close on their line."""
        self._has_stray_ticks = True

    def add_text(self, text: str, *, is_code: bool = False) -> None:
        """Take in what is no fence's line."""
        if self._fence is not None:
            return
        if not is_code and _FENCE_RUN.search(self._tail + text):
            self._is_certain = False
        self._tail = (self._tail + text)[-2:]
        first, *lines = text.split("\n")
        self._is_line_blank = self._is_line_blank and not first.strip(" \t")
        for line in lines:
            if self._is_line_blank:
                self._has_stray_ticks = self._has_tag = False
            self._is_line_blank = not line.strip(" \t")

    def open_fence(self, line: str) -> bool:
        """Take in a line outside of fenced blocks if it opens one for certain."""
        found = _OPENING.fullmatch(line)
        if found is None or not self._is_certain or self._has_tag:
            return False
        self._fence = _Fence(found["run"], len(found["indent"]))
        return True

    def add_fenced_line(self, line: str, *, is_whole: bool) -> None:
        """Take in the begin of a line of the fenced block, after which it may be over."""
        fence = self._fence
        if fence is None:
            return
        indent, closing = _INDENT.match(line), _CLOSING.fullmatch(line)
        is_left = indent is None or indent.end() < fence.indent
        if fence.indent and line.strip(" \t") and is_left:
            self._leave(is_certain=False)
            return
        if closing is None or not fence.is_closed_by(closing["run"]):
            return
        if not is_whole or (fence.indent and len(closing["indent"]) > 3):
            self._leave(is_certain=False)
        elif len(closing["indent"]) <= 3:
            self._leave(is_certain=True)

    def _leave(self, *, is_certain: bool) -> None:
        self._fence = None
        self._is_certain = self._is_certain and is_certain
        self._has_stray_ticks = False
        self._is_line_blank = True
        self._tail = ""
