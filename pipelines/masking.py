"""Secrets are shown by their names: in whole values, and in texts that come in pieces.

A secret is found as it is and as it looks once written into JSON (also within JSON), into a URL or
as a literal of JavaScript or Python.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import regex
from pydantic import JsonValue

from pipelines.references import as_text

_PLAIN: Final = regex.compile(r"[A-Za-z0-9_.~-]+")  # what looks the same everywhere


def mask(value: JsonValue, secrets: Mapping[str, str]) -> JsonValue:
    """Return ``value`` with every secret's value replaced by its ``{{NAME}}``."""
    if not secrets:
        return value
    if isinstance(value, str):
        for name, hidden in _longest_first(secrets):
            value = _masked(value, "{{" + name + "}}", hidden)
        return value
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
        whole, begun = [], [len(text)]
        for hidden in self._secrets.values():
            for start, end, is_whole in _found(text, hidden):
                if is_whole:
                    whole.append((start, end))
                else:
                    begun.append(start)
        cut = min(begun)
        while across := [start for start, end in whole if start < cut < end]:
            cut = min(across)  # what is hidden is not cut through
        self._held = text[cut:]
        return as_text(mask(text[:cut], self._secrets))

    def finish(self) -> str:
        """Return the rest."""
        rest, self._held = self._held, ""
        return as_text(mask(rest, self._secrets))


def _longest_first(secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(((n, h) for n, h in secrets.items() if h), key=lambda item: -len(item[1]))


def _masked(text: str, shown: str, hidden: str) -> str:
    if _PLAIN.fullmatch(hidden):
        return text.replace(hidden, shown)
    if max(_PLAIN.findall(hidden), key=len, default="") not in text:
        return text  # without a look at each of its characters
    return str(_spellings(hidden).sub(lambda _: shown, text))


def _found(text: str, hidden: str) -> Iterator[tuple[int, int, bool]]:
    """Yield from where to where a secret stands, and last where it may only have begun."""
    at = 0
    while found := _spellings(hidden).search(text, at, partial=True):
        yield found.start(), found.end(), not found.partial
        if found.partial:
            return
        at = found.end()


@lru_cache(maxsize=256)
def _spellings(hidden: str) -> regex.Pattern[str]:
    """Return a pattern of every way a secret is written, those mixed too."""
    parts = [_run(found[0]) for found in regex.finditer(r"\\+|.", hidden, regex.DOTALL)]
    return regex.compile("".join(parts))


def _run(text: str) -> str:
    """Return a pattern of a character, or of backslashes in a row, which JSON doubles each time."""
    if _PLAIN.fullmatch(text):
        return str(regex.escape(text))
    count = len(text)
    encoded = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))
    ways = [f"(?i:{encoded})"]
    if text[0] == "\\":
        return f"(?:{ways[0]}|\\\\{{{count},{count * 8}}})"
    ways.append(rf"\\{{0,7}}{regex.escape(text)}")
    if text == " ":
        ways.append(r"\+")
    if not (text.isascii() and text.isprintable()):
        spelled = json.dumps(text)[2:-1]  # without the first backslash: n, u00e9, ud83d\ude00
        ways.append(r"\\{1,8}(?i:" + spelled.replace("\\", r"\\{1,8}") + ")")
    return f"(?:{'|'.join(ways)})"
