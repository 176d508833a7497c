"""Webhooks on the wire."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from api.wire import Wire, left_away


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise ValueError("is no IP address and no CIDR such as 192.0.2.0/24") from error


Network = Annotated[str, AfterValidator(_network)]
# Visible ASCII, for a header carries a token.
WebhookSecret = Annotated[
    str, StringConstraints(min_length=16, max_length=256, pattern=r"^[\x21-\x7e]+$")
]


SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]


class WebhookBody(Wire):
    """Who may send a workflow's webhook; all of it is replaced but for the secrets.

    With ``hmac`` the body is signed with a secret (Standard Webhooks, X-Webhook-Signature or
    X-Hub-Signature-256), with ``bearer`` the secret is sent as a token. With ``slack`` it is the
    request URL of a Slack app's Events API, signed with the app's signing secret, and runs are
    asynchronous. Several secrets count while one replaces another; left away they stay, and with
    none nobody is let in. ``secretName`` names a secret of the workspace that counts beside them.
    """

    auth: Literal["none", "bearer", "hmac", "slack"]
    mode: Literal["sync", "async"] = "sync"
    allowed_addresses: list[Network] = Field(default_factory=list, max_length=100)
    secrets: list[WebhookSecret] = Field(default_factory=list, max_length=5)
    secret_name: SecretName | None = None


class WebhookSettings(Wire):
    """``hasSecret`` is all that is ever told of the secrets."""

    workflow_id: str
    url: str
    auth: str
    mode: str
    allowed_addresses: list[str]
    has_secret: bool
    secret_name: str | None
    created_at: datetime
    updated_at: datetime


class WebhookAnswer(Wire):
    """How the run ended that a webhook started; ``error`` is there if it failed."""

    success: bool
    execution_id: str
    result: JsonValue
    error: dict[str, Any] | None = left_away()


class WebhookAccepted(Wire):
    """The run that a webhook has started goes on by itself."""

    success: Literal[True] = True
    execution_id: str


class DeliveryAnswer(Wire):
    """A webhook that was taken; ``status`` is its run's, null once that is deleted."""

    id: str
    delivery_id: str | None
    execution_id: str
    status: str | None
    event: str | None
    method: str
    address: str
    redelivery_of: str | None
    created_at: datetime
