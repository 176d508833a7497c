"""Images that a caller names by an address: the model may fetch them, this service does not."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.models import chat
from core.models.messages import ChatRequest, Finished
from tests.stand_ins.openai import KEY, Reply, openai_stand_in


async def test_stream_with_an_image_and_no_usage_reaches_no_inner_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached = []

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(writer.get_extra_info("sockname"))
        writer.close()

    inner = await asyncio.start_server(note, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{inner.sockets[0].getsockname()[1]}/a.png"
    image = {"type": "image_url", "image_url": {"url": url, "detail": "high"}}
    pieces = [({"content": "A pixel."}, None), ({}, "stop")]
    raw = "".join(
        f"data: {json.dumps({'choices': [{'index': 0, 'delta': d, 'finish_reason': r}]})}\n\n"
        for d, r in pieces
    )
    async with inner, openai_stand_in() as server:
        server.replies = [Reply(raw=f"{raw}data: [DONE]\n\n".encode())]
        settings = Settings(
            chat_model="openai/gpt-4o-mini",
            chat_base_url=server.base_url,
            chat_api_key=SecretStr(KEY),
        )
        monkeypatch.setattr(chat, "get_settings", lambda: settings)
        request = ChatRequest([{"role": "user", "content": [image]}])
        *_, last = [delta async for delta in chat.stream(request)]
    assert isinstance(last, Finished)
    assert reached == []
