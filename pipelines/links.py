"""Links in a streamed answer: none may carry out what a model was told.

A model that obeys a document could write an address with the user's data in it, and a reader's
program would load it (an image), or offer it to be clicked. So an address stands only if it was
seen as it is in this turn, or is one of our own service; any other becomes ``(link removed)``.
Images become links: nothing is loaded by itself. Nothing is taken away without something in its
place, so that no mark of a citation comes about. See docs/decisions/0025.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final

REMOVED: Final = "(link removed)"
_TAIL: Final = 64  # characters before a piece that are looked back at
_SUSPECT: Final = re.compile(
    r"""
      (?P<image>!+(?=\[))
    | (?P<tag><(?=/?(?:img|image|iframe|frame|object|embed|video|audio|source|picture|link|meta
        |script|style|svg|form|base|input)\b))
    | (?P<address>
        (?<!\w)https?:(?=\S)
      | (?:(?<=http)|(?<=https)|(?<=ftp)|(?<=mailto)|(?<=javascript)|(?<=vbscript)):(?=\S)
      | :(?=//)
      | (?<![\w:/\\])[/\\]{2}(?=[\w\[-])
      | (?<!\w)www\\?\.
      )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# What at the end of a piece may yet become one of these.
_BEGUN: Final = re.compile(
    r"(?:!+|<[/a-z]{0,9}|:/?|(?<![\w:/\\])[/\\]{1,2}"
    r"|(?<!\w)(?:h|ht|htt|https?|w|ww|www)[:\\]?/?)\Z",
    re.IGNORECASE,
)
# Other ways to write what an address is made of; readers' programs see through them.
_SPELLED: Final = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});|\\:", re.IGNORECASE)
_SPELLING: Final = re.compile(r"(?:&(?:#?\w{0,8})?|\\)\Z")
_RUN: Final = re.compile(r"[^\s<>\"`]*")  # a code's end is no address's part
_SCHEME: Final = re.compile(r"[a-z0-9+.-]*\Z", re.IGNORECASE)
_AFTER: Final = ".,;:!?'*_)]}|`~"  # ends a sentence or a link rather than an address
_HOST: Final = re.compile(r"[/\\]{2}[^\s/\\?#]*[.:\[]")


def is_own(address: str, own: str) -> bool:
    """Whether an address is of the service at ``own``."""
    return address == own or address.startswith(f"{own}/")


class LinkGuard:
    """Feed it a text in pieces of any size; ``is_known`` says whether an address may stand."""

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        self._is_known = is_known
        self._spelling = ""  # may yet become another way to write a character
        self._held = ""
        self._tail = ""

    def feed(self, piece: str) -> str:
        """Return what is certain by now."""
        text = self._spelling + piece
        begun = _SPELLING.search(text)
        certain = begun.start() if begun else len(text)
        self._spelling = text[certain:]
        self._held += _SPELLED.sub(_plainly, text[:certain])
        return self._take(is_last=False)

    def finish(self) -> str:
        """Return the rest."""
        self._held, self._spelling = self._held + self._spelling, ""
        return self._take(is_last=True)

    def _take(self, *, is_last: bool) -> str:
        out: list[str] = []
        while self._held:
            text, start = self._tail + self._held, len(self._tail)
            found = _SUSPECT.search(text, start)
            if found is None:
                begun = None if is_last else _BEGUN.search(text, start)
                self._pass(out, (begun.start() if begun else len(text)) - start)
                break
            self._pass(out, found.start() - start)
            if not self._judge(out, found, text, is_last):
                break
        return "".join(out)

    def _judge(self, out: list[str], found: re.Match[str], text: str, is_last: bool) -> bool:
        """Deal with what was found, which stands first in what is held; false: wait for more."""
        end = found.end()
        if found["address"] is None:
            self._put(out, "&lt;" if found["tag"] else "", end - found.start())
            return True
        end = (_RUN.match(text, found.start()) or found).end()
        if end == len(text) and not is_last:
            return False
        run = text[found.start() : end]
        scheme = _SCHEME.search(text, 0, found.start())
        if self._may_stand((scheme.group() if scheme else "") + run):
            self._put(out, run, len(run))
        else:
            kept = run[len(run.rstrip(_AFTER)) :]
            self._put(out, REMOVED + kept, len(run))
        return True

    def _may_stand(self, address: str) -> bool:
        if address[0] in "/\\" and not _HOST.match(address):
            return True  # a comment in code, or a path
        return self._is_known(address) or self._is_known(address.rstrip(_AFTER))

    def _pass(self, out: list[str], count: int) -> None:
        self._put(out, self._held[:count], count)

    def _put(self, out: list[str], text: str, count: int) -> None:
        """Let ``text`` out in the place of the first ``count`` characters held."""
        out.append(text)
        self._tail = (self._tail + text)[-_TAIL:]
        self._held = self._held[count:]


def _plainly(found: re.Match[str]) -> str:
    """Return the character that was meant, if an address could be made of it."""
    spelled = html.unescape(found.group()).removeprefix("\\")
    return spelled if spelled in {":", "/", "\\", "."} else found.group()
