"""Web search through SearXNG, Brave, Tavily or Serper.

A workspace's own secret comes before the provider that the operator set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field, JsonValue

from core.config import Settings
from core.http import Outgoing
from pipelines.tools.base import Output, Params, Reach, Tool
from pipelines.tools.search_providers import (
    PROVIDERS,
    Credential,
    SearchProvider,
    SearchResult,
    TimeRange,
)
from pipelines.tools.upstream import refused

MAX_QUERY_CHARS: Final = 400  # Brave's limit
MAX_RESULTS: Final = 20
_MAX_ANSWER_BYTES: Final = 4 * 1024**2
_MAX_TITLE_CHARS: Final = 300
_MAX_URL_CHARS: Final = 2_000
_MAX_SNIPPET_CHARS: Final = 2_000


class WebSearch(Params):
    query: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARS)]
    max_results: Annotated[int, Field(ge=1, le=MAX_RESULTS)] = 5
    time_range: Annotated[
        TimeRange | None, Field(description="Only pages of the last day, week, month or year.")
    ] = None


async def search_web(reach: Reach, params: WebSearch) -> Output:
    """Search the public web and return titles, addresses and snippets of the pages found."""
    provider, credential = _choose_provider(reach)
    request = provider.build_request(
        credential, params.query, params.max_results, params.time_range
    )
    answer = await reach.services.http.request(
        Outgoing(
            request.method,
            request.url,
            request.headers,
            request.body,
            max_bytes=_MAX_ANSWER_BYTES,
            redirects=0,
            trusting=request.url if credential.is_trusted else None,
        )
    )
    if answer.status != 200:
        message, reason = provider.read_error(answer)
        raise refused(provider.title, answer, message, reason)
    results = provider.read_results(answer)
    return {
        "provider": provider.name,
        "query": params.query,
        "results": _render_results(results, params.max_results),
    }


def _choose_provider(reach: Reach) -> tuple[SearchProvider, Credential]:
    settings = reach.services.settings
    for provider in PROVIDERS.values():
        if (value := reach.credentials.get(provider.secret_name)) is not None:
            return provider, provider.read_secret(settings, value)
    provider = PROVIDERS[str(settings.web_search_provider)]
    return provider, provider.read_settings(settings)


def _render_results(results: Iterable[SearchResult], limit: int) -> list[JsonValue]:
    """Return results of pages on the web, each once, their texts cut to a size."""
    rendered: dict[str, JsonValue] = {}
    for result in results:
        is_page = result.url.startswith(("https://", "http://"))
        if not is_page or len(result.url) > _MAX_URL_CHARS or result.url in rendered:
            continue
        item: dict[str, JsonValue] = {
            "title": result.title[:_MAX_TITLE_CHARS],
            "url": result.url,
            "snippet": result.snippet[:_MAX_SNIPPET_CHARS],
        }
        if result.published_at:
            item["publishedAt"] = result.published_at[:100]
        rendered[result.url] = item
    return list(rendered.values())[:limit]


def _has_operator_provider(settings: Settings) -> bool:
    name = settings.web_search_provider
    return name is not None and PROVIDERS[name].is_set_up(settings)


WEB_SEARCH: Final = Tool(
    "web_search",
    "web",
    search_web,
    tuple((provider.secret_name,) for provider in PROVIDERS.values()),
    read_only=True,
    requires_approval=True,  # the query leaves this service
    has_operator_credentials=_has_operator_provider,
)
