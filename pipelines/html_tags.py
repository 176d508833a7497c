"""The raw HTML that may stand in an answer: elements that load nothing, almost without attributes.

A tag is written anew from its name and the attributes that are allowed, so that what a browser
reads does not depend on how the model wrote it.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from typing import Final

import regex

ELEMENTS: Final = frozenset(
    "a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i ins "
    "kbd li mark ol p q s samp small span strong sub summary sup table tbody td tfoot th thead tr "
    "u ul var".split()
)
_NUMBERED: Final = frozenset({"colspan", "rowspan", "start"})
MAX_TAG_CHARS: Final = 1000

# An attribute's value has no "<" and no backtick here: looking for a tag's end stays linear.
_VALUE: Final = r"""(?:"[^"<`]*+"|'[^'<`]*+'|[^\s"'=<>`]++)"""
_ATTRIBUTE: Final = rf"(?:\s++[a-zA-Z_:][\w.:-]*+(?:\s*+=\s*+{_VALUE})?)"
_TAG: Final = regex.compile(
    rf"<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*+)(?P<attributes>{_ATTRIBUTE}*+)\s*+/?>"
)
_ATTRIBUTES: Final = regex.compile(
    rf"\s++(?P<name>[a-zA-Z_:][\w.:-]*+)(?:\s*+=\s*+(?P<value>{_VALUE}))?"
)


def match_tag(text: str, start: int) -> regex.Match[str] | None:
    """Return the tag that begins at ``start``, possibly cut by the text's end, or None."""
    return _TAG.match(text, start, start + MAX_TAG_CHARS, partial=True)


def may_be_allowed(found: regex.Match[str]) -> bool:
    """Whether a tag, possibly cut, is or may become one of an allowed element."""
    name = (found["name"] or "").lower()
    if found.partial and found.end("name") in {found.end(), -1}:
        return any(element.startswith(name) for element in ELEMENTS)
    return name in ELEMENTS


def rewrite_tag(found: regex.Match[str], is_allowed: Callable[[str], bool]) -> str:
    """Return an allowed element's tag with nothing but its allowed attributes.

    ``is_allowed`` says whether a decoded address may be linked to.
    """
    name = found["name"].lower()
    if found["close"]:
        return f"</{name}>"
    kept = _kept_attributes(found["attributes"], name, is_allowed)
    return f"<{name}{''.join(kept)}>"


def _kept_attributes(text: str, element: str, is_allowed: Callable[[str], bool]) -> Iterator[str]:
    seen = set()
    for found in _ATTRIBUTES.finditer(text):
        name, raw = found["name"].lower(), found["value"] or ""
        if name in seen:
            continue
        seen.add(name)
        value = html.unescape(raw[1:-1] if raw[:1] in {'"', "'"} else raw)
        is_number = name in _NUMBERED and value.isascii() and value.isdigit()
        is_link = (element, name) == ("a", "href") and value.isprintable() and is_allowed(value)
        if (is_number and len(value) < 4) or (is_link and "`" not in value):
            yield f' {name}="{html.escape(value)}"'
