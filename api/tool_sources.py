"""Where a workspace's tools of others come from: MCP servers and OpenAPI documents, over HTTP."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from api.access import ADMIN, READ
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Flag, Wire
from core.errors import Conflict, UpstreamError, ValidationFailed
from core.http.url import LONGEST_URL, is_same_origin
from core.ids import new_id
from core.store.base import now
from core.store.tool_sources import MOST_SOURCES, ToolSource
from pipelines.tools.remote.document import LARGEST
from pipelines.tools.remote.listed import Listing
from pipelines.tools.remote.sources import headers_of, list_tools

SourceName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$", max_length=30)
]
Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=100)]
HeaderText = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]+$", max_length=8000)]
Headers = Annotated[dict[HeaderName, HeaderText], Field(max_length=20)]
MASKED = "••••"


class NewSource(Wire):
    """A tool is called ``name__tool``. ``url`` is an MCP server's (streamable HTTP), or an OpenAPI
    document's; ``document`` gives that itself, as JSON or YAML.

    ``serverUrl`` is where an OpenAPI document's operations are called, now and later; without it
    the first server that it names. ``headers`` are sent with each call, sealed, never shown again.
    ``trustReadOnly``: calls of what the source says is read-only need no approval.
    """

    name: SourceName
    kind: Literal["mcp", "openapi"]
    url: Url | None = None
    document: Annotated[str, StringConstraints(max_length=LARGEST)] | None = None
    server_url: Url | None = None
    headers: Headers = Field(default={})
    trust_read_only: Flag = False


class SourcePatch(Wire):
    """``headers`` replace all that there were."""

    headers: Headers = Field(default={})
    trust_read_only: Flag = False


class SourceTool(Wire):
    """``readOnly`` is what the source says of it."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    read_only: bool
    requires_approval: bool


class SourceAnswer(Wire):
    """``url`` is where calls go; values of ``headers`` are masked; ``leftOut`` says what could be
    no tool."""

    id: str
    name: str
    kind: Literal["mcp", "openapi"]
    url: str
    document_url: str | None
    headers: dict[str, str]
    trust_read_only: bool
    tools: list[SourceTool]
    left_out: list[str]
    refreshed_at: datetime
    created_at: datetime
    updated_at: datetime


@endpoint("GET", "/api/tools/sources", access=READ)
async def list_tool_sources(
    call: Call, query: PageQuery[Literal["createdAt", "updatedAt", "name", "refreshedAt"]]
) -> Page[SourceAnswer]:
    """List the workspace's sources of tools, newest first."""
    page = await call.unit.tool_sources.page(query.request())
    return Page(data=[_answer(call, row) for row in page.rows], next_cursor=cursor_of(page.next))


@endpoint("POST", "/api/tools/sources", access=ADMIN, status=201, errors=(UpstreamError,))
async def create_tool_source(call: Call, body: NewSource) -> SourceAnswer:
    """Register a source of tools: it is asked what it has, and that is kept until refreshed."""
    async with call.services.store.unit(call.workspace_id) as unit:
        _require_room([source.name for source in await unit.tool_sources.every()], body.name)
    asked, server = _where(call, body)
    headers = body.headers if server is None or is_same_origin(asked, server) else {}
    listing = await list_tools(
        call.services, body.kind, body.name, asked or "", headers, body.document
    )
    row = ToolSource(
        id=new_id("src"),
        name=body.name,
        kind=body.kind,
        url=server or call.services.http.checked(_said(body, asked, listing)),
        document_url=asked if body.kind == "openapi" else None,
        sealed_headers=_sealed(call, body.headers),
        trust_read_only=body.trust_read_only,
        created_by=call.user_id,
    )
    _keep(row, listing)
    call.unit.tool_sources.add(row)
    await call.unit.flush()
    call.audit("tool_source.created", row.id, name=row.name, kind=row.kind, url=row.url)
    return _answer(call, row)


@endpoint("GET", "/api/tools/sources/<source_id>", access=READ)
async def get_tool_source(call: Call, source_id: str) -> SourceAnswer:
    """Return a source of tools."""
    return _answer(call, found(await call.unit.tool_sources.get(source_id), "source of tools"))


