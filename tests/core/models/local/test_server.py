"""The process that holds a local model, with an engine that stands in for llama.cpp."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from core.config import Settings
from core.errors import UpstreamError
from core.models import chat
from core.models.local.server import LocalModel
from core.models.messages import ChatDelta, ChatRequest, Finished, TextDelta

KEY = "key-of-the-test"
HELLO = ChatRequest([{"role": "user", "content": "Hello?"}])


@dataclass
class FakeEngine:
    """Says ``words``; after ``hold`` of them it waits until somebody stops it."""

    words: list[str]
    hold: int | None = None
    error: dict[str, Any] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def stream(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        self.asked.append(body)
        if self.error:
            yield {"error": self.error}
            return
        try:
            for number, word in enumerate(self.words):
                if number == self.hold:
                    await asyncio.Event().wait()
                yield _chunk({"content": word})
            yield _chunk({}, "stop")
            yield {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
        finally:
            self.stopped.set()


def _chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }  # fmt: skip


@asynccontextmanager
async def _served(app: LocalModel) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            await task


async def _loaded(engine: FakeEngine) -> FakeEngine:
    return engine


@pytest.fixture
async def running(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[FakeEngine, str]]:
    engine = FakeEngine(["Good ", "morning."])
    async with _served(LocalModel(KEY, _loaded(engine), most_waiting=1)) as url:
        _configure(monkeypatch, url, KEY)
        yield engine, url


def _configure(monkeypatch: pytest.MonkeyPatch, url: str, key: str) -> None:
    settings = Settings(chat_model="local/some", chat_base_url=url, chat_api_key=SecretStr(key))
    monkeypatch.setattr(chat, "get_settings", lambda: settings)


async def _all(request: ChatRequest = HELLO) -> list[ChatDelta]:
    return [delta async for delta in chat.stream(request)]


async def test_it_is_a_chat_model_like_any_other(running: tuple[FakeEngine, str]) -> None:
    assert await _all() == [
        TextDelta("Good "),
        TextDelta("morning."),
        Finished("local/some", "stop", 3, 2, None),
    ]


async def test_a_stopped_answer_stops_the_engine(running: tuple[FakeEngine, str]) -> None:
    engine, _ = running
    engine.hold = 1
    answer = chat.stream(HELLO)
    assert await anext(answer) == TextDelta("Good ")
    await answer.aclose()
    await asyncio.wait_for(engine.stopped.wait(), 60)
    engine.hold = None
    assert len(await _all()) == 3  # the line is free again


async def test_who_waits_too_long_a_line_is_told(running: tuple[FakeEngine, str]) -> None:
    engine, _ = running
    engine.hold = 1
    first = chat.stream(HELLO)
    await anext(first)
    second = asyncio.create_task(_all())
    with pytest.raises(UpstreamError, match="no more requests"):
        while True:  # until the second is in the line, the third may be it
            third = asyncio.create_task(_all())
            done, _ = await asyncio.wait({second, third}, return_when=asyncio.FIRST_COMPLETED)
            (refused,) = done
            refused.result()
    await first.aclose()
    engine.hold = None
    left = third if refused is second else second
    assert len(await asyncio.wait_for(left, 60)) == 3


async def test_a_prompt_that_is_too_long_is_said(running: tuple[FakeEngine, str]) -> None:
    engine, _ = running
    engine.error = {"code": 400, "type": "exceed_context_size_error", "message": "9 > 8"}
    with pytest.raises(UpstreamError, match="cannot read that much"):
        await _all()


async def test_nobody_without_the_key(
    running: tuple[FakeEngine, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, url = running
    _configure(monkeypatch, url, "another")
    with pytest.raises(UpstreamError, match="refused the key"):
        await _all()
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/models")).status_code == 401
        assert (await client.get(f"{url[:-3]}/health")).json() == {"status": "ok"}
    assert engine.asked == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"messages": 1}', 400),
        (b'{"messages": []}', 400),
        (b" " * 5_000_000, 413),
    ],
)
async def test_what_is_no_request_is_refused(
    running: tuple[FakeEngine, str], body: bytes, status: int
) -> None:
    engine, url = running
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {KEY}"}) as client:
        answer = await client.post(f"{url}/chat/completions", content=body)
        assert answer.status_code == status
        assert (await client.get(f"{url}/nothing")).status_code == 404
    assert engine.asked == []


async def test_questions_wait_while_weights_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(["Good ", "morning."])
    loading: asyncio.Future[FakeEngine] = asyncio.get_running_loop().create_future()
    async with _served(LocalModel(KEY, loading)) as url:
        _configure(monkeypatch, url, KEY)
        asked = asyncio.create_task(_all())
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url[:-3]}/health")).json() == {"status": "loading"}
        assert not asked.done()
        loading.set_result(engine)
        assert len(await asyncio.wait_for(asked, 60)) == 3
