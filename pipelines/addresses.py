"""Addresses as a browser reads them: by the WHATWG URL rules, however they are written.

A text is judged in the spellings that a Markdown or HTML parser makes of it: as it is, and with
its entities and backslash escapes decoded.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Final

from ada_url import URL
from markdown_it.common.utils import unescapeAll
from markdown_it.helpers import parseLinkDestination

TRAILING: Final = ".,;:!?'*_)]}|`~。，、；：！？）」』】》”’…"
"""What ends a sentence or a Markdown construct rather than an address."""

_MAX_TRAILING_CHARS: Final = 6  # more could spell something out
_BASES: Final = ("https://base.invalid/a/", "http://base.invalid/a/")
_MAX_CANDIDATES: Final = 16  # in a text without blanks; one with more is no prose
_MAX_AUTHORITY_CHARS: Final = 300
_START: Final = re.compile(
    r"""
      (?<!\w)(?:https?|ftp|mailto|xmpp|javascript|vbscript|data):(?=\S)
    | :[/\\]{2}
    | (?<![\w:/\\])(?P<relative>[/\\]{2})(?=[^\s/\\])
    | (?<!\w)www\.
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SCHEME_END: Final = re.compile(r"[a-z0-9+.-]{0,64}\Z", re.IGNORECASE)
_AUTHORITY: Final = re.compile(rf"[^\s/\\?#]{{0,{_MAX_AUTHORITY_CHARS}}}")
_HOST: Final = re.compile(r"[^)\]}'|,;!*_(]*")
_BARE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)  # carries nothing
_URL_BLANKS: Final = re.compile(r"[\s\x00-\x20]+")

IsKnown = Callable[[str], bool]
"""Whether an address may be shown, as it is."""


def is_own(address: str, own: str) -> bool:
    """Whether an address is of the service at ``own``."""
    try:
        parsed, service = URL(address), URL(own)
    except ValueError:
        return False
    prefix = service.pathname.rstrip("/")
    is_below = parsed.pathname == prefix or parsed.pathname.startswith(f"{prefix}/")
    return parsed.origin == service.origin and parsed.origin != "null" and is_below


def read_destination(text: str) -> tuple[str, int]:
    """Return the destination, decoded, of a Markdown link with ``text`` after its bracket, and its
    length in ``text``; where there is none in form, all of it."""
    parsed = parseLinkDestination(text, 0, len(text))
    return (parsed.str, parsed.pos) if parsed.ok else (unescapeAll(text), len(text))


def may_link(destination: str, is_known: IsKnown) -> bool:
    """Whether a link may have a decoded destination: one on the same site, or a known address."""
    decoded = html.unescape(destination)
    spellings = {destination, decoded, _URL_BLANKS.sub("", decoded)}
    if all(_is_same_site(each) or _BARE_SCHEME.fullmatch(each) for each in spellings):
        return True
    bare = {each.removeprefix("mailto:") for each in (destination, decoded)}
    return any(_is_known(each, is_known) for each in {destination, decoded, *bare})


def has_address(text: str) -> bool:
    """Whether a text without blanks has an address in it, in any spelling."""
    return any(_first_address(each) is not None for each in (text, *_decoded(text)))


def find_unknown(text: str, is_known: IsKnown) -> int | None:
    """Return where in a text without blanks an address begins that may not be shown, or None.

    Where it only shows once the text is decoded, that is the text's begin.
    """
    start = _first_address(text)
    if start is not None:
        address = text[start:]
        parts = address.split("](")  # a link that has an address for its text
        if all(_is_known(part, is_known) for part in parts):
            return None
        return None if is_known(html.unescape(address)) else start
    for decoded in _decoded(text):
        at = _first_address(decoded)
        if at is not None and not is_known(decoded[at:]):
            return 0
    return None


def _decoded(text: str) -> set[str]:
    if "&" not in text and "\\" not in text:
        return set()
    plain = text.replace("\\", "")
    return {html.unescape(text), unescapeAll(text), html.unescape(plain)} - {text}


def _is_known(address: str, is_known: IsKnown) -> bool:
    end = len(address)
    while end > max(0, len(address) - _MAX_TRAILING_CHARS) and address[end - 1] in TRAILING:
        end -= 1
    return is_known(address) or is_known(address[:end])


def _is_same_site(destination: str) -> bool:
    for base in _BASES:
        try:
            if not URL(destination, base=base).href.startswith(base.removesuffix("a/")):
                return False
        except ValueError:
            return False
    return True


def _first_address(text: str) -> int | None:
    for count, found in enumerate(_START.finditer(text)):
        if count == _MAX_CANDIDATES:
            return found.start()
        if found["relative"] is None:
            scheme = _SCHEME_END.search(text, max(0, found.start() - 64), found.start())
            return scheme.start() if scheme else found.start()
        if any(map(_is_host, _authorities(text, found.end()))):
            return found.start()
    return None


def _authorities(text: str, start: int) -> Iterator[str]:
    found = _AUTHORITY.match(text, start)
    authority = found.group() if found else ""
    yield authority
    yield authority.rstrip(TRAILING)
    host = _HOST.match(authority)
    yield host.group() if host else ""


def _is_host(authority: str) -> bool:
    """Whether ``//`` and this make an address rather than a comment or a path."""
    try:
        parsed = URL(f"https://{authority}/")
    except ValueError:
        return "." in authority
    return "." in parsed.hostname or ":" in parsed.hostname or bool(parsed.port)
