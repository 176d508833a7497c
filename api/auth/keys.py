"""API keys of the signed-in user, in the workspace of the request."""

from __future__ import annotations

from typing import Literal

from api.access import READ
from api.auth.accounts import make_key
from api.auth.schemas import CreatedKey, KeyAnswer, NewKey
from api.call import Call
from api.endpoint import endpoint
from api.paging import Page, PageQuery, cursor_of
from core.errors import NotFound


@endpoint("GET", "/api/auth/api-keys", access=READ.session_only())
async def list_keys(
    call: Call, query: PageQuery[Literal["createdAt", "name", "lastUsedAt", "expiresAt"]]
) -> Page[KeyAnswer]:
    """List the caller's API keys in this workspace; the keys themselves are never shown again."""
    page = await call.unit.api_keys.page(call.user_id, query.request())
    return Page(
        data=[KeyAnswer.model_validate(row) for row in page.rows], next_cursor=cursor_of(page.next)
    )


@endpoint("POST", "/api/auth/api-keys", access=READ, status=201, recent_login=True)
async def create_key(call: Call, body: NewKey) -> CreatedKey:
    """Make a key; it can do what its scopes and its owner's role both allow."""
    row, secret = make_key(call.unit, call.user_id, body.name, body.scopes, body.expires_at)
    await call.unit.flush()
    call.audit("key.created", row.id, name=row.name, scopes=[*row.scopes])
    known = KeyAnswer.model_validate(row)
    return CreatedKey(key=secret, **known.model_dump())


@endpoint("DELETE", "/api/auth/api-keys/<key_id>", access=READ, status=204, recent_login=True)
async def delete_key(call: Call, key_id: str) -> None:
    """Revoke a key; it is worth nothing from now on."""
    if not await call.unit.api_keys.delete(key_id, call.user_id):
        raise NotFound("You have no such API key in this workspace.")
    call.audit("key.deleted", key_id)
