"""How long anything held the event loop, in the loop's own processor time.

What a busy machine takes away does not count, so that the figure is the code's: each callback of
the loop, a step of a task too, is measured by its thread's clock.
"""

from __future__ import annotations

import asyncio.events
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Watchdog:
    """``longest``: seconds; ``what`` it was that took them."""

    longest: float = 0.0
    what: str = ""
    callbacks: int = 0


@contextmanager
def watching() -> Iterator[Watchdog]:
    """Measure every callback of asyncio's own loops in this process."""
    dog, run = Watchdog(), asyncio.events.Handle._run

    def measured(handle: Any) -> None:
        began = time.thread_time()
        run(handle)
        took = time.thread_time() - began
        dog.callbacks += 1
        if took > dog.longest:
            dog.longest, dog.what = took, repr(handle)

    asyncio.events.Handle._run = measured  # type: ignore[method-assign]
    try:
        yield dog
    finally:
        asyncio.events.Handle._run = run  # type: ignore[method-assign]
