"""Which lines of a text are a Markdown table's: its rows, and the rule below the names of columns.

A row begins with a bar. A rule is a row of bars, dashes, colons and blanks with a dash in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]  # a start and an end in code points

# Every branch is possessive, so that no line is scanned twice.
_RULE: Final = re.compile(r"^\|(?=[ \t:|]*+-)[ \t:|-]*+(?:\n|\Z)", re.MULTILINE)
_ROW: Final = re.compile(r"^\|[^\n]*+", re.MULTILINE)
_TABLE: Final = re.compile(r"^(?:\|[^\n]*+(?:\n|\Z))++", re.MULTILINE)


def tables(text: str) -> Iterator[Span]:
    """Yield the runs of rows, with the line end behind each."""
    return (found.span() for found in _TABLE.finditer(text))


def rows(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the rows of a part of the text, without their line ends; rules are among them."""
    return (found.span() for found in _ROW.finditer(text, start, end))


def is_rule(line: str) -> bool:
    """Whether the line parts a table's head from its rows."""
    return _RULE.fullmatch(line) is not None


def is_head(text: str, end: int) -> bool:
    """Whether the row of ``text`` that ends at ``end`` names the columns: a rule is below it."""
    return _RULE.match(text, end + 1) is not None


def without_rules(text: str) -> str:
    """Return the text without the lines that are rules."""
    return _RULE.sub("", text)
