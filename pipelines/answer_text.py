"""A model's text on its way out: its marks checked, its links guarded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.citations import Citation, CitationChecker
from pipelines.links import LinkGuard
from pipelines.passages import Passages


class AnswerText:
    """``content`` is what was let out so far, joined; ``citations`` those of its marks.

    Marks are checked before links are: what takes a link's place can then make none.
    """

    def __init__(
        self,
        passages: Passages,
        *,
        cites: bool,
        may_link: Callable[[str], bool] | None,
        secrets: Mapping[str, str],
    ) -> None:
        self._checker = CitationChecker(passages, secrets) if cites else None
        self._guard = LinkGuard(may_link) if may_link else None
        self._content: list[str] = []
        self.citations: list[Citation] = []

    @property
    def content(self) -> str:
        return "".join(self._content)

    def feed(self, piece: str) -> list[str | Citation]:
        """Return the text and citations that are certain by now, each citation before its mark."""
        return self._out(self._checker.feed(piece) if self._checker else [piece])

    def finish(self) -> list[str | Citation]:
        """Return the rest of what was held; more may follow."""
        parts = self._out(self._checker.finish() if self._checker else [])
        return parts + self._kept([self._guard.finish()] if self._guard else [])

    def _out(self, parts: list[str | Citation]) -> list[str | Citation]:
        guard = self._guard
        if guard is None:
            return self._kept(parts)
        return self._kept([guard.feed(p) if isinstance(p, str) else p for p in parts])

    def _kept(self, parts: list[str | Citation]) -> list[str | Citation]:
        kept = [part for part in parts if part]
        self._content.extend(part for part in kept if isinstance(part, str))
        self.citations.extend(part for part in kept if isinstance(part, Citation))
        return kept
