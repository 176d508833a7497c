"""Search services of the web, each by its own wire format.

litellm can ask the same services, but takes no HTTP client, so that its calls could not be guarded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, Protocol, TypeAlias
from urllib.parse import urlencode

from pydantic import BaseModel, Field, JsonValue

from core.config import Settings
from core.http import Answer, json_body
from pipelines.tools.upstream import said_in, understood

TimeRange: TypeAlias = Literal["day", "week", "month", "year"]


@dataclass(frozen=True)
class Credential:
    """Where a provider is and what it is signed in with.

    ``is_trusted`` says that the base URL is the operator's, and may be private.
    """

    base_url: str
    key: str = ""
    is_trusted: bool = True

    def at(self, path: str) -> str:
        return self.base_url.rstrip("/") + path


@dataclass(frozen=True)
class SearchRequest:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class SearchResult:
    title: str
    url: str
    snippet: str
    published_at: str | None = None


class SearchProvider(Protocol):
    """A search service. ``secret_name`` is the workspace secret that chooses it."""

    name: str
    title: str
    secret_name: str

    def is_set_up(self, settings: Settings) -> bool:
        """Whether the operator's settings are enough to call it."""

    def read_settings(self, settings: Settings) -> Credential: ...

    def read_secret(self, settings: Settings, value: str) -> Credential: ...

    def build_request(
        self, credential: Credential, query: str, limit: int, time_range: TimeRange | None
    ) -> SearchRequest: ...

    def read_results(self, answer: Answer) -> list[SearchResult]:
        """Return what a successful answer holds; raises ``UpstreamError`` for any other JSON."""

    def read_error(self, answer: Answer) -> tuple[str, str]:
        """Return the message and the code of a refusal, either may be empty."""


class _KeyedProvider:
    """What providers with a fixed address and an API key have in common."""

    name: str
    secret_name: str

    def is_set_up(self, settings: Settings) -> bool:
        return settings.web_search_api_key is not None

    def read_settings(self, settings: Settings) -> Credential:
        key = settings.web_search_api_key
        return self.read_secret(settings, key.get_secret_value() if key else "")

    def read_secret(self, settings: Settings, value: str) -> Credential:
        return Credential(str(getattr(settings, f"{self.name}_base_url")), value)


class _SearxngItem(BaseModel):
    url: str
    title: str = ""
    content: str | None = None
    published_at: str | None = Field(None, alias="publishedDate")


class _SearxngAnswer(BaseModel):
    results: list[_SearxngItem]


class SearxngProvider:
    """https://docs.searxng.org/dev/search_api.html; needs ``json`` among its ``search.formats``."""

    name = "searxng"
    title = "SearXNG"
    secret_name = "SEARXNG_URL"  # noqa: S105 - the name of a secret

    def is_set_up(self, settings: Settings) -> bool:
        return settings.searxng_url is not None

    def read_settings(self, settings: Settings) -> Credential:
        return Credential(settings.searxng_url or "")

    def read_secret(self, settings: Settings, value: str) -> Credential:  # noqa: ARG002
        return Credential(value, is_trusted=False)

    def build_request(
        self,
        credential: Credential,
        query: str,
        limit: int,  # noqa: ARG002 - its API has none
        time_range: TimeRange | None,
    ) -> SearchRequest:
        fields = {"q": query, "format": "json"}
        if time_range:
            fields["time_range"] = time_range
        return SearchRequest("GET", f"{credential.at('/search')}?{urlencode(fields)}")

    def read_results(self, answer: Answer) -> list[SearchResult]:
        items = understood(self.title, _SearxngAnswer, answer).results
        return [SearchResult(i.title, i.url, i.content or "", i.published_at) for i in items]

    def read_error(self, answer: Answer) -> tuple[str, str]:
        if answer.status == 403:
            return "add json to search.formats in its settings.yml", ""
        return "", ""


class _BraveItem(BaseModel):
    url: str
    title: str = ""
    description: str = ""
    page_age: str | None = None


class _BraveSection(BaseModel):
    results: list[_BraveItem] = Field(default_factory=list)


