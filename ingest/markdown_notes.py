"""Footnotes of Markdown, which the library that reads it takes for addresses of links, and drops:
https://docs.github.com/en/get-started/writing-on-github (basic syntax, footnotes).
"""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
# A label is bounded, lest a run of openings be scanned to its end from each of them.
_NOTE: Final = re.compile(r" {0,3}\[\^([^\]\s]{1,200})\]:[ \t]+(?=\S)")
_MARK: Final = re.compile(r"\[\^([^\]\s]{1,200})\]")


def written_out(text: str) -> str:
    """Return the text with each note as a paragraph, and without the marks that point to one."""
    notes = {
        found[1] for line, is_code in _lines(text) if not is_code and (found := _NOTE.match(line))
    }
    if not notes:
        return text
    return "".join(
        line if is_code else _without_marks(line, notes) for line, is_code in _lines(text)
    )


def _lines(text: str) -> list[tuple[str, bool]]:
    """Return each line, and whether it is in a block of code, or bounds one."""
    lines, fence = list[tuple[str, bool]](), ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        bounds = bool(found and (not fence or found[1].startswith(fence)))
        lines.append((line, bool(fence) or bounds))
        if bounds and found:
            fence = "" if fence else found[1]
    return lines


def _without_marks(line: str, notes: set[str]) -> str:
    note = _NOTE.match(line)
    if note:
        return f"\n{line[note.end() :]}"
    return _MARK.sub(lambda mark: "" if mark[1] in notes else mark[0], line)
