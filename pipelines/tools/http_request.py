"""Any HTTP call, through the guarded client."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from core.http import Outgoing, json_body
from core.http.url import read_url
from pipelines.tools.base import Output, Params, Reach, Tool


class HttpRequest(Params):
    url: Annotated[str, Field(min_length=1, description="A public https:// or http:// URL.")]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    headers: Annotated[dict[str, str], Field(max_length=100)] = Field(default_factory=dict)
    query: Annotated[
        dict[str, str | int | float | bool],
        Field(max_length=200, description="Query fields to add to the URL."),
    ] = Field(default_factory=dict)
    body: Annotated[
        JsonValue, Field(description="A text is sent as it is, anything else as JSON.")
    ] = None
    timeout_ms: Annotated[int, Field(ge=100, le=300_000)] = 30_000


async def call(reach: Reach, params: HttpRequest) -> Output:
    """Call a URL of the public internet and return status, headers and data, whatever the status.

    Data is JSON where the answer is JSON, else its text, else the bytes in base64.
    """
    url = read_url(params.url)
    if params.query:
        fields = {
            name: json.dumps(value) if isinstance(value, bool) else value
            for name, value in params.query.items()
        }
        url = url.copy_merge_params(fields)
    headers = {**reach.headers(), **params.headers}
    body = b""
    if params.body is not None:
        is_text = isinstance(params.body, str)
        body = str(params.body).encode() if is_text else json_body(params.body)
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "text/plain; charset=utf-8" if is_text else "application/json"
    answer = await reach.services.http.request(
        Outgoing(params.method, str(url), headers, body, seconds=params.timeout_ms / 1000)
    )
    seen: dict[str, JsonValue] = dict(answer.headers.items())
    return {"status": answer.status, "headers": seen, "data": answer.data()}


HTTP_REQUEST: Final = Tool("http_request", "web", call)
