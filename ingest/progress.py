"""How far the work on a job has come, kept between two heartbeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Where each stage begins and how much of the whole it is, by the time that it usually takes.
DOCUMENT_STAGES: Final = {
    "parsing": (0.0, 0.3),
    "ocr": (0.0, 0.3),
    "chunking": (0.3, 0.05),
    "embedding": (0.35, 0.6),
    "indexing": (0.95, 0.05),
}
FILE_STAGES: Final = {"parsing": (0.0, 1.0), "ocr": (0.0, 1.0)}


class Progress:
    """The columns of a job's row that tell how far it is; it never goes back."""

    def __init__(self, stages: Mapping[str, tuple[float, float]] = DOCUMENT_STAGES) -> None:
        self._stages = stages
        self._stage = "parsing"
        self._share = 0.0
        self._pages_done = 0
        self._pages_total: int | None = None

    def at(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Note the stage and, of its steps, how many are done."""
        begin, width = self._stages[stage]
        self._stage = stage
        self._share = max(self._share, begin + width * (done / total if total else 0.0))

    def page(self, stage: str, done: int, total: int) -> None:
        """Note the pages read so far."""
        self.at(stage, done, total)
        self._pages_done, self._pages_total = done, total

    def columns(self) -> dict[str, Any]:
        """Return the values of the row's columns."""
        return {
            "stage": self._stage,
            "progress": self._share,
            "pages_done": self._pages_done,
            "pages_total": self._pages_total,
        }