@endpoint("PATCH", "/api/tools/sources/<source_id>", access=ADMIN)
async def update_tool_source(call: Call, source_id: str, body: SourcePatch) -> SourceAnswer:
    """Change the headers, or whether the source is trusted to say what is read-only."""
    row = found(await call.unit.tool_sources.get(source_id), "source of tools")
    changed = body.changes()
    if "headers" in changed:
        row.sealed_headers = _sealed(call, body.headers)
    if "trust_read_only" in changed:
        row.trust_read_only = body.trust_read_only
    await call.unit.flush()
    await call.unit.tool_sources.refresh(row)
    call.audit("tool_source.changed", row.id, name=row.name, fields=", ".join(sorted(changed)))
    return _answer(call, row)


@endpoint(
    "POST", "/api/tools/sources/<source_id>/refresh", access=ADMIN, errors=(UpstreamError, Conflict)
)
async def refresh_tool_source(call: Call, source_id: str) -> SourceAnswer:
    """Ask a source anew what it has; where its calls go stays as it was registered."""
    async with call.services.store.unit(call.workspace_id) as unit:
        known = found(await unit.tool_sources.get(source_id), "source of tools")
        asked = known.url if known.kind == "mcp" else known.document_url
        headers = headers_of(call.services, known.sealed_headers)
        headers = headers if is_same_origin(asked, known.url) else {}
    if asked is None:
        raise Conflict("Its document was sent, not read from a URL: delete it and send it anew.")
    listing = await list_tools(call.services, known.kind, known.name, asked, headers)
    row = found(await call.unit.tool_sources.get(source_id), "source of tools")
    _keep(row, listing)
    await call.unit.flush()
    await call.unit.tool_sources.refresh(row)
    call.audit("tool_source.refreshed", row.id, name=row.name, tools=len(row.tools))
    return _answer(call, row)


@endpoint("DELETE", "/api/tools/sources/<source_id>", access=ADMIN, status=204)
async def delete_tool_source(call: Call, source_id: str) -> None:
    """Delete a source; its tools are gone at once."""
    row = found(await call.unit.tool_sources.get(source_id), "source of tools")
    await call.unit.tool_sources.delete(row)
    call.audit("tool_source.deleted", source_id, name=row.name)


def _require_room(names: list[str], name: str) -> None:
    if name in names:
        raise Conflict(f"There is a source {name} already; delete it, or choose another name.")
    if len(names) >= MOST_SOURCES:
        raise Conflict(f"A workspace has at most {MOST_SOURCES} sources of tools; delete one.")


def _where(call: Call, body: NewSource) -> tuple[str | None, str | None]:
    """Return the URL to ask, None for a document that was sent, and the one that calls go to, None
    where the document says it; raises for what does not fit."""
    if body.kind == "mcp" and (body.document is not None or body.server_url is not None):
        raise ValidationFailed.at(
            "document", "An MCP server has no document and no serverUrl; send its url."
        )
    if (body.url is None) == (body.document is None):
        raise ValidationFailed.at("url", "Send either a url or, for openapi, a document.")
    asked = body.url and call.services.http.checked(body.url)
    server = body.server_url and call.services.http.checked(body.server_url)
    return asked, asked if body.kind == "mcp" else server


def _said(body: NewSource, asked: str | None, listing: Listing) -> str:
    """Return the server that a document names, unless it could be one that is not meant to have
    the headers: who writes a document must not say where they go."""
    if listing.url is None:
        raise ValidationFailed.at("serverUrl", "The document names no server: give serverUrl.")
    if body.headers and not is_same_origin(asked, listing.url):
        raise ValidationFailed.at(
            "serverUrl",
            f"The document has calls go to {listing.url[:200]}, elsewhere than it is from: give "
            "that as serverUrl if the headers are meant for it.",
        )
    return listing.url


def _sealed(call: Call, headers: dict[str, str]) -> str | None:
    return call.services.sealer.seal(json.dumps(headers)) if headers else None


def _keep(row: ToolSource, listing: Listing) -> None:
    row.tools = [tool.wire() for tool in listing.tools]
    row.left_out = [text[:500] for text in listing.left_out[:200]]
    row.refreshed_at = now()


def _answer(call: Call, row: ToolSource) -> SourceAnswer:
    return SourceAnswer(
        id=row.id,
        name=row.name,
        kind=row.kind,
        url=row.url,
        document_url=row.document_url,
        headers=dict.fromkeys(headers_of(call.services, row.sealed_headers), MASKED),
        trust_read_only=row.trust_read_only,
        tools=[
            SourceTool(
                name=tool["name"],
                description=tool["description"],
                parameters=tool["parameters"],
                read_only=tool["read_only"],
                requires_approval=not (row.trust_read_only and tool["read_only"]),
            )
            for tool in row.tools
        ],
        left_out=row.left_out,
        refreshed_at=row.refreshed_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
