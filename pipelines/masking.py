"""Secrets are shown by their names: in whole values, and in texts that come in pieces.

A secret is found as it is and as it looks once written into JSON (also within JSON), into a URL or
as a literal of JavaScript or Python. Text and secret are brought to one spelling, in which a plain
search finds all of these, so that masking takes time in proportion to the text.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from pydantic import JsonValue

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]+")  # what looks the same everywhere
# A percent sign is encoded again with each URL in a URL.
_VARIABLE: Final = re.compile(
    r"(?P<percent>(?:%(?:25)*[0-9A-Fa-f]{2})+)|\\+|[^\\\x20-\x2a\x2c-\x7e]|%"
)
_ENCODED: Final = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_INCOMPLETE: Final = re.compile(
    r"(?:\\+|(?:%[c-fC-F][0-9A-Fa-f](?:%[89abAB][0-9A-Fa-f]){0,2})?(?:%(?:25)*[0-9A-Fa-f]?)?)\Z"
)
_INCOMPLETE_CHARS: Final = 200
_LETTERS: Final = {"\\": "", "+": " ", "\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f"}

_Span = tuple[int, int, str]


def mask(value: JsonValue, secrets: Mapping[str, str]) -> JsonValue:
    """Return ``value`` with every secret's value replaced by its ``{{NAME}}``."""
    if not secrets:
        return value
    if isinstance(value, str):
        return _masked(value, secrets)
    if isinstance(value, list):
        return [mask(item, secrets) for item in value]
    if isinstance(value, dict):
        return {str(mask(key, secrets)): mask(item, secrets) for key, item in value.items()}
    if value is None or isinstance(value, bool):
        return value
    spelled = json.dumps(value)
    return next(
        ("{{" + name + "}}" for name, hidden in secrets.items() if hidden == spelled), value
    )


class TextMask:
    """Masks secrets in a text that comes in pieces, one that is cut by a piece's end too."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {name: hidden for name, hidden in secrets.items() if hidden}
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what can be shown by now."""
        text = self._held + piece
        cut = self._first_open(text) if self._secrets else len(text)
        for start, end, _ in reversed(_merged(_spans(text, self._secrets))):
            if start < cut < end:
                cut = start  # what is hidden is not cut through
        self._held = text[cut:]
        return _masked(text[:cut], self._secrets)

    def finish(self) -> str:
        """Return the rest."""
        rest, self._held = self._held, ""
        return _masked(rest, self._secrets)

    def _first_open(self, text: str) -> int:
        """Return from where on a secret may have begun that later pieces go on with."""
        incomplete = _INCOMPLETE.search(text, max(0, len(text) - _INCOMPLETE_CHARS))
        first = settled = incomplete.start() if incomplete else len(text)
        normal: _Normalized | None = None
        for hidden in self._secrets.values():
            first = min(first, len(text) - _overlap(text, hidden))
            if not _PLAIN.fullmatch(hidden):
                normal = normal or _Normalized(text[:settled])
                spelled = _normal_secret(hidden)
                if hidden.endswith("\\"):  # a match is not known before what follows it
                    spelled += "\\"
                begun = _overlap(normal.text, spelled)
                if begun:
                    first = min(first, normal.start(len(normal.text) - begun))
        return first


