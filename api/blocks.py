"""The kinds of blocks that a workflow is made of."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.access import SIGNED_IN
from api.endpoint import endpoint
from api.paging import Page, WholeQuery, part_of
from api.wire import Wire
from pipelines.blocks import schemas


class BlockType(Wire):
    """``settings`` is a JSON Schema of the sub-blocks; ``openOutputs``: there may be others."""

    type: str
    name: str
    description: str
    settings: dict[str, Any]
    outputs: dict[str, str] = Field(description="Type of each output.")
    open_outputs: bool


@endpoint("GET", "/api/blocks", access=SIGNED_IN)
async def list_blocks(query: WholeQuery[Literal["type", "name"]]) -> Page[BlockType]:
    """List the types of blocks with the schemas of their settings."""
    kinds, cursor = part_of(schemas(), query)
    return Page(data=[BlockType.model_validate(kind) for kind in kinds], next_cursor=cursor)
