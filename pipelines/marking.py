"""Free text of a model that cannot be trusted with marks: they are made in code.

For models on this machine that were given whole texts. A sentence is held until it is whole; the
passage that bears it out, with every number in it, is its source. What stands in a fence of code is
let through line by line. The marks pass the check of any other afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.sentences import sentences
from pipelines.marks import is_code, without

_FENCE: Final = "```"

SourceOf = Callable[[str], int | None]
"""Returns the number of the passage that bears a sentence out, if one does."""


class Marking:
    """Feed it the pieces of an answer; what it returns joined is the answer with marks."""

    def __init__(self, source_of: SourceOf) -> None:
        self._source_of = source_of
        self._held = ""
        self._is_in_code = False
        self.has_said = False
        self.has_cited = False

    def feed(self, piece: str) -> str:
        """Return what may be said by now."""
        self._held += piece
        out = []
        while end := self._end():
            out.append(self._marked(self._held[:end]))
            self._held = self._held[end:]
        return "".join(out)

    def finish(self) -> str:
        """Return the rest."""
        rest, self._held = self._held, ""
        return self._marked(rest) if rest else ""

    def _end(self) -> int:
        """Return where the first whole sentence, or line, ends, with the blanks after it."""
        line_end = self._held.find("\n") + 1
        line = self._held[:line_end] if line_end else self._held
        if not self._is_in_code and not line.lstrip().startswith(_FENCE):
            spans = sentences(line)
            if len(spans) > 1:
                return spans[1][0]
        return line_end

    def _marked(self, text: str) -> str:
        if text.lstrip().startswith(_FENCE):
            self._is_in_code = not self._is_in_code
            self.has_said = True
            return text
        if self._is_in_code or not text.strip() or is_code(text.rstrip("\n")):
            return text
        return self._with_mark(text)

    def _with_mark(self, text: str) -> str:
        said = without(text, only_apart=True).rstrip()  # not ``rows[0]``
        self.has_said = self.has_said or bool(said)
        n = self._source_of(said)
        self.has_cited = self.has_cited or n is not None
        blanks = text[len(text.rstrip()) :]
        return f"{said} [{n}]{blanks}" if n is not None else f"{said}{blanks}"
