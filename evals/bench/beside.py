"""The service and an Open WebUI on the same machine in the same minutes, the same asked of both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import Final

from evals.bench import chat, knowledge
from evals.bench.figures import (
    DENSE_TIMES,
    FIRST_WORD_SHARE,
    HYBRID_TIMES,
    INGESTION_TIMES,
    Figure,
    median,
)
from evals.bench.load import drive
from evals.bench.open_webui import OpenWebUI
from evals.bench.system import System
from evals.bench.texts import documents, questions

_WARM: Final = 8
_ALONE: Final = 48  # chats each, in turns
_ROUNDS: Final = 4  # of 16 chats each, in turns
_CROWD: Final = 16
_PAUSE_SECONDS: Final = 0.1  # what one has begun does not run on beside the other
_SEARCHES: Final = 160
_HYBRID_SEARCHES: Final = 16  # of Open WebUI, which takes most of a second for each


async def measure(system: System, other: OpenWebUI, model_url: str, count: int) -> list[Figure]:
    """Ingest, search and chat at both, one after the other; bars are those of ``bench``."""
    await system.rest()
    base_id = await knowledge.new_base(system.client)
    ours = partial(knowledge.ask, system.client, base_id, "hybrid")
    figures = await _ingestion(system, base_id, other, count)
    figures += await _chats(system, base_id, other, model_url)
    return figures + await _searches(ours, other)


async def _ingestion(system: System, base_id: str, other: OpenWebUI, count: int) -> list[Figure]:
    await knowledge.warm(system.client)
    texts = documents(count, knowledge.SIZE, seed=1)
    started = perf_counter()
    await knowledge.add(system.client, base_id, texts)
    await knowledge.finished(system.client, base_id)
    rate = count / (perf_counter() - started)
    await other.add(documents(4, knowledge.SIZE, seed=8))
    started = perf_counter()
    await other.add(texts)
    theirs = count / (perf_counter() - started)
    return _compared("documents", "documents/s", rate, theirs, INGESTION_TIMES)


async def _chats(system: System, base_id: str, other: OpenWebUI, model_url: str) -> list[Figure]:
    async def ours(number: int) -> float:
        return await chat.first_word(system.client, base_id, number)

    async def theirs(number: int) -> float:
        return await other.first_word(f"Who approves budget {number}?")

    raw = median([await chat.raw_first_word(model_url) for _ in range(20)])
    figures = []
    for at_once, rounds in ((1, _ALONE), (_CROWD, _ROUNDS)):
        await _asked(ours, theirs, 100_000, at_once, max(1, _WARM // at_once))
        mine, yours = await _asked(ours, theirs, 0, at_once, rounds)
        mine_added, yours_added = ((median(times) - raw) * 1000 for times in (mine, yours))
        name = f"added to first word, {at_once} at once"
        figures += _compared(name, "ms", mine_added, yours_added, FIRST_WORD_SHARE, is_time=True)
    return figures


async def _asked(
    ours: Callable[[int], Awaitable[float]],
    theirs: Callable[[int], Awaitable[float]],
    first: int,
    at_once: int,
    rounds: int,
) -> tuple[list[float], list[float]]:
    """Ask both in turns; returns the seconds of each."""
    times: tuple[list[float], list[float]] = [], []
    for at in range(rounds):
        numbers = range(first + at * at_once, first + (at + 1) * at_once)
        for ask, into in zip((ours, theirs), times, strict=True):
            into += await asyncio.gather(*map(ask, numbers))
            await asyncio.sleep(_PAUSE_SECONDS)
    return times


async def _searches(ours: Callable[[str], Awaitable[None]], other: OpenWebUI) -> list[Figure]:
    await drive(ours, questions(20, seed=2), 1)
    _, rate = await drive(ours, questions(_SEARCHES, seed=4), _CROWD)
    _, dense = await drive(other.search, questions(_SEARCHES, seed=4), _CROWD)
    await other.allow_hybrid()
    hybrid_search = partial(other.search, hybrid=True)
    _, hybrid = await drive(hybrid_search, questions(_HYBRID_SEARCHES, seed=4), _CROWD)
    name = "hybrid searches, 16 at once"
    return [
        *_compared(f"{name}; theirs dense", "searches/s", rate, dense, DENSE_TIMES),
        *_compared(f"{name}; theirs hybrid", "searches/s", rate, hybrid, HYBRID_TIMES),
    ]


def _compared(
    name: str, unit: str, mine: float, yours: float, bar: float, *, is_time: bool = False
) -> list[Figure]:
    better: Final = "lower" if is_time else "higher"
    return [
        Figure(name, mine, unit, f"Open WebUI {yours:.1f}", better),
        Figure(f"{name}: ours / theirs", mine / yours, "×", "in the same minutes", better, bar),
    ]
