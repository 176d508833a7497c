"""Both clients reach every route of the API, but for those that are listed here with a reason."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any, Final

from nuxa import NuxaClient
from nuxa.requests import Listing, Request, Resource, Stream, listing, method, streaming

from api.app import create_app
from api.endpoint import ENDPOINTS
from core.config import Settings
from tests.api.clients.test_typescript import CLIENT, run_deno

ANY: Final = "x7x"  # stands for whatever is in a path
# Routes that no client has, by the pattern of their names.
LEFT_OUT: Final = {
    r"GET /api-docs.*": "pages for people",
    r"GET /api/openapi\.json": "the description that clients are made from",
    r"GET /(metrics|api/health/.*)": "probes of operators",
    r"GET /api/auth/(login|callback)/<>": "redirects of a browser's sign-in",
    r"(GET|POST) /api/auth/(login|signup|logout|session|reset-password)": "a browser's cookie",
    r"POST /api/mcp": "spoken by MCP clients",
    r"POST /api/v1/(chat/completions|embeddings)": "spoken by OpenAI's clients",
    r"GET /api/v1/models": "spoken by OpenAI's clients",
    r"POST /api/voice/webhook/.*": "sent by telephony providers",
    r"GET /api/knowledge/<>/search": "the search that POST does",
    r"GET /api/webhooks/<>": "the webhook that POST sends",
}


def _routes(settings: Settings) -> set[str]:
    create_app(settings)
    names = {f"{route.method} {re.sub('<[^>]+>', '<>', route.path)}" for route in ENDPOINTS}
    return {name for name in names if not any(re.fullmatch(pattern, name) for pattern in LEFT_OUT)}


def _name(method: str, path: str) -> str:
    return f"{method} {path.replace(ANY, '<>')}"


def _argument(parameter: inspect.Parameter) -> Any:
    hint = str(parameter.annotation)
    for start, value in (("Json", {}), ("Path", Path("x")), ("PathLike", Path("x"))):
        if hint.startswith(start):
            return value
    return [] if hint.startswith("Sequence") else ANY


def _described(resource: Resource[Any]) -> set[str]:
    """Return the requests that a resource's methods describe."""
    names: set[str] = set()
    for member in vars(type(resource)).values():
        if not isinstance(member, method | listing | streaming):
            continue
        parameters = list(inspect.signature(member._describe).parameters.values())[1:]
        needed = [each for each in parameters if each.default is each.empty]
        given = [_argument(each) for each in needed if each.kind is not each.VAR_KEYWORD]
        said = member._describe(resource, *given)
        if isinstance(said, Listing):
            names.add(_name("GET", said.path))
        requests = [said.begin] if isinstance(said, Stream) else [said]
        names |= {_name(each.method, each.path) for each in requests if isinstance(each, Request)}
    return names


def test_python_client_reaches_every_route(settings: Settings) -> None:
    client = NuxaClient("key", base_url="http://localhost")
    resources = [each for each in vars(client).values() if isinstance(each, Resource)]
    reached = set[str]().union(*(_described(each) for each in resources))
    assert "\n".join(sorted(_routes(settings) - reached)) == ""


async def test_typescript_client_reaches_every_route(settings: Settings, tmp_path: Path) -> None:
    told = await run_deno(
        *(
            "run",
            "--no-remote",
            "--no-config",
            "--allow-read",
            str(Path(__file__).with_name("coverage.ts")),
        ),
        *((CLIENT / "src/index.ts").as_uri(), ANY),
        directory=tmp_path,
    )
    reached = {_name(*pair) for pair in json.loads(told.splitlines()[-1])}
    assert "\n".join(sorted(_routes(settings) - reached)) == ""


def test_left_out_routes_exist(settings: Settings) -> None:
    create_app(settings)
    names = [f"{route.method} {re.sub('<[^>]+>', '<>', route.path)}" for route in ENDPOINTS]
    for pattern in LEFT_OUT:
        assert any(re.fullmatch(pattern, name) for name in names), pattern
