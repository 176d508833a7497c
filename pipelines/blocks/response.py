"""``response``: what a caller who waits for the run is answered."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, JsonValue
from typing_extensions import override

from pipelines.blocks.base import BlockKind, BlockSettings, Context, Output

# A workflow's author may not set cookies on the service's origin or have a browser run what a
# workflow answers, so headers are listed instead of forbidden one by one.
_NAMES = {"cache-control", "content-language", "content-type", "etag", "link", "retry-after"}
_OURS = re.compile(r"x-(execution-id|request-id|ratelimit-.*|accel-.*|frame-.*|content-type-.*)")
_CUSTOM = re.compile(r"x-[a-z0-9-]{1,100}")
_CONTENT_TYPES = {"application/json", "text/plain", "text/csv", "application/x-ndjson"}
_VALUE = re.compile(r"[\x20-\x7e]{0,2000}")


def _safe_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        lower = name.lower()
        is_named = lower in _NAMES or (_CUSTOM.fullmatch(lower) and not _OURS.fullmatch(lower))
        if not is_named or not _VALUE.fullmatch(value):
            raise ValueError(f"the header {name} cannot be set; use {sorted(_NAMES)} or X-…")
        if lower == "content-type" and value.split(";")[0].strip() not in _CONTENT_TYPES:
            raise ValueError(f"the content type must be one of {sorted(_CONTENT_TYPES)}")
    return headers


class ResponseSettings(BlockSettings):
    status: int = Field(200, ge=200, le=599)
    headers: Annotated[dict[str, str], AfterValidator(_safe_headers)] = Field(default_factory=dict)
    data: JsonValue = None


class Response(BlockKind[ResponseSettings]):
    type_name = "response"
    title = "Response"
    description = "Sets the status, headers and body that a caller who waits is answered."
    outputs: ClassVar = {"data": "any", "status": "number", "headers": "object"}
    settings = ResponseSettings

    @override
    async def run(self, context: Context, settings: ResponseSettings) -> Output:
        headers: dict[str, JsonValue] = dict(settings.headers)
        return {"data": settings.data, "status": settings.status, "headers": headers}
