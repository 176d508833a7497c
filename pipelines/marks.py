"""What a citation's mark looks like, ``[2]`` with its variants, and where its brackets are code's.

The one definition for all who look for marks: the check of every answer
(:mod:`pipelines.citations`), and what remembers answers. Code is what stands between backticks, and
a line that reads as code though nobody put it there: ``d[1] = "a"``.
"""

from __future__ import annotations

import re
from typing import Final

_NUMBERS: Final = r"\d{1,6}(?:\s?[,;]\s?\d{1,6}){0,20}"
MARK: Final = re.compile(rf"\[\s?\^?{_NUMBERS}\s?\]")
"""``[2]``, ``[^2]``, ``[1, 3]``, ``[1;3]``."""

MARK_BEGUN: Final = re.compile(rf"\[\s?\^?(?:{_NUMBERS}(?:\s?[,;]?\s?)?)?")
"""What may yet become a mark."""

_CODE: Final = re.compile(r"(?s:```.*?(?:```|\Z))|(?<!`)(`{1,64}+)(?!`)[^\n]{0,200}?(?<!`)\1(?!`)")
_MARK_AND_BLANK: Final = re.compile(rf"\s?{MARK.pattern}")

# Literals and comments say what they like, unless a bracket stands in them: that may be a mark.
_WORDS: Final = re.compile(
    r"""(?<!\w)[fbru]{0,2}(?:"[^"\[\n]*(?:"|\Z)|'[^'\[\n]*(?:'|\Z))|(?:\#|//)[^\[\n]*\Z""",
    re.VERBOSE,
)
_SIDE_BY_SIDE: Final = re.compile(r"([\w.%$)\]}]+)[ \t]+(?=(\w+))")
_KEYWORDS: Final = frozenset(
    "and as assert async await bool char class const def del double elif else except float for "
    "from if import in int is lambda let long new not or raise return string var while with "
    "yield".split()
)
_SIGN: Final = re.compile(
    r"^\s*(?:return|del|yield|assert|raise|for|while|if|elif|await)\b"
    r"|=|\w\.\w+\(|\w\([^)]*\[\s?\d"
)
_NO_CODE: Final = re.compile(r"`|\]\(|://|^\s*\||\s\|\s|[.!?]\s*\Z")
_INDEXED: Final = re.compile(r"(?:(?<!\w)[A-Za-z_]\w*|[\])}])\Z")
_LISTED: Final = re.compile(r"(?:[=(\[{+\-*/%<>&]|\b(?:in|return|yield|and|or|not|if|else)\b)\s*\Z")
_ENTRY: Final = re.compile(r"[,:]\s*\Z")
_LONGEST: Final = 500  # characters of a line of code


def may_be_code(begun: str) -> bool:
    """Whether a line that goes on with a mark's brackets may be one of code: they stand where code
    has an index or a list, and no two words stand side by side as they do in what people say."""
    if len(begun) > _LONGEST:
        return False
    bare = _WORDS.sub("''", begun)
    is_prose = any(
        _KEYWORDS.isdisjoint((pair[1], pair[2])) for pair in _SIDE_BY_SIDE.finditer(bare)
    )
    return bare.isascii() and not is_prose and _is_place(bare)


def is_code(line: str) -> bool:
    """Whether a line with brackets that read as a mark is one of code, and they are its own.

    Each of them stands where code has an index or a list, and there is an assignment, a call or a
    statement. A sentence is none, nor a row of a table, nor what has a link or a backtick in it.
    """
    if len(line) > _LONGEST or _NO_CODE.search(line):
        return False
    bare = _WORDS.sub("''", line)
    found = list(MARK.finditer(bare))
    if not found or not _SIGN.search(bare):
        return False
    return may_be_code(f"{bare}(") and all(_is_place(bare[: mark.start()]) for mark in found)


def _is_place(before: str) -> bool:
    if _INDEXED.search(before) or _LISTED.search(before):
        return True
    is_within = sum(map(before.count, "([{")) > sum(map(before.count, ")]}"))
    return is_within and _ENTRY.search(before) is not None


def without(text: str) -> str:
    """Return a text without its marks, and the blank before each; code keeps its brackets."""
    out, end = [], 0
    for code in _CODE.finditer(text):
        out += [_plain_without(text[end : code.start()]), code.group()]
        end = code.end()
    return "".join([*out, _plain_without(text[end:])])


def _plain_without(text: str) -> str:
    if not MARK.search(text):
        return text
    lines = text.split("\n")
    return "\n".join(line if is_code(line) else _MARK_AND_BLANK.sub("", line) for line in lines)