class _BraveAnswer(BaseModel):
    type: Literal["search"]
    web: _BraveSection = _BraveSection()  # left out where nothing was found


class BraveProvider(_KeyedProvider):
    """https://api-dashboard.search.brave.com/app/documentation/web-search."""

    name = "brave"
    title = "Brave Search"
    secret_name = "BRAVE_SEARCH_API_KEY"  # noqa: S105 - the name of a secret

    def build_request(
        self, credential: Credential, query: str, limit: int, time_range: TimeRange | None
    ) -> SearchRequest:
        fields = {"q": query, "count": str(limit), "text_decorations": "false"}
        if time_range:
            fields["freshness"] = f"p{time_range[0]}"
        return SearchRequest(
            "GET",
            f"{credential.at('/res/v1/web/search')}?{urlencode(fields)}",
            {"Accept": "application/json", "X-Subscription-Token": credential.key},
        )

    def read_results(self, answer: Answer) -> list[SearchResult]:
        items = understood(self.title, _BraveAnswer, answer).web.results
        return [SearchResult(i.title, i.url, i.description, i.page_age) for i in items]

    def read_error(self, answer: Answer) -> tuple[str, str]:
        return said_in(answer, "error", "detail"), said_in(answer, "error", "code")


class _TavilyItem(BaseModel):
    url: str
    title: str = ""
    content: str = ""
    published_date: str | None = None


class _TavilyAnswer(BaseModel):
    results: list[_TavilyItem]


class TavilyProvider(_KeyedProvider):
    """https://docs.tavily.com/documentation/api-reference/endpoint/search."""

    name = "tavily"
    title = "Tavily"
    secret_name = "TAVILY_API_KEY"  # noqa: S105 - the name of a secret

    def build_request(
        self, credential: Credential, query: str, limit: int, time_range: TimeRange | None
    ) -> SearchRequest:
        body: dict[str, JsonValue] = {"query": query, "max_results": limit}
        if time_range:
            body["time_range"] = time_range
        headers = {
            "Authorization": f"Bearer {credential.key}",
            "Content-Type": "application/json",
        }
        return SearchRequest("POST", credential.at("/search"), headers, json_body(body))

    def read_results(self, answer: Answer) -> list[SearchResult]:
        items = understood(self.title, _TavilyAnswer, answer).results
        return [SearchResult(i.title, i.url, i.content, i.published_date) for i in items]

    def read_error(self, answer: Answer) -> tuple[str, str]:
        return said_in(answer, "detail", "error"), ""


class _SerperItem(BaseModel):
    link: str
    title: str = ""
    snippet: str = ""
    date: str | None = None


class _SerperAnswer(BaseModel):
    organic: list[_SerperItem]


class SerperProvider(_KeyedProvider):
    """https://serper.dev/playground: Google's results."""

    name = "serper"
    title = "Serper"
    secret_name = "SERPER_API_KEY"  # noqa: S105 - the name of a secret

    def build_request(
        self, credential: Credential, query: str, limit: int, time_range: TimeRange | None
    ) -> SearchRequest:
        body: dict[str, JsonValue] = {"q": query, "num": limit}
        if time_range:
            body["tbs"] = f"qdr:{time_range[0]}"
        headers = {"X-API-KEY": credential.key, "Content-Type": "application/json"}
        return SearchRequest("POST", credential.at("/search"), headers, json_body(body))

    def read_results(self, answer: Answer) -> list[SearchResult]:
        items = understood(self.title, _SerperAnswer, answer).organic
        return [SearchResult(i.title, i.link, i.snippet, i.date) for i in items]

    def read_error(self, answer: Answer) -> tuple[str, str]:
        return said_in(answer, "message"), ""


_ALL: Final[tuple[SearchProvider, ...]] = (
    SearxngProvider(),
    BraveProvider(),
    TavilyProvider(),
    SerperProvider(),
)
PROVIDERS: Final[Mapping[str, SearchProvider]] = MappingProxyType({p.name: p for p in _ALL})
