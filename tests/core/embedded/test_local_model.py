"""The local model's server: a child with a key of its own, asked like any other model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.start import run_all
from core.config import Settings
from core.embedded import local_model
from core.embedded.process import EmbeddedServerFailed, is_running
from core.embedded.servers import EmbeddedServers
from core.errors import UpstreamError
from core.models import chat
from core.models.local.weights import NoWeights
from core.models.messages import ChatRequest, Finished, TextDelta, ToolCall, ToolSpec

STAND_IN = "tests.stand_ins.llama_server"
HELLO = ChatRequest([{"role": "user", "content": "Hello?"}])
WEATHER = ToolSpec("weather", "Tell the weather of a city.", {"type": "object", "properties": {}})


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_model, "_MODULE", STAND_IN)


def _servers(home: Path) -> EmbeddedServers:
    return EmbeddedServers(home, postgres=False, valkey=False, local_model="some")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    with _servers(tmp_path) as servers:
        settings = Settings(
            chat_model="openai/local",
            chat_base_url=servers.addresses["NUXA_CHAT_BASE_URL"],
            chat_api_key=SecretStr(servers.addresses["NUXA_CHAT_API_KEY"]),
        )
        monkeypatch.setattr(chat, "get_settings", lambda: settings)
        yield settings


def test_local_model_runs_beside_the_servers_and_ends_with_them(tmp_path: Path) -> None:
    home = tmp_path / "data"
    with _servers(home) as servers:
        assert servers.model is not None
        assert servers.model.is_alive
        first = servers.addresses
        assert first["NUXA_CHAT_BASE_URL"].startswith("http://127.0.0.1:")
        assert len(first["NUXA_CHAT_API_KEY"]) > 30
        assert (home / "local-model" / "key").stat().st_mode & 0o077 == 0
        pid = int((home / "local-model" / "pid").read_text())
    assert not is_running(pid, STAND_IN)
    with _servers(home) as servers:
        assert servers.addresses["NUXA_CHAT_API_KEY"] == first["NUXA_CHAT_API_KEY"]
    with EmbeddedServers(home, postgres=False, valkey=False) as servers:
        assert servers.addresses == {}


def test_local_model_that_cannot_be_loaded_fails_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_model, "_MODULE", "no_such_module")
    with pytest.raises(EmbeddedServerFailed, match="No module named no_such_module"):
        _servers(tmp_path).start()


async def test_stream_with_a_local_model_gives_text_calls_and_usage(settings: Settings) -> None:
    assert [delta async for delta in chat.stream(HELLO)] == [
        TextDelta("Good "),
        TextDelta("morning."),
        Finished("openai/local", "stop", 3, 2, None),
    ]
    asked = ChatRequest([{"role": "user", "content": "Will it rain in Rome?"}], [WEATHER])
    call, finished = [delta async for delta in chat.stream(asked)]
    assert call == ToolCall("call-1", "weather", '{"city":"Rome"}')
    assert finished == Finished("openai/local", "tool_calls", 3, 2, None)
    settings.chat_api_key = SecretStr("another")
    with pytest.raises(UpstreamError, match="refused the key"):
        _ = [delta async for delta in chat.stream(HELLO)]


def test_arguments_for_openai_beside_a_local_model_have_neither_its_address_nor_its_key() -> None:
    settings = Settings(
        chat_model="openai/local",
        chat_base_url="http://127.0.0.1:1/v1",
        chat_api_key=SecretStr("of-the-local-server"),
    )
    own = ChatRequest(HELLO.messages, model="openai/gpt-4o", api_key=SecretStr("own"))
    arguments = chat._arguments(own, "openai/gpt-4o", settings)
    assert "api_base" not in arguments
    assert arguments["api_key"] == "own"


def test_run_all_without_weights_starts_nothing(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data", chat_model="openai/local", local_model="no.gguf", port=0
    )
    with pytest.raises(NoWeights, match="no file and no known model"):
        run_all(settings, lambda _: None)
    assert not (tmp_path / "data" / "lock").exists()


@pytest.mark.parametrize(
    ("model", "url", "wants"),
    [
        ("openai/local", None, True),
        ("openai/local", "http://127.0.0.1:8080/v1", False),
        ("openai/gpt-4o", None, False),
        ("nuxa/extractive", None, False),
        ("local/some", None, True),
    ],
)
def test_settings_want_an_embedded_model_only_for_openai_local(
    model: str, url: str | None, wants: bool
) -> None:
    assert Settings(chat_model=model, chat_base_url=url).wants_embedded_model is wants


def test_settings_with_the_former_name_of_a_local_model_read_it_as_both() -> None:
    settings = Settings(chat_model="local/qwen2.5-coder-0.5b")
    assert (settings.chat_model, settings.local_model) == ("openai/local", "qwen2.5-coder-0.5b")
