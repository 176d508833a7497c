"""web_search against servers that answer as the four search services do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.errors import UpstreamError, ValidationFailed
from core.http.errors import AddressForbidden
from core.services import Services
from pipelines import tools
from pipelines.tools.base import CredentialMissing
from pipelines.tools.upstream import ServiceRefused
from tests.conftest import Owner
from tests.pipelines.tools.conftest import CallTool, Save
from tests.stand_in import Asked, Says, StandIn
from tests.stand_ins import web_search

Answerer = Callable[[Asked], Says]
KEYED = [
    ("brave", web_search.answer_as_brave, web_search.BRAVE_KEY, "BRAVE_SEARCH_API_KEY"),
    ("tavily", web_search.answer_as_tavily, web_search.TAVILY_KEY, "TAVILY_API_KEY"),
    ("serper", web_search.answer_as_serper, web_search.SERPER_KEY, "SERPER_API_KEY"),
]


@pytest.fixture(autouse=True)
def search_addresses(settings: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, *_ in KEYED:
        monkeypatch.setattr(settings, f"{name}_base_url", server.url + "/")


@pytest.mark.parametrize(("provider", "answer", "key", "secret"), KEYED)
async def test_web_search_with_workspace_secret_returns_results(
    provider: str,
    answer: Answerer,
    key: str,
    secret: str,
    call_tool: CallTool,
    save: Save,
    server: StandIn,
) -> None:
    server.answer = answer
    await save(secret, key)
    output = await call_tool("web_search", query="who was Ada?", maxResults=3, timeRange="year")
    (result,) = output["results"]  # type: ignore[misc]
    assert output["provider"] == provider
    assert result["url"] == web_search.PAGE  # type: ignore[index, call-overload]
    assert result["title"] == web_search.TITLE  # type: ignore[index, call-overload]
    assert result["snippet"] == web_search.SNIPPET  # type: ignore[index, call-overload]


@pytest.mark.parametrize(("provider", "answer", "key", "secret"), KEYED)
async def test_web_search_with_operator_key_needs_no_secret(
    provider: str,
    answer: Answerer,
    key: str,
    secret: str,
    call_tool: CallTool,
    settings: Settings,
    server: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answer = answer
    monkeypatch.setattr(settings, "web_search_provider", provider)
    with pytest.raises(CredentialMissing):
        await call_tool("web_search", query="q")
    monkeypatch.setattr(settings, "web_search_api_key", SecretStr(key))
    assert (await call_tool("web_search", query="q"))["results"]


async def test_web_search_with_operators_searxng_keeps_pages_once(
    call_tool: CallTool, settings: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = web_search.answer_as_searxng
    monkeypatch.setattr(settings, "web_search_provider", "searxng")
    monkeypatch.setattr(settings, "searxng_url", server.url)
    output = await call_tool("web_search", query="ada & charles", timeRange="week")
    assert output == {
        "provider": "searxng",
        "query": "ada & charles",
        "results": [
            {
                "title": web_search.TITLE,
                "url": web_search.PAGE,
                "snippet": web_search.SNIPPET,
            }
        ],
    }
    assert server.asked[0].query["q"] == ["ada & charles"]


async def test_web_search_with_workspaces_own_searxng_reaches_no_private_address(
    call_tool: CallTool, save: Save, server: StandIn
) -> None:
    await save("SEARXNG_URL", server.url)
    with pytest.raises(AddressForbidden):
        await call_tool("web_search", query="q")
    assert server.asked == []


async def test_web_search_without_provider_names_the_secrets(
    call_tool: CallTool, services: Services, owner: Owner
) -> None:
    with pytest.raises(CredentialMissing, match="SEARXNG_URL, or BRAVE_SEARCH_API_KEY"):
        await call_tool("web_search", query="q")
    assert "web_search" not in await tools.configured(services, owner.workspace_id)


@pytest.mark.parametrize(("provider", "answer", "key", "secret"), KEYED)
async def test_web_search_with_wrong_key_hides_the_key(
    provider: str,
    answer: Answerer,
    key: str,
    secret: str,
    call_tool: CallTool,
    save: Save,
    server: StandIn,
) -> None:
    server.answer = answer
    await save(secret, "wrong-key-4711")
    with pytest.raises(ServiceRefused) as caught:
        await call_tool("web_search", query="q")
    assert "wrong-key-4711" not in str(caught.value)


async def test_web_search_where_searxng_has_no_json_says_what_to_add(
    call_tool: CallTool, settings: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = lambda asked: Says(403, body=b"<html>Forbidden</html>")
    monkeypatch.setattr(settings, "web_search_provider", "searxng")
    monkeypatch.setattr(settings, "searxng_url", server.url)
    with pytest.raises(ServiceRefused, match=r"search\.formats"):
        await call_tool("web_search", query="q")


@pytest.mark.parametrize(
    "params",
    [{}, {"query": ""}, {"query": "q" * 401}, {"query": "q", "maxResults": 21}],
)
async def test_web_search_with_bad_parameters_sends_nothing(
    params: dict[str, object], call_tool: CallTool, save: Save, server: StandIn
) -> None:
    await save("TAVILY_API_KEY", web_search.TAVILY_KEY)
    with pytest.raises(ValidationFailed):
        await call_tool("web_search", **params)
    assert server.asked == []


@pytest.mark.parametrize("says", [Says(200, body=b"{"), Says.json({"results": [{"title": "t"}]})])
async def test_web_search_with_broken_answer_is_an_upstream_error(
    says: Says, call_tool: CallTool, save: Save, server: StandIn
) -> None:
    server.answer = lambda asked: says
    await save("TAVILY_API_KEY", web_search.TAVILY_KEY)
    with pytest.raises(UpstreamError):
        await call_tool("web_search", query="q")


async def test_web_search_with_long_texts_cuts_them(
    call_tool: CallTool, save: Save, server: StandIn
) -> None:
    item = {"title": "t" * 9_000, "url": web_search.PAGE, "content": "c" * 90_000}
    server.answer = lambda asked: Says.json({"results": [item]})
    await save("TAVILY_API_KEY", web_search.TAVILY_KEY)
    output = await call_tool("web_search", query="q")
    assert len(str(output)) < 3_000
