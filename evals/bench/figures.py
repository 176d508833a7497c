"""What a measurement yields: a figure, how it was taken, and the bar it should clear."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Final, Literal

# Bars against an Open WebUI run beside: at least so many times its rates, at most this part of its
# time.
INGESTION_TIMES: Final = 5
DENSE_TIMES: Final = 3
HYBRID_TIMES: Final = 50
FIRST_WORD_SHARE: Final = 0.25
INGESTION_SHARE: Final = 0.8  # of the rate of embedding alone


@dataclass(frozen=True)
class Figure:
    """One row of the report.

    ``value`` is compared with ``bar``: at least it where ``better`` is ``higher``, at most it
    where it is ``lower``. ``context`` says in words on or against what the value was measured.
    """

    name: str
    value: float
    unit: str
    context: str
    better: Literal["higher", "lower"] = "higher"
    bar: float | None = None

    @property
    def clears(self) -> bool | None:
        """Whether the bar is met; ``None`` where there is none."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.better == "higher" else self.value <= self.bar

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "clears": self.clears}


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return the time below which ``share`` (0 to 1) of the times lie, in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Return how long a call takes, in seconds."""
    started = perf_counter()
    await call()
    return perf_counter() - started
