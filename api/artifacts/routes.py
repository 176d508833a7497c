"""Artifacts of a workspace, and whoever has a token."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from api import access
from api.access import PUBLIC, READ, WRITE
from api.artifacts.headers import MEDIA_TYPES, POLICY, disposition
from api.artifacts.schemas import ArtifactAnswer, ArtifactQuery, NewArtifact, NewArtifactAnswer
from api.call import Call, Reply
from api.endpoint import Media, endpoint
from api.errors import found
from api.identity import identify
from api.paging import Page, cursor_of
from api.serve import credentials_of
from core.errors import Forbidden, NotFound, Unauthorized, ValidationFailed
from core.security import hash_token
from core.store.artifacts import Artifact
from core.store.base import now
from pipelines.artifacts import KINDS, LARGEST, ArtifactContent, decoded, keep

# JSON as whatever it holds, the rest by its media type.
_SHOWN: Final = (Any, *(Media(kind) for kind in MEDIA_TYPES if kind != "application/json"))


@endpoint("POST", "/api/artifacts", access=WRITE, status=201)
async def create_artifact(call: Call, body: NewArtifact) -> NewArtifactAnswer:
    """Keep content to be shown under a new token; only the token's hash is stored."""
    if body.expires_at is not None and body.expires_at <= now():
        raise ValidationFailed("expiresAt must be in the future.")
    new = ArtifactContent(
        body.type, body.title, await _data(call, body), body.visibility, body.expires_at
    )
    kept = await keep(call.services, call.workspace_id, replace(new, created_by=call.user_id))
    answer = ArtifactAnswer.model_validate(kept.row)
    return NewArtifactAnswer(**answer.model_dump(), token=kept.token, url=kept.url)


@endpoint("GET", "/api/artifacts", access=READ)
async def list_artifacts(call: Call, query: ArtifactQuery) -> Page[ArtifactAnswer]:
    """List the artifacts, newest first; their tokens are never shown again."""
    page = await call.unit.artifacts.page(query.request(), query.search)
    return Page(
        data=[ArtifactAnswer.model_validate(row) for row in page.rows],
        next_cursor=cursor_of(page.next),
    )


@endpoint(
    "GET",
    "/api/artifacts/<artifact>",
    access=PUBLIC,
    answers={200: _SHOWN},
    errors=(Unauthorized, Forbidden),
    gives={200: ("Cache-Control", "Content-Disposition")},
)
async def show_artifact(call: Call, artifact: str) -> Reply:
    """Show an artifact by its token, in a sandbox where nothing of it can act.

    One that is meant for its workspace takes a member's credentials as well.
    """
    async with call.services.store.system() as system:
        row = await system.artifact_tokens.by_hash(hash_token(artifact))
    if row is None:
        raise NotFound("There is no such artifact: it expired, was revoked, or never was.")
    if row.visibility != "public":
        await _check_member(call, row)
    headers = {
        "Content-Type": KINDS[row.type].content_type,
        "Content-Length": str(row.size),
        "Content-Disposition": disposition(row.title, row.type),
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }
    return Reply(headers=headers, stream=call.services.blobs.read(row.blob_key))


@endpoint("DELETE", "/api/artifacts/<artifact>", access=WRITE, status=204)
async def revoke_artifact(call: Call, artifact: str) -> None:
    """Delete an artifact by its id; its token opens nothing from the moment this is answered."""
    row = found(await call.unit.artifacts.get(artifact), "artifact")
    await call.unit.artifacts.delete(row)
    key, blobs = row.blob_key, call.services.blobs
    call.unit.after_commit(lambda: blobs.delete(key))


async def _data(call: Call, body: NewArtifact) -> bytes:
    if body.content is not None:
        return decoded(body.type, body.content)
    async with call.services.store.unit(call.workspace_id) as unit:
        file = found(await unit.files.get(body.file_id or ""), "file")
    pieces = call.services.blobs.read(file.blob_key, 0, min(file.size, LARGEST + 1))
    return b"".join([piece async for piece in pieces])


async def _check_member(call: Call, artifact: Artifact) -> None:
    """Raise unless the caller is signed in, in whichever way, and may read in the workspace."""
    async with call.services.store.system() as system:
        who = await identify(system, credentials_of(call.request), call.services.settings)
        caller = await access.seated(system, who, artifact.workspace_id)
    access.authorize(caller, READ, "artifacts")
