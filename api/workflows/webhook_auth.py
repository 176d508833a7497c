"""Whether a webhook is let in. What is not set up is shut."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from api.access import WRITE, authorize, seated
from api.call import Call
from api.identity import identify
from api.reading import Spooled
from api.serve import credentials_of
from core import webhook_signing
from core.errors import Forbidden, Unauthorized
from core.security import Sealer
from core.store.webhooks import Target, Webhook


async def admit(call: Call, target: Target) -> None:
    """Check, before the body is read, all that needs none.

    Raises ``Forbidden`` for an address that is not on the list, else ``Unauthorized`` for whoever
    does not show what the webhook asks for; without a webhook that is a member's credentials.
    """
    webhook = target.webhook
    if webhook is None:
        await _require_member(call, target.workspace.id)
        return
    _require_address(webhook.allowed_addresses, call.request.address)
    if webhook.auth == "bearer":
        _require_token(call, opened(call.services.sealer, webhook))
    if webhook.auth == "hmac" and call.request.method == "GET":
        raise Unauthorized("A signature covers the body and a GET has none; POST instead.")


async def verify_signature(call: Call, target: Target, body: Spooled) -> str | None:
    """Return the sender's id of the delivery where a signature covers it.

    Raises ``Unauthorized`` where the webhook asks for a signature and the body has none that fits.
    """
    if target.webhook is None or target.webhook.auth != "hmac":
        return None
    secrets = opened(call.services.sealer, target.webhook)
    headers = dict(call.request.headers.items())
    return await asyncio.to_thread(webhook_signing.verify, headers, body, secrets)


def opened(sealer: Sealer, webhook: Webhook) -> list[str]:
    """Return a webhook's secrets; none where none are set."""
    secrets: list[str] = (
        json.loads(sealer.open(webhook.sealed_secrets)) if webhook.sealed_secrets else []
    )
    return secrets


async def _require_member(call: Call, workspace_id: str) -> None:
    given = credentials_of(call.request)
    is_get_by_browser = given.is_cookie_only and call.request.method == "GET"
    if is_get_by_browser or (given.is_cookie_only and given.cookie is None):
        raise Unauthorized(
            "This workflow's webhook is not set up: PUT /api/workflows/{id}/webhook says who may "
            "send it. Until then it takes an API key of its workspace."
        )
    async with call.services.store.system() as system:
        who = await identify(system, given, call.services.settings)
        caller = await seated(system, who, workspace_id)
    authorize(caller, WRITE, "webhooks")


def _require_address(allowed: Sequence[str], address: str) -> None:
    if not allowed:
        return
    try:
        sender = ip_address(address)
    except ValueError as error:
        raise Forbidden("The sender's address is unknown, and this webhook has a list.") from error
    mapped = getattr(sender, "ipv4_mapped", None) or sender
    if not any(mapped in ip_network(network) for network in allowed):
        raise Forbidden(f"{address} is not among the addresses that may send this webhook.")


def _require_token(call: Call, secrets: Sequence[str]) -> None:
    given = (credentials_of(call.request).bearer or "").encode()
    fits = [hmac.compare_digest(given, secret.encode()) for secret in secrets if secret]
    if not any(fits):
        raise Unauthorized("Send this webhook's token as Authorization: Bearer <token>.")
