"""``webhook``: sends a signed message to a URL, until it is taken or five repeats have failed."""

from __future__ import annotations

from typing import ClassVar

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from core.http import json_body
from pipelines.blocks.base import BlockSettings, Context, Output, Text
from pipelines.blocks.component import BlockComponent
from pipelines.blocks.sending import Message, deliver


class WebhookSettings(BlockSettings):
    url: Text = Field(min_length=1, description="A public https:// or http:// URL.")
    secret: Text = Field("", description="Signs the message; best a secret such as {{HOOK}}.")
    payload: JsonValue = Field(None, description="Sent as JSON.")


@component
class Webhook(BlockComponent[WebhookSettings]):
    """Signed as Standard Webhooks and by X-Webhook-Signature; ``webhook-id`` and
    ``Idempotency-Key`` are the same at each attempt, after a crash too."""

    type_name = "webhook"
    title = "Webhook"
    description = "Sends a signed message; what is refused or fails is sent again five times."
    outputs: ClassVar = {"status": "number", "attempts": "number"}
    settings = WebhookSettings

    @override
    async def execute(self, context: Context, settings: WebhookSettings) -> Output:
        message = Message(settings.url, json_body(settings.payload), settings.secret)
        status, attempts = await deliver(context, message)
        return {"status": status, "attempts": attempts}
