"""The real thing, where its weights were got: make local-model MODEL=qwen2.5-coder-0.5b."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.config import Settings, get_settings
from core.embedded.servers import EmbeddedServers
from core.models import chat
from core.models.local.weights import NoWeights, weights_of
from core.models.messages import ChatRequest, Finished, TextDelta, ToolSpec

MODEL = "qwen2.5-coder-0.5b"
WEATHER = ToolSpec(
    "weather",
    "Tell the weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServers]:
    try:
        weights_of(MODEL, get_settings())
    except NoWeights as missing:
        pytest.skip(missing.message)
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: make local-model")
    with EmbeddedServers(tmp_path, postgres=False, valkey=False, local_model=MODEL) as servers:
        settings = Settings(
            chat_model="openai/local",
            chat_base_url=servers.addresses["NUXA_CHAT_BASE_URL"],
            chat_api_key=SecretStr(servers.addresses["NUXA_CHAT_API_KEY"]),
            chat_timeout_seconds=900,
        )
        monkeypatch.setattr(chat, "get_settings", lambda: settings)
        yield servers


@pytest.mark.usefixtures("running")
async def test_stream_with_real_weights_answers_takes_tools_and_stops() -> None:
    asked = ChatRequest([{"role": "user", "content": "Will it rain in Rome?"}], [WEATHER])
    deltas = [delta async for delta in chat.stream(asked)]
    assert isinstance(deltas[-1], Finished)
    endless = chat.stream(ChatRequest([{"role": "user", "content": "Count from 1 to 900."}]))
    assert isinstance(await anext(endless), TextDelta)
    await endless.aclose()
    # It would be counting for minutes: that this is answered shows that it has stopped.
    again = [d async for d in chat.stream(ChatRequest([{"role": "user", "content": "Hi."}]))]
    assert isinstance(again[-1], Finished)
    assert again[-1].input_tokens > 0
