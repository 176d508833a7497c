"""Secrets of a workspace: written, named, used by workflows and tools, never shown again.

Writing takes the role write: whoever writes workflows can use every secret in them anyway.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import StringConstraints

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.paging import Page, PageQuery, cursor_of
from api.wire import Wire
from core.errors import NotFound, ValidationFailed

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")  # what {{NAME}} can spell
MAX_CHARS: Final = 8_192  # a key of any kind fits, and each output is searched for it


class NewSecret(Wire):
    value: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CHARS)
    ]


class SecretAnswer(Wire):
    """A secret without its value."""

    name: str
    created_at: datetime
    updated_at: datetime


@endpoint("GET", "/api/workspaces/<workspace_id>/secrets", access=READ)
async def list_secrets(call: Call, query: PageQuery) -> Page[SecretAnswer]:
    """List the names of the secrets; their values are never shown."""
    page = await call.unit.secrets.page(query.position(), query.limit)
    data = [SecretAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint(
    "PUT",
    "/api/workspaces/<workspace_id>/secrets/<name>",
    access=WRITE,
    status=204,
    recent_login=True,
)
async def put_secret(call: Call, name: str, body: NewSecret) -> None:
    """Save a secret, sealed at rest, over an earlier one of the name."""
    if not _NAME.fullmatch(name):
        raise ValidationFailed(
            "Name a secret with letters, digits and underscores, such as SLACK_BOT_TOKEN."
        )
    await call.unit.secrets.put(name, call.services.sealer.seal(body.value))
    call.audit("secret.saved", name)


@endpoint(
    "DELETE",
    "/api/workspaces/<workspace_id>/secrets/<name>",
    access=WRITE,
    status=204,
    recent_login=True,
)
async def delete_secret(call: Call, name: str) -> None:
    """Delete a secret; workflows and tools that name it fail from now on."""
    if not await call.unit.secrets.delete(name):
        raise NotFound(f"There is no secret {name[:100]} in this workspace.")
    call.audit("secret.deleted", name)
