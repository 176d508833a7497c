"""Time to the first word of a chat, over the model's own."""

from __future__ import annotations

import asyncio
import json
from typing import Final

import httpx

from evals.bench import wire
from evals.bench.figures import Figure, median, percentile
from evals.bench.model_server import SLOW_SECONDS, SLOWLY
from evals.bench.system import System

_AT_ONCE: Final = (1, 16)
# Before they are measured: the database plans a statement anew five times on each connection.
_WARM: Final = 64
_MEASURED: Final = 64  # chats
_OPEN: Final = 16  # streams at a time, where they begin one after the other
_ROUNDS: Final = 6  # so many times each; the first is warming up
_MOST_ADDED_MS: Final = 60


async def measure(system: System, base_id: str, model_url: str) -> list[Figure]:
    """Return what retrieval, prompt and checks add to the stand-in model's first token."""
    raw = median([await raw_first_word(model_url) for _ in range(20)])
    figures = [Figure("model's first token", raw * 1000, "ms", "stand-in model", "lower")]
    for concurrency in _AT_ONCE:
        first = 1_000 * concurrency  # a question that was asked before needs no embedding
        cold = await _rounds(system.client, base_id, concurrency, _WARM, first)
        warm = await _rounds(system.client, base_id, concurrency, _MEASURED, first + _WARM)
        for state, times in (("cold", cold), ("warm", warm)):
            added = [seconds - raw for seconds in times]
            name = f"added to first word, {concurrency} at once, {state}"
            told = f"the first {_WARM} chats" if times is cold else "the next"
            bar = _MOST_ADDED_MS if times is warm and concurrency == 1 else None
            p50, p95 = percentile(added, 0.5), percentile(added, 0.95)
            figures += [
                Figure(f"{name}, p50", p50, "ms", told, "lower", bar),
                Figure(f"{name}, p95", p95, "ms", told, "lower"),
            ]
    return [*figures, await _spread(system.client, base_id, raw)]


async def _rounds(
    client: httpx.AsyncClient, base_id: str, at_once: int, count: int, first: int
) -> list[float]:
    """Return the seconds of ``count`` chats, so many at once, with questions of their own."""
    times: list[float] = []
    for start in range(first, first + count, at_once):
        asked = (first_word(client, base_id, number) for number in range(start, start + at_once))
        times += await asyncio.gather(*asked)
    return times


async def _spread(client: httpx.AsyncClient, base_id: str, raw: float) -> Figure:
    """Return what is added while 16 answers are being written, begun one after the other."""

    async def later(number: int) -> float:
        await asyncio.sleep(number * SLOW_SECONDS / _OPEN)
        return await first_word(client, base_id, 30_000 + number, f"Please {SLOWLY}.")

    times = await asyncio.gather(*(later(number) for number in range(_OPEN * _ROUNDS)))
    added = percentile([seconds - raw for seconds in times[_OPEN:]], 0.95)
    name = f"added to first word, {_OPEN} open, {SLOW_SECONDS:g} s each, evenly spread, p95"
    return Figure(name, added, "ms", "stand-in model", "lower", _MOST_ADDED_MS)


async def raw_first_word(model_url: str) -> float:
    """Return the seconds until the stand-in model's own first word."""
    body = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    return await wire.first_word(f"{model_url}/chat/completions", {}, body, _is_any)


async def first_word(
    client: httpx.AsyncClient, base_id: str, number: int, manner: str = ""
) -> float:
    """Return the seconds until the first ``text`` event of a new chat, then read it to its end."""
    question = f"Who approves budget {number}? {manner}".strip()
    body = {"message": question, "knowledgeBaseIds": [base_id]}
    headers = {"x-api-key": client.headers["x-api-key"]}
    url = str(client.base_url.join("/api/copilot/stream"))
    return await wire.first_word(url, headers, body, _is_word)


def _is_any(_: str) -> bool:
    return True


def _is_word(data: str) -> bool:
    event = json.loads(data)
    if event["type"] == "error":
        raise RuntimeError(f"the chat failed: {event['payload']}")
    return bool(event["type"] == "text")
