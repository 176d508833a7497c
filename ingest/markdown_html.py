"""Markdown as HTML, in time linear in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore

# Brackets and emphasis are looked for to the end of a paragraph from each of their openings; a
# longer paragraph is read in parts, which bounds that.
_LONGEST_PART: Final = 4_000
_DATA: Final = re.compile(r"(!\[[^\[\]\n]{0,200}\]\(data:[\w+/=;,:.-]*+\))")  # is never parted
_PART: Final = re.compile(rf".{{1,{_LONGEST_PART}}}(?:\s|\Z)|.{{1,{_LONGEST_PART}}}", re.DOTALL)


def as_html(text: str) -> str:
    """Return a document of CommonMark with tables."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    reader.core.ruler.at("inline", _read_inline)
    return f"<html><body>{reader.render(text)}</body></html>"


def _read_inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline":
            token.children = []
            for part in _parts(token.content):
                state.md.inline.parse(part, state.md, state.env, token.children)


def _parts(text: str) -> Iterator[str]:
    """Yield a paragraph whole unless it is long; pictures that lie in it are parts of their own."""
    if len(text) <= _LONGEST_PART:
        yield text
        return
    for piece in _DATA.split(text):
        yield from [piece] if _DATA.fullmatch(piece) else _PART.findall(piece)
