"""How far the work on a job has come and how long it will still take, kept between heartbeats."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, ClassVar, Final

DOCUMENT_STAGES: Final = frozenset({"parsing", "ocr", "chunking", "embedding", "indexing"})
FILE_STAGES: Final = frozenset({"parsing", "ocr"})
REEMBEDDING_STAGES: Final = frozenset({"embedding"})
RECHUNKING_STAGES: Final = frozenset({"rechunking"})
_READING: Final = ("parsing", "ocr")  # one work: pages are read or recognised, as they come
_PASSAGES_A_PAGE: Final = 4
_MOST: Final = 0.99  # of the work, before its end is written


class Progress:
    """The columns of a job's row that tell how far it is; its share never goes back.

    What is left is told from the pace of this job: so long a page, so long a passage. How long
    passages take is known from the jobs before until this one has embedded some. The share is that
    of the time; it is 0 before anything was measured.
    """

    passage_seconds: ClassVar[float] = 0.03  # of this process's last document

    def __init__(
        self,
        stages: Collection[str] = DOCUMENT_STAGES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stages = stages
        self._clock = clock
        self._stage = "parsing"
        self._share = 0.0
        self._done, self._total = 0, 0
        self._pages_done = 0
        self._pages_total: int | None = None
        self._began = self._stage_began = self._stepped = clock()
        self._first = 0  # steps that were done when the stage began
        self._together = 0  # steps that were told at once, the last time

    def at(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Note the stage and, of its steps, how many are done."""
        if stage != self._stage and not {stage, self._stage} <= set(_READING):
            self._learn()
            self._stage_began = self._stepped = self._clock()
            self._first, self._together = done, 0
        elif done == self._done == 0:  # what was before the first step is no part of its pace
            self._stage_began = self._stepped = self._clock()
        elif done > self._done:
            self._stepped, self._together = self._clock(), done - self._done
        self._stage, self._done, self._total = stage, done, total

    def page(self, stage: str, done: int, total: int) -> None:
        """Note the pages read so far."""
        self.at(stage, done, total)
        self._pages_done, self._pages_total = done, total

    def columns(self) -> dict[str, Any]:
        """Return the values of the row's columns."""
        left = self._seconds_left()
        if left is not None:
            before = self._first * (self._pace() or self.passage_seconds)  # by workers before us
            spent = self._clock() - self._began + before
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
        pace = self._pace()
        if self._stage in _READING and pace is not None:
            pages = self._total if "embedding" in self._stages else 0
            return self._rest(pace) + pages * _PASSAGES_A_PAGE * self.passage_seconds
        if self._stage == "rechunking" and pace is not None:
            return self._rest(pace)
        if self._stage == "embedding" and self._total:
            return self._rest(self.passage_seconds if pace is None else pace)
        return None

    def _rest(self, pace: float) -> float:
        """Return how long the stage's last steps take, of which some are under way."""
        left = self._total - self._done
        under_way = min(self._clock() - self._stepped, pace * min(self._together, left))
        return pace * left - under_way

    def _pace(self) -> float | None:
        """Return the seconds that a step of this stage takes.

        Steps come several at a time; those under way count once they take longer than others did.
        """
        steps = self._done - self._first
        if steps <= 0:
            return None
        so_far = (self._stepped - self._stage_began) / steps
        return max(so_far, (self._clock() - self._stage_began) / (steps + self._together))

    def _learn(self) -> None:
        pace = self._pace()
        if self._stage == "embedding" and pace is not None:
            Progress.passage_seconds = pace
