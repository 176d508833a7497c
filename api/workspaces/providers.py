"""Keys of a workspace with model providers: its calls to their models are made with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from api.access import ADMIN, READ
from api.call import Call
from api.endpoint import endpoint
from api.paging import Page, PageQuery, cursor_of
from api.wire import Wire
from core.errors import NotFound, ValidationFailed
from core.models.hosted import PROVIDERS

ApiKeyText = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[\x21-\x7e]+$", max_length=1000)
]


class NewProvider(Wire):
    api_key: ApiKeyText


class ProviderAnswer(Wire):
    """A provider without its key."""

    name: str
    created_at: datetime
    updated_at: datetime


@endpoint("GET", "/api/workspaces/<workspace_id>/model-providers", access=READ)
async def list_providers(
    call: Call, query: PageQuery[Literal["name", "createdAt", "updatedAt"]]
) -> Page[ProviderAnswer]:
    """List the providers that the workspace has a key of; the keys are never shown."""
    page = await call.unit.model_providers.page(query.request())
    data = [ProviderAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint(
    "PUT",
    "/api/workspaces/<workspace_id>/model-providers/<provider>",
    access=ADMIN,
    recent_login=True,
)
async def put_provider(call: Call, provider: str, body: NewProvider) -> ProviderAnswer:
    """Save a key, sealed at rest, over an earlier one; ``provider`` is what models begin with."""
    if provider not in PROVIDERS:
        raise ValidationFailed(f"Choose one of these providers: {', '.join(sorted(PROVIDERS))}.")
    sealed = call.services.sealer.seal(body.api_key)
    row = await call.unit.model_providers.put(provider, sealed)
    call.audit("model_provider.saved", provider)
    return ProviderAnswer.model_validate(row)


@endpoint(
    "DELETE",
    "/api/workspaces/<workspace_id>/model-providers/<provider>",
    access=ADMIN,
    status=204,
    recent_login=True,
)
async def delete_provider(call: Call, provider: str) -> None:
    """Delete a key; models of the provider are asked with the operator's, if there is one."""
    if not await call.unit.model_providers.delete(provider):
        raise NotFound("The workspace has no key of this provider.")
    call.audit("model_provider.deleted", provider)
