"""The progress of several parts that are read one after the other, as that of one whole."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]


class Steps:
    """Counts the pages of parts, such as a mail's attachments, whose number shows as they come.

    A part that was not begun counts as one page.
    """

    def __init__(self, progress: Progress, parts: int) -> None:
        self._progress = progress
        self._left = parts
        self._before = 0  # pages of the parts that are done
        self._pages = 0  # of the part that is being read

    def next(self) -> Progress:
        """Return what the next part tells its progress to."""
        self._before += self._pages
        self._left -= 1
        self._pages = 1
        return self._report

    def _report(self, stage: str, done: int, total: int) -> None:
        self._pages = max(total, 1)
        self._progress(stage, self._before + done, self._before + self._pages + self._left)
