"""Links in a streamed answer: none may carry out what a model was told.

A model that obeys a document could write an address with the user's data in it, and a reader's
program would load it (an image), or offer it to be clicked. So an address stands only if it was
seen as it is in this turn, or is one of our own service; any other becomes ``(link removed)``.
Images become links: nothing is loaded by itself. Raw HTML is text, but for a few elements that
load nothing. Nothing is taken away without something in its place, so that no mark of a citation
comes about. See docs/decisions/0025.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from pipelines.addresses import (
    TRAILING,
    IsKnown,
    find_unknown,
    has_address,
    may_link,
    read_destination,
)
from pipelines.code_context import CodeContext
from pipelines.html_tags import MAX_TAG_CHARS, match_tag, may_be_allowed, rewrite_tag

REMOVED: Final = "(link removed)"
MAX_HELD_CHARS: Final = 4000
"""No more of a text is held back until it is known what it is."""

_MAX_SPAN_CHARS: Final = 200
_MAX_FENCE_LINE_CHARS: Final = 300
_MAX_TICKS: Final = 64
_MAX_PREFIX_CHARS: Final = 512
_MAX_LINKS_IN_RUN: Final = 16  # without a blank between them; what has more is no prose
_MAX_UNKNOWN: Final = 1000  # addresses asked for in one text
_RUN: Final = re.compile(r"(?:[^\s<>\"`\]!]|\](?![(:])|!(?!\[))+")
_BETWEEN: Final = re.compile(r"\n|[^\S\n]+|.")
_WORD: Final = re.compile(r"[^\s<>\"`]+")
_TRIGGER: Final = re.compile(r"[:/\\&]|www", re.IGNORECASE)
_OPEN_END: Final = re.compile(r"[\w+.\]!-]{1,64}\Z", re.ASCII)  # may become an address, or "]("
_INSIDE_RUN: Final = frozenset('"`>]')  # some programs make links that go on after these
_TICKS: Final = re.compile(r"`+")
_BANGS: Final = re.compile(r"!+")
_TAG_START: Final = re.compile(r"<(?:[a-z/!?]|\Z)", re.IGNORECASE)
_AUTOLINK: Final = re.compile(
    r"<(?P<address>[a-z][a-z0-9+.-]{1,31}:[^\s<>`]+|[^\s<>@`\"'=/]+@[^\s<>`]*)>", re.IGNORECASE
)
_AUTOLINK_START: Final = re.compile(r"<[^\s<>`]*\Z")
_ANGLED: Final = re.compile(r"<[^<>\n]*(?P<end>[<>\n])?")
_DESTINATION: Final = re.compile(r"\S+")
_UNSAFE_IN_DESTINATION: Final = re.compile(r"[\s()<>\"'`\\\[\]!]")
_FENCE_START: Final = re.compile(r" {0,3}(?:(?:`{1,2}|~{1,2})?\Z|(?P<run>`{3}|~{3}))")
_FENCED_LINE_START: Final = re.compile(r"[ \t]*(?:[`~]+[ \t]*)?")

Step = tuple[str, int]
"""What to show for a piece of the text, and where the piece ends."""


class LinkGuard:
    """Feed it a text in pieces of any size; ``is_known`` says whether an address may stand."""

    def __init__(self, is_known: IsKnown) -> None:
        self._is_known = _limit_unknown(is_known)
        self._context = CodeContext()
        self._held = ""
        self._last = "\n"  # the last character that is out
        self._prefix = ""  # what is out of the run that goes on: an address could begin there
        self._links_in_run = 0
        self._awaits_destination = False
        self._is_destination_open = False  # at the text's end
        self._is_discarding = False  # the rest of a run that was removed
        self._is_line_checked = False  # whether the line may be a fence's was looked at

    @property
    def held(self) -> str:
        """What is not certain yet."""
        return self._held

    def feed(self, piece: str) -> str:
        """Return what is certain by now."""
        return self._take(self._held + piece, is_last=False)

    def finish(self) -> str:
        """Return the rest; more may follow."""
        out = self._take(self._held, is_last=True)
        if not self._is_destination_open:
            return out
        self._is_destination_open = False
        return out + self._part(0)[0]  # what may follow is no part of it

    def _take(self, text: str, *, is_last: bool) -> str:
        is_cut = text.endswith("\r") and not is_last  # "\n" may follow
        text = text.removesuffix("\r") if is_cut else text
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        out, at = [], 0
        while at < len(text) and (step := self._step(text, at, is_last)) is not None:
            shown, at = step
            out.append(shown)
            if shown:
                self._last = shown[-1]
                self._is_line_checked = self._is_line_checked and self._last != "\n"
        self._held = text[at:] + ("\r" if is_cut else "")
        return "".join(out)

    def _step(self, text: str, at: int, is_last: bool) -> Step | None:
        """Return what to do at ``at``; None: wait for more."""
        letter = text[at]
        if self._last == "\n" and not self._is_line_checked:
            return self._start_line(text, at, is_last)
        if self._context.is_fenced:
            is_word = _WORD.match(letter) is not None
            return self._run(text, at, is_last) if is_word else self._between(text, at)
        if self._awaits_destination and not (letter.isspace() or letter == ">"):
            return self._destination(text, at, is_last)
        if letter == "<":
            return self._tag(text, at, is_last)
        if letter == "`":
            return self._ticks(text, at, is_last)
        if letter == "!":
            return self._bangs(text, at, is_last)
        if letter in "(:" and self._last == "]":
            return self._open_destination(letter, at)
        if letter == "[" and self._last == "!":
            return self._say(" [", at + 1)
        if letter in ']>"' or letter.isspace():
            return self._between(text, at)
        return self._run(text, at, is_last)

    def _start_line(self, text: str, at: int, is_last: bool) -> Step | None:
        if self._context.is_fenced:
            return self._start_fenced_line(text, at, is_last)
        found = _FENCE_START.match(text, at)
        if found is not None and not is_last:
            if found["run"] is None:
                return None
            is_short = len(text) - at < _MAX_FENCE_LINE_CHARS
            if is_short and text.find("\n", at) < 0:
                return None
        self._is_line_checked = True
        end = text.find("\n", at, at + _MAX_FENCE_LINE_CHARS)
        if found is None or end < 0 or not self._context.open_fence(text[at:end]):
            return "", at
        self._awaits_destination = False
        self._end_run()
        return self._guard_words(text[at:end]), end

    def _start_fenced_line(self, text: str, at: int, is_last: bool) -> Step | None:
        found = _FENCED_LINE_START.match(text, at)
        end = found.end() if found else at
        is_cut = end == len(text)
        if is_cut and not is_last and end - at < _MAX_FENCE_LINE_CHARS:
            return None
        self._is_line_checked = True
        is_whole = not is_cut and text[end] == "\n"
        self._context.add_fenced_line(text[at : end + (not is_whole)], is_whole=is_whole)
        return text[at:end], end

    def _between(self, text: str, at: int) -> Step:
        """Pass blanks, or one character that ends a run."""
        found = _BETWEEN.match(text, at)
        shown = found.group() if found else text[at]
        if shown == "\n" and self._context.is_line_blank:
            self._awaits_destination = False
        if shown in _INSIDE_RUN and not self._context.is_fenced:
            return self._say(shown, at + 1)
        self._context.add_text(shown)
        self._end_run()
        return shown, at + len(shown)

    def _bangs(self, text: str, at: int, is_last: bool) -> Step | None:
        found = _BANGS.match(text, at)
        end = found.end() if found else at + 1
        if end < len(text):
            return ("", end) if text[end] == "[" else self._say(text[at:end], end)
        if is_last:
            return self._say(text[at:end], end)
        return self._say(text[at : end - 1], end - 1) if end - 1 > at else None

    def _open_destination(self, letter: str, at: int) -> Step:
        self._awaits_destination = True
        self._links_in_run += 1
        self._is_discarding = self._links_in_run > _MAX_LINKS_IN_RUN
        return self._say(letter, at + 1)

    def _destination(self, text: str, at: int, is_last: bool) -> Step | None:
        """Judge what follows a link's or a definition's bracket."""
        if text[at] == "<":
            return self._angled_destination(text, at, is_last)
        found = _DESTINATION.match(text, at, at + MAX_HELD_CHARS)
        end = found.end() if found else at + 1
        if end == len(text) and not is_last and end - at < MAX_HELD_CHARS:
            return None
        self._awaits_destination = False
        destination, length = read_destination(text[at:end])
        if end - at == MAX_HELD_CHARS and length == end - at:
            self._is_discarding = True
        elif may_link(destination, self._is_known):
            self._is_destination_open = is_last and at + length == len(text)
            return "", at
        self._end_run(is_discarding=self._is_discarding)
        return self._say(REMOVED, at + length)

    def _angled_destination(self, text: str, at: int, is_last: bool) -> Step | None:
        found = _ANGLED.match(text, at, at + MAX_HELD_CHARS)
        end = found.end() if found else at + 1
        is_cut = end == len(text) and end - at < MAX_HELD_CHARS
        if is_cut and not is_last:
            return None
        self._awaits_destination = False
        is_closed = found is not None and found["end"] == ">" and not is_cut
        if not is_closed or not (text[end].isspace() or text[end] == ")"):
            return "", at  # no destination: a tag or a text
        destination, _ = read_destination(text[at:end])
        if not may_link(destination, self._is_known):
            return self._say(REMOVED, end)
        # Without the brackets: to a parser that sees no link here, they would be a tag.
        encoded = _UNSAFE_IN_DESTINATION.sub(lambda m: quote(m.group(), safe=""), destination)
        return self._say(self._guard_words(encoded.replace("&", "&amp;")), end)

    def _tag(self, text: str, at: int, is_last: bool) -> Step | None:
        if has_address(self._prefix):
            return self._part(at)
        window = text[at : at + MAX_TAG_CHARS]
        can_grow = not is_last and len(window) < MAX_TAG_CHARS
        if _TAG_START.match(window) is None:
            return self._pass_tag("<", at + 1)
        autolink = _AUTOLINK.match(window)
        if autolink and not self._context.has_tag:
            address = autolink["address"]
            address = address if ":" in address else f"mailto:{address}"
            shown = autolink.group() if self._may_stand(address) else f"<{REMOVED}>"
            return self._pass_tag(shown, at + autolink.end())
        if can_grow and _AUTOLINK_START.match(window):
            return None
        tag = match_tag(text, at)
        if tag is None or not may_be_allowed(tag) or (tag.partial and not can_grow):
            return self._pass_tag("&lt;", at + 1)
        if tag.partial:
            return None
        self._context.add_tag()
        return self._pass_tag(rewrite_tag(tag, self._may_stand), tag.end())

    def _may_stand(self, address: str) -> bool:
        return may_link(address, self._is_known)

    def _pass_tag(self, shown: str, end: int) -> Step:
        self._context.add_text(shown)
        self._end_run()
        return shown, end

    def _ticks(self, text: str, at: int, is_last: bool) -> Step | None:
        """Let a span of code through that closes on its line; else the backticks alone."""
        if self._last == "`":
            return self._say(" ", at)  # else the two would be one
        if has_address(self._prefix):
            return self._part(at)
        found = _TICKS.match(text, at)
        end = found.end() if found else at + 1
        if end == len(text) and not is_last and end - at < _MAX_TICKS:
            return None
        ticks, limit = text[at:end], end + _MAX_SPAN_CHARS
        line_end = text.find("\n", end, limit)
        line = text[end : limit if line_end < 0 else line_end]
        closing = re.search(rf"(?<!`){ticks}(?!`)", line)
        if self._context.can_have_spans and self._last != "\\":
            is_open = line_end < 0 and len(text) < limit and not is_last
            if is_open and (closing is None or closing.end() == len(line)):
                return None
            if closing is not None and "|" not in line[: closing.start()]:
                shown = f"{ticks}{self._guard_words(line[: closing.start()])}{ticks}"
                self._context.add_text(shown, is_code=True)
                self._end_run()
                return shown, end + closing.end()
        self._context.add_stray_ticks()
        return self._say(ticks, end)

    def _run(self, text: str, at: int, is_last: bool) -> Step | None:
        """Let a run of characters through, but for an address that may not stand."""
        found = (_WORD if self._context.is_fenced else _RUN).match(text, at, at + MAX_HELD_CHARS)
        end = found.end() if found else at + 1
        run, whole = text[at:end], self._prefix + text[at:end]
        if self._is_discarding:
            return "", end
        if self._last in _INSIDE_RUN and self._last != "]" and has_address(self._prefix):
            if run.rstrip(TRAILING):
                return self._part(at)
            return self._say(run, end) if end < len(text) or is_last else None
        if (end < len(text) and end - at < MAX_HELD_CHARS) or (is_last and end == len(text)):
            return self._say(self._guard_run(run), end)
        if _TRIGGER.search(whole) is None:
            tail = _OPEN_END.search(run)
            certain = at + tail.start() if tail else end
            return self._say(text[at:certain], certain) if certain > at else None
        if end - at < MAX_HELD_CHARS:
            return None
        if has_address(whole):
            self._end_run(is_discarding=True)
            return self._say(REMOVED, end)
        end -= _MAX_PREFIX_CHARS
        return self._say(text[at:end], end)

    def _guard_run(self, run: str) -> str:
        whole = self._prefix + run
        start = find_unknown(whole, self._is_known)
        if start is None:
            return run
        removed = run[max(0, start - len(self._prefix)) :]
        kept = removed[len(removed.rstrip(TRAILING)) :]
        shown = run[: len(run) - len(removed)] + REMOVED + kept
        self._prefix = ""
        return shown

    def _guard_words(self, text: str) -> str:
        """Return a whole text, which is no part of a run, without unknown addresses."""
        return _WORD.sub(lambda found: self._guard_word(found.group()), text)

    def _guard_word(self, word: str) -> str:
        start = find_unknown(word, self._is_known)
        return word if start is None else word[:start] + REMOVED

    def _say(self, shown: str, end: int) -> Step:
        self._context.add_text(shown)
        self._prefix = (self._prefix + shown)[-_MAX_PREFIX_CHARS:]
        return shown, end

    def _part(self, at: int) -> Step:
        """Put a blank after an address, so that nothing is taken for its end."""
        step = self._say(" ", at)
        self._end_run()
        self._last = " "
        return step

    def _end_run(self, *, is_discarding: bool = False) -> None:
        self._prefix = ""
        self._links_in_run = 0
        self._is_discarding = is_discarding


def _limit_unknown(is_known: IsKnown) -> IsKnown:
    """Return ``is_known`` that says no without a look once it has said so very often."""
    known: set[str] = set()
    count = 0

    def ask(address: str) -> bool:
        nonlocal count
        if address in known:
            return True
        if count >= _MAX_UNKNOWN or not is_known(address):
            count += 1
            return False
        known.add(address)
        return True

    return ask
