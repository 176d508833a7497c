"""Stand-ins at the doors that blocks go out by, so that a shape's end is always the same."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import httpx
from pydantic import JsonValue

from core.errors import UpstreamError
from core.http import Answer, Outgoing
from core.models.messages import ChatDelta, ChatRequest, Finished, TextDelta
from core.sandbox.outcome import SandboxFile, SandboxResult

TOKENS: Final = {"input": 10, "output": 5, "total": 15}
SPENT: Final = {"model": "stub", "tokens": TOKENS, "cost": 0.25}


class Http:
    """Answers with what it was asked; what is ``down`` breaks."""

    async def request(self, call: Outgoing) -> Answer:
        url = httpx.URL(call.url)
        if url.host.startswith("down"):
            raise UpstreamError(f"{url.host} is down.")
        body = json.dumps({"method": call.method, "path": url.path}).encode()
        headers = httpx.Headers({"content-type": "application/json"})
        return Answer(200, headers, body, call.url)


class Sandbox:
    """Gives back what a program would have been given."""

    async def run(
        self,
        code: str,
        language: str,
        variables: dict[str, JsonValue],
        timeout_ms: int,
        workspace_id: str,
        files: Sequence[SandboxFile],
    ) -> SandboxResult:
        return SandboxResult(variables, "", 0, tuple(files))


async def _stream(request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
    form: Any = request.response_format
    if form is None:
        yield TextDelta(f"said: {request.messages[-1]['content']}")
    else:
        fields = form["json_schema"]["schema"]["properties"]
        yield TextDelta(json.dumps({name: _example(kind) for name, kind in fields.items()}))
    yield Finished("stub", "stop", TOKENS["input"], TOKENS["output"], 0.25)


def _example(kind: dict[str, Any]) -> JsonValue:
    if "enum" in kind:
        first: JsonValue = kind["enum"][0]
        return first
    if kind["type"] == "number":
        return int(kind.get("maximum", 1))
    return True if kind["type"] == "boolean" else "because"


async def _search(store: Any, workspace_id: str, base_ids: Any, query: Any) -> Any:
    hit = SimpleNamespace(to_json=lambda: {"content": f"found: {query.text}"})
    return SimpleNamespace(results=[hit])


async def _call(
    services: Any, workspace_id: str, name: str, params: dict[str, JsonValue], key: str
) -> dict[str, JsonValue]:
    return {"called": name, **params}


@contextmanager
def stand_ins() -> Iterator[None]:
    """Put the stand-ins for models, search and tools at their doors."""
    with ExitStack() as stack:
        for name, stand_in in (
            ("core.models.chat.stream", _stream),
            ("pipelines.search.widening.search", _search),
            ("pipelines.tools.call", _call),
        ):
            stack.enter_context(patch(name, stand_in))
        yield
