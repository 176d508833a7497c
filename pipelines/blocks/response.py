"""``response``: what a caller who waits for the run is answered."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from haystack import component
from pydantic import AfterValidator, Field, JsonValue
from typing_extensions import override

from pipelines.blocks.base import BlockSettings, Context, Output
from pipelines.blocks.component import BlockComponent

# Servers, proxies and browsers act on many X- headers (X-Accel-Redirect, X-Sendfile, X-Reproxy-URL,
# X-Frame-Options), so a workflow sets only listed names and those of a prefix that nobody acts on.
ALLOWED_HEADERS = frozenset(
    {"cache-control", "content-language", "content-type", "etag", "link", "retry-after"}
)
_CUSTOM = re.compile(r"x-workflow-[a-z0-9-]{1,100}")
_CONTENT_TYPES = {"application/json", "text/plain", "text/csv", "application/x-ndjson"}
_VALUE = re.compile(r"[\x20-\x7e]{0,2000}")


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        lower = name.lower()
        is_allowed = lower in ALLOWED_HEADERS or _CUSTOM.fullmatch(lower) is not None
        if not is_allowed or not _VALUE.fullmatch(value):
            allowed = ", ".join(sorted(ALLOWED_HEADERS))
            raise ValueError(f"header {name} is not allowed; use {allowed} or X-Workflow-…")
        if lower == "content-type" and value.split(";")[0].strip() not in _CONTENT_TYPES:
            raise ValueError(f"content type must be one of {', '.join(sorted(_CONTENT_TYPES))}")
    return headers


class ResponseSettings(BlockSettings):
    status: int = Field(200, ge=200, le=599)
    headers: Annotated[dict[str, str], AfterValidator(_check_headers)] = Field(default_factory=dict)
    data: JsonValue = None


@component
class Response(BlockComponent[ResponseSettings]):
    type_name = "response"
    title = "Response"
    description = "Sets the status, headers and body that a caller who waits is answered."
    outputs: ClassVar = {"data": "any", "status": "number", "headers": "object"}
    settings = ResponseSettings

    @override
    async def execute(self, context: Context, settings: ResponseSettings) -> Output:
        headers: dict[str, JsonValue] = dict(settings.headers)
        return {"data": settings.data, "status": settings.status, "headers": headers}
