"""Event logs that one task of this process writes: readers beside it are told without asking Redis.

To be told by Redis takes a reader two more ways through it and the event loop for each event, while
the one who waits for the first word of an answer mostly sits in the process that writes it.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """``number`` counts from 1 without gaps; ``data`` is plain JSON."""

    number: int
    data: dict[str, Any]


@dataclass(eq=False)
class Reader:
    """Whoever follows a log here, and what he was told and has not taken yet."""

    has_caught_up: bool = False
    _told: list[Event] = field(default_factory=list)
    _called: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, events: Sequence[Event]) -> None:
        self._told += events
        self._called.set()

    def call(self) -> None:
        """Have the reader look up, though there is nothing to tell."""
        self._called.set()

    def take(self, after: int) -> list[Event]:
        """Return, once, what was told after a number."""
        told, self._told = self._told, []
        self._called.clear()
        return [event for event in told if event.number > after]

    async def wait(self, seconds: float) -> bool:
        """Wait to be told or called; false if that did not come in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._called.wait()
        except TimeoutError:
            return False
        return True


class OwnLogs:
    """Which logs are written here, and who reads them here."""

    def __init__(self) -> None:
        self._written: set[str] = set()
        self._readers: defaultdict[str, set[Reader]] = defaultdict(set)

    @contextmanager
    def written(self, log: str) -> Iterator[None]:
        """Hold a log as one that is written here, and for the most part nowhere else."""
        self._written.add(log)
        try:
            yield
        finally:
            self._written.discard(log)
            for reader in self._readers.get(log, ()):
                reader.call()

    def is_written(self, log: str) -> bool:
        return log in self._written

    @contextmanager
    def read(self, log: str) -> Iterator[Reader]:
        reader = Reader()
        self._readers[log].add(reader)
        try:
            yield reader
        finally:
            self._readers[log].discard(reader)
            if not self._readers[log]:
                del self._readers[log]

    def tell(self, log: str, first: int, events: Sequence[str]) -> None:
        """Tell the readers of a log that is written here of its events, JSON, numbered on from
        ``first``; they have been appended."""
        readers = self._readers.get(log)
        if readers and log in self._written:
            told = [Event(number, json.loads(each)) for number, each in enumerate(events, first)]
            for reader in readers:
                reader.tell(told)
