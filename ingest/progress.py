"""How far the work on a job has come and how long it will still take, kept between heartbeats."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

# Where each stage begins and how much of the whole it is, while nothing was measured yet.
DOCUMENT_STAGES: Final = {
    "parsing": (0.0, 0.3),
    "ocr": (0.0, 0.3),
    "chunking": (0.3, 0.05),
    "embedding": (0.35, 0.6),
    "indexing": (0.95, 0.05),
}
FILE_STAGES: Final = {"parsing": (0.0, 1.0), "ocr": (0.0, 1.0)}
_READING: Final = ("parsing", "ocr")  # one work: pages are read or recognised, as they come
_PASSAGES_A_PAGE: Final = 4
_MOST: Final = 0.99  # of the work, before its end is written


class Progress:
    """The columns of a job's row that tell how far it is; its share never goes back.

    What is left is told from the pace of this job: so long a page, so long a passage. How long
    passages take is known from the jobs before until this one has embedded some.
    """

    passage_seconds: ClassVar[float] = 0.03  # of this process's last document

    def __init__(
        self,
        stages: Mapping[str, tuple[float, float]] = DOCUMENT_STAGES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stages = stages
        self._clock = clock
        self._stage = "parsing"
        self._share = 0.0
        self._done, self._total = 0, 0
        self._pages_done = 0
        self._pages_total: int | None = None
        self._began = self._stage_began = clock()
        self._first = 0  # steps that were done when the stage began

    def at(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Note the stage and, of its steps, how many are done."""
        begin, width = self._stages[stage]
        if stage != self._stage and not {stage, self._stage} <= set(_READING):
            self._learn()
            self._stage_began, self._first = self._clock(), done
        self._stage, self._done, self._total = stage, done, total
        if self._seconds_left() is None:
            self._share = max(self._share, begin + width * (done / total if total else 0.0))

    def page(self, stage: str, done: int, total: int) -> None:
        """Note the pages read so far."""
        self.at(stage, done, total)
        self._pages_done, self._pages_total = done, total

    def columns(self) -> dict[str, Any]:
        """Return the values of the row's columns."""
        left = self._seconds_left()
        if left is not None:
            spent = self._clock() - self._began
            self._share = max(self._share, min(_MOST, spent / max(spent + left, 1e-9)))
        return {
            "stage": self._stage,
            "progress": self._share,
            "pages_done": self._pages_done,
            "pages_total": self._pages_total,
            "seconds_left": left,
        }

    def _seconds_left(self) -> float | None:
        """Return the estimate, ``None`` before anything was measured."""
        if self._stage == "indexing":
            return 0.0
        embeds = "embedding" in self._stages
        if self._stage in _READING:
            pace = self._pace()
            if pace is None:
                return None
            passages = self._total * _PASSAGES_A_PAGE if embeds else 0
            return pace * (self._total - self._done) + passages * self.passage_seconds
        if self._stage == "embedding" and self._total:
            pace = self._pace()
            return (self.passage_seconds if pace is None else pace) * (self._total - self._done)
        return None

    def _pace(self) -> float | None:
        """Return the seconds that a step of this stage takes."""
        steps = self._done - self._first
        return (self._clock() - self._stage_began) / steps if steps > 0 else None

    def _learn(self) -> None:
        pace = self._pace()
        if self._stage == "embedding" and pace is not None:
            Progress.passage_seconds = pace
