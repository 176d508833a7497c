"""``api``: one HTTP call, through the guarded client."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from haystack import component
from pydantic import BeforeValidator, Field, JsonValue
from typing_extensions import override

from pipelines.blocks.base import BlockSettings, Context, Output, Text
from pipelines.blocks.component import BlockComponent
from pipelines.references import as_text
from pipelines.tools.base import Reach
from pipelines.tools.http_request import HTTP_REQUEST

MAX_TIMEOUT_MS = 300_000


def _pairs(given: Any) -> Any:
    """Read the rows that editors keep (``{"cells": {"Key", "Value"}}``) as an object."""
    if not isinstance(given, list):
        return given
    rows = [row.get("cells", row) for row in given if isinstance(row, dict)]
    named = [(row.get("Key", row.get("key")), row.get("Value", row.get("value"))) for row in rows]
    return {str(name): value for name, value in named if name}


Pairs = Annotated[dict[str, Annotated[str, BeforeValidator(as_text)]], BeforeValidator(_pairs)]
"""Names and texts: an object, or the rows of a table."""


class ApiSettings(BlockSettings):
    url: Text = Field(min_length=1, description="A public https:// or http:// URL.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    params: Pairs = Field(default_factory=dict, description="Query fields to add to the URL.")
    headers: Pairs = Field(default_factory=dict)
    body: JsonValue = Field(None, description="A text is sent as it is, anything else as JSON.")
    timeout_ms: int = Field(30_000, ge=100, le=MAX_TIMEOUT_MS)


@component
class Api(BlockComponent[ApiSettings]):
    """An answer of any status is a success of the block: a condition tells them apart."""

    type_name = "api"
    title = "API"
    description = "Calls a URL of the public internet; gives the answer, whatever its status."
    outputs: ClassVar = {"data": "any", "status": "number", "headers": "object"}
    settings = ApiSettings

    @override
    async def execute(self, context: Context, settings: ApiSettings) -> Output:
        params = settings.model_dump(by_alias=True)
        query = params.pop("params")
        request = HTTP_REQUEST.fit({**params, "query": query})
        reach = Reach(context.services, context.workspace_id, {}, context.idempotency_key)
        return await HTTP_REQUEST.run(reach, request)
