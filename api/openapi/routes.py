"""Where the description is read."""

from __future__ import annotations

from typing import Any

from api.access import PUBLIC
from api.call import Reply
from api.endpoint import endpoint
from api.openapi.document import document_bytes


@endpoint("GET", "/api/openapi.json", access=PUBLIC, answers={200: dict[str, Any]})
async def get_openapi() -> Reply:
    """Describe every route of this API, in OpenAPI 3.1."""
    return Reply(content=document_bytes(), headers={"Content-Type": "application/json"})
