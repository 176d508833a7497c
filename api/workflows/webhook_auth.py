"""Whether a webhook is let in. What is not set up is shut."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from api.access import WRITE, authorize, seated
from api.call import Call
from api.identity import identify
from api.reading import Spooled
from api.serve import credentials_of
from core import webhook_signing
from core.errors import Forbidden, Unauthorized
from core.services import Services
from core.store.webhooks import Target, Webhook

SIGNED: Final = ("hmac", "slack")


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
        _require_token(call, await read_secrets(call.services, webhook))
    if webhook.auth in SIGNED and call.request.method == "GET":
        raise Unauthorized("A signature covers the body and a GET has none; POST instead.")


async def verify_signature(call: Call, target: Target, body: Spooled) -> str | None:
    """Return the sender's id of the delivery where a signature covers it.

    Raises ``Unauthorized`` where the webhook asks for a signature and the body has none that fits.
    """
    webhook = target.webhook
    if webhook is None or webhook.auth not in SIGNED:
        return None
    verify = webhook_signing.verify_slack if webhook.auth == "slack" else webhook_signing.verify
    secrets = await read_secrets(call.services, webhook)
    headers = dict(call.request.headers.items())
    return await asyncio.to_thread(verify, headers, body, secrets)


async def read_secrets(services: Services, webhook: Webhook) -> list[str]:
    """Return a webhook's own secrets and the workspace's that it names; none where none are set."""
    sealer = services.sealer
    secrets: list[str] = (
        json.loads(sealer.open(webhook.sealed_secrets)) if webhook.sealed_secrets else []
    )
    if webhook.secret_name is not None:
        async with services.store.unit(webhook.workspace_id) as unit:
            sealed = (await unit.secrets.all_sealed()).get(webhook.secret_name)
        secrets += [sealer.open(sealed)] if sealed else []
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