class _Normalized:
    """A text in the one spelling, with the place of each of its characters in the original."""

    def __init__(self, text: str) -> None:
        parts: list[str] = []
        self._starts, self._ends = array("L"), array("L")
        self._size = len(text)
        at = 0
        for found in _VARIABLE.finditer(text):
            self._add_unchanged(parts, text, at, found.start())
            at = found.end()
            for start, end, char in _decoded(found):
                spelled = _spelled(char)
                parts.append(spelled)
                self._starts.extend([start] * len(spelled))
                self._ends.extend([end] * len(spelled))
        self._add_unchanged(parts, text, at, len(text))
        self.text = "".join(parts)

    def start(self, index: int) -> int:
        """Return where a character stands, with the backslashes before it."""
        return self._ends[index - 1] if index else 0

    def find(self, hidden: str) -> Iterator[tuple[int, int]]:
        """Yield from where to where a secret stands.

        Backslashes have no character in the one spelling: those at a secret's ends must be there.
        """
        spelled = _normal_secret(hidden)
        is_escaped = not _PLAIN.match(hidden)
        for first in _occurrences(self.text, spelled):
            start, end = self._starts[first], self._ends[first + len(spelled) - 1]
            before, after = self.start(first), self._next_start(first + len(spelled))
            if hidden.startswith("\\") and before == start:
                continue
            if hidden.endswith("\\"):
                if after == end:
                    continue
                end = after
            yield before if is_escaped else start, end

    def _next_start(self, index: int) -> int:
        return self._starts[index] if index < len(self._starts) else self._size

    def _add_unchanged(self, parts: list[str], text: str, start: int, end: int) -> None:
        parts.append(text[start:end].lower())
        self._starts.extend(range(start, end))
        self._ends.extend(range(start + 1, end + 1))


def _decoded(found: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """Yield the characters that a match spells, each with its place."""
    if found["percent"] is None:
        yield found.start(), found.end(), found[0][0]
        return
    units = list(_ENCODED.finditer(found.string, found.start(), found.end()))
    data = bytes(int(unit[1], 16) for unit in units)
    at = 0
    for char in data.decode("utf-8", "surrogateescape"):
        size = len(char.encode("utf-8", "surrogateescape"))
        yield units[at].start(), units[at + size - 1].end(), char
        at += size


def _spelled(char: str) -> str:
    if char in _LETTERS:
        return _LETTERS[char]
    if char.isascii() and char.isprintable():
        return char.lower()
    data = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"u{data[at : at + 4]}" for at in range(0, len(data), 4))


@lru_cache(maxsize=256)
def _normal_secret(hidden: str) -> str:
    return _Normalized(hidden).text


@lru_cache(maxsize=256)
def _borders(text: str) -> array[int]:
    """Return for each prefix of a text the longest of its own prefixes that it ends with
    (Knuth, Morris, Pratt)."""
    borders = array("L", [0]) * len(text)
    size = 0
    for at in range(1, len(text)):
        while size and text[at] != text[size]:
            size = borders[size - 1]
        size += text[at] == text[size]
        borders[at] = size
    return borders


def _overlap(text: str, hidden: str) -> int:
    """Return how many characters at the end of a text begin ``hidden``, but not all of it."""
    borders, size = _borders(hidden), 0
    for char in text[max(0, len(text) - len(hidden) + 1) :]:
        while size and char != hidden[size]:
            size = borders[size - 1]
        size += char == hidden[size]
    return size


def _masked(text: str, secrets: Mapping[str, str]) -> str:
    spans = _merged(_spans(text, secrets))
    parts: list[str] = []
    at = 0
    for start, end, name in spans:
        parts += text[at:start], "{{" + name + "}}"
        at = end
    return "".join([*parts, text[at:]]) if spans else text


def _spans(text: str, secrets: Mapping[str, str]) -> list[_Span]:
    """Return where secrets stand, which may overlap."""
    spans: list[_Span] = []
    normal: _Normalized | None = None
    for name, hidden in secrets.items():
        if not hidden:
            continue
        spans += ((at, at + len(hidden), name) for at in _occurrences(text, hidden))
        longest = max(_PLAIN.findall(hidden), key=len, default="")
        if longest == hidden or longest not in text:
            continue
        normal = normal or _Normalized(text)
        spans += ((*span, name) for span in normal.find(hidden))
    return spans


def _occurrences(text: str, hidden: str) -> Iterator[int]:
    at = text.find(hidden) if hidden else -1
    while at >= 0:
        yield at
        at = text.find(hidden, at + len(hidden))


def _merged(spans: list[_Span]) -> list[_Span]:
    """Return spans in their order, those that overlap as one under the longest one's name."""
    merged: list[_Span] = []
    longest = 0
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not merged or start >= merged[-1][1]:
            merged.append((start, end, name))
            longest = end - start
            continue
        first, last, kept = merged[-1]
        if end - start > longest:
            longest, kept = end - start, name
        merged[-1] = (first, max(last, end), kept)
    return merged
